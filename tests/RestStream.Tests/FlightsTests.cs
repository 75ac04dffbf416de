using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Operations;

namespace RestStream.Tests;

public class FlightsTests
{
    internal static string Data { get; } = Path.Combine(Locations.RepositoryRoot, "artifacts", "flights", "node_modules", "vega-datasets", "data");

    /// <summary>The sample itself compares count, offsets, order per key and a SHA-256 over all keys and values, for three ways of reading.</summary>
    [RequiresFlightsFact]
    public async Task Real_data_streamed_in_comes_out_the_same_by_events_lines_and_pages()
    {
        using var folder = new TempFolder("flights");
        await using var server = await ServerProcess.StartAsync(folder["data"]);

        var (exitCode, output) = await ProgramRun.Async("node",
            [Path.Combine(Locations.RepositoryRoot, "samples", "flights", "flights.mjs"), "--url", server.Address.GetLeftPart(UriPartial.Authority), "--data", Data]);

        Assert.True(exitCode == 0, output);
        Assert.Equal(8, output.Split('\n').Count(line => line.EndsWith("  ok", StringComparison.Ordinal)));
        Assert.Equal(4, output.Split('\n').Count(line => line.Contains(" 200000 records")));
        Assert.Contains("OK: everything that went in came out", output);
    }

    [RequiresFlightsFact]
    public async Task The_sample_cuts_json_into_members_without_touching_numbers()
    {
        using var folder = new TempFolder("flights");
        await File.WriteAllTextAsync(folder["check.mjs"], $$"""
            import { elements, member } from '{{new Uri(Path.Combine(Locations.RepositoryRoot, "samples", "flights", "json-text.mjs"))}}';
            const rows = [...elements('[{"time":0.0,"s":"a\\"]}"}, {"n":12345678901234567890}]')];
            const ok = rows.length === 2 && member(rows[0], 'time') === '0.0' && member(rows[0], 's') === '"a\\"]}"'
              && member(rows[1], 'n') === '12345678901234567890' && member(rows[1], 'x') === undefined;
            process.exit(ok ? 0 : 1);
            """);

        var (exitCode, output) = await ProgramRun.Async("node", [folder["check.mjs"]]);

        Assert.True(exitCode == 0, output);
    }

    /// <summary>Needs node, and the data that <c>tests/all.sh</c> installs.</summary>
    internal sealed class RequiresFlightsFactAttribute : FactAttribute
    {
        public RequiresFlightsFactAttribute() =>
            Skip = Tool.WhyMissing("node") ?? (Tool.MustRun || File.Exists(Path.Combine(Data, "flights-200k.json"))
                ? null
                : "needs vega-datasets: npm install --prefix artifacts/flights vega-datasets@3.2.1");
    }
}
