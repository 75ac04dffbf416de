using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>A server with 500 connectors that have nothing to do, half of them sources that follow a file, half of them sinks of a quiet topic.</summary>
internal static class ConnectIdle
{
    private const int Connectors = 500;
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(20);

    /// <summary>Idle processor time, memory, and the list of all with status and configuration.</summary>
    public static async Task RunAsync(LoadSession session)
    {
        const string scenario = "connect-idle";
        using var folder = session.NewFolder(scenario);
        var files = Directory.CreateDirectory(Path.Combine(folder.Path, "data", "files")).FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "in.txt"), "");
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "quiet");
        await ListAsync(server);
        var empty = server.ResidentBytes();
        await Parallel.ForEachAsync(Enumerable.Range(0, Connectors), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, token) =>
        {
            var config = i % 2 == 0
                ? new Dictionary<string, string> { ["connector.class"] = "FileStreamSource", ["file"] = "in.txt", ["topic"] = "quiet" }
                : new Dictionary<string, string> { ["connector.class"] = "FileStreamSink", ["file"] = $"out{i}.txt", ["topics"] = "quiet" };
            using var answer = await server.Client.PutAsJsonAsync($"connectors/c{i}/config", config, token);
            if (answer.StatusCode != HttpStatusCode.Created)
                throw new InvalidOperationException(await answer.Content.ReadAsStringAsync(token));
        });
        while (await RunningAsync(server) < Connectors)
            await Task.Delay(100);

        var times = new List<double>();
        for (var i = 0; i < 20; i++)
            times.Add((await ListAsync(server)).TotalMilliseconds);

        // What their starts left to do, the compiler's work too, is over.
        await Task.Delay(s_idle / 2);
        var (before, watch) = (server.ProcessorTime(), Stopwatch.StartNew());
        await Task.Delay(s_idle);
        var spent = (server.ProcessorTime() - before) / watch.Elapsed;

        session.Report.Add(new(scenario, "percent of a core for 500 idle connectors", 100 * spent, "%") { Bar = 5, AtLeast = false });
        session.Report.Add(new(scenario, "resident memory, all of the server", server.ResidentBytes() / 1048576.0, "MiB") { Bar = 200, AtLeast = false });
        session.Report.Add(new(scenario, "resident memory before them", empty / 1048576.0, "MiB"));
        session.Report.Add(scenario, "GET /connectors?expand=status&expand=info", times, "ms", 100, atLeast: false);
    }

    private static async Task<TimeSpan> ListAsync(ServerProcess server)
    {
        var watch = Stopwatch.StartNew();
        await server.Client.GetByteArrayAsync("connectors?expand=status&expand=info");
        return watch.Elapsed;
    }

    private static async Task<int> RunningAsync(ServerProcess server)
    {
        var all = await server.Client.GetFromJsonAsync<JsonElement>("connectors?expand=status");
        return all.EnumerateObject().Count(c => c.Value.GetProperty("status").GetProperty("tasks").EnumerateArray().Any(t => t.GetProperty("state").GetString() == "RUNNING"));
    }
}
