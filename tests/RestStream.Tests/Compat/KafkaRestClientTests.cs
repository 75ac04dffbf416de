using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Operations;

namespace RestStream.Tests.Compat;

/// <summary>The npm client <c>kafka-rest</c> 0.0.5, which speaks version 1 of the protocol, unchanged.</summary>
public class KafkaRestClientTests
{
    private static readonly string s_modules = Path.Combine(Locations.RepositoryRoot, "artifacts", "kafka-rest");

    [RequiresKafkaRestFact]
    public async Task Its_whole_flow_runs_produce_consume_commit_shutdown()
    {
        using var folder = new TempFolder("npm");
        await using var server = await ServerProcess.StartAsync(folder["data"], "--RestStream:Broker:MinFreeBytes=0");
        using var made = await server.Client.PutAsync("topics/orders", new StringContent("""{"partitions":2}"""));
        made.EnsureSuccessStatusCode();

        var (exitCode, output) = await ProgramRun.Async(
            "node", [Path.Combine(Locations.RepositoryRoot, "tests", "compat", "kafka-rest", "flow.js"), server.Address.GetLeftPart(UriPartial.Authority), s_modules, "orders"]);

        Assert.True(exitCode == 0, output);
        Assert.Contains("brokers 1 topic true partitions 2", output);
        Assert.Contains("produced 3", output);
        Assert.Contains("consumed four one three two", output);
        Assert.Contains("shut down", output);
    }

    /// <summary>Needs node, and the client that <c>tests/all.sh</c> installs.</summary>
    private sealed class RequiresKafkaRestFactAttribute : FactAttribute
    {
        public RequiresKafkaRestFactAttribute() =>
            Skip = Tool.WhyMissing("node") ?? (Tool.MustRun || Directory.Exists(Path.Combine(s_modules, "node_modules", "kafka-rest"))
                ? null
                : "needs kafka-rest: npm install --prefix artifacts/kafka-rest kafka-rest@0.0.5");
    }
}
