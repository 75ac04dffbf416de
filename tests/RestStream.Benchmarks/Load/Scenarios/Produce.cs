using RestStream.Benchmarks.Load.Bare;
using RestStream.Benchmarks.Load.Client;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Produce with <c>acks=all</c> against a bare endpoint that gets the same bodies in the same run.</summary>
internal static class Produce
{
    /// <summary>Bodies that take turns, so that no two requests in a row are the same.</summary>
    private const int Bodies = 64;

    public static Task Batch100Async(LoadSession session) =>
        CompareAsync(session, "batch100", "/parse", seed => Requests.Batch(100, 1024, seed), recordsPerRequest: 100, connections: 64, bar: 0.6);

    /// <summary>
    /// The same into a topic that keeps little, so that the page cache gets memory again that was just freed. On a virtual machine whose host takes free memory
    /// back, the first write to a page costs the host's page fault; the difference to batch100 is that cost.
    /// </summary>
    public static Task Batch100ReusedAsync(LoadSession session) =>
        CompareAsync(session, "batch100reuse", "/parse", seed => Requests.Batch(100, 1024, seed), recordsPerRequest: 100, connections: 64, bar: 0.6,
            """{"segment.bytes":"67108864","retention.bytes":"67108864","file.delete.delay.ms":"0"}""");

    public static Task Single64Async(LoadSession session) =>
        CompareAsync(session, "single64", "/fsync-each", seed => Requests.Single(200, seed), recordsPerRequest: 1, connections: 64, bar: 8);

    public static Task Single256Async(LoadSession session) =>
        CompareAsync(session, "single256", "/post", seed => Requests.Single(200, seed), recordsPerRequest: 1, connections: 256, bar: 0.5);

    /// <summary>Rounds of both take turns; the ratio is the median of the ratios of neighbouring rounds, so that a slow minute of the machine does not count.</summary>
    private static async Task CompareAsync(
        LoadSession session, string scenario, string barePath, Func<int, string> body, int recordsPerRequest, int connections, double bar, string configs = "{}")
    {
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder, "--RestStream:Broker:RetentionCheckInterval", "00:00:01");
        using var bare = await BareProcess.StartAsync(session);
        await LoadSession.CreateTopicAsync(server, "load", configs: configs);
        var bodies = Enumerable.Range(1, Bodies).Select(body).ToArray();
        using var driver = new LoadDriver(server.Address, [.. bodies.Select(b => Requests.Post("/topics/load/records", b))], connections);
        using var bareDriver = new LoadDriver(bare.Address, [.. bodies.Select(b => Requests.Post(barePath, b))], connections);
        session.WarmUp(driver, server.ProcessorTime);
        session.WarmUp(bareDriver, bare.ProcessorTime);

        var (ours, theirs, ratios) = (new List<double>(), new List<double>(), new List<double>());
        var (median, tail, cost, bareCost) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            var before = server.ProcessorTime();
            var result = LoadSession.Run(driver, session.Options.RoundLength);
            cost.Add((server.ProcessorTime() - before).TotalMicroseconds / result.Requests);
            before = bare.ProcessorTime();
            var bareResult = LoadSession.Run(bareDriver, session.Options.RoundLength);
            bareCost.Add((bare.ProcessorTime() - before).TotalMicroseconds / bareResult.Requests);
            ours.Add(result.PerSecond);
            theirs.Add(bareResult.PerSecond);
            ratios.Add(result.PerSecond / bareResult.PerSecond);
            median.Add(result.P50);
            tail.Add(result.P99);
        }

        var report = session.Report;
        report.Add(scenario, $"ratio to {barePath}", ratios, "x", bar);
        report.Add(scenario, "requests per second", ours, "/s");
        if (recordsPerRequest > 1)
            report.Add(scenario, "records per second", [.. ours.Select(o => o * recordsPerRequest)], "/s");
        report.Add(scenario, $"requests per second, {barePath}", theirs, "/s");
        report.Add(scenario, "p50", median, "ms");
        report.Add(scenario, "p99", tail, "ms");
        report.Add(scenario, "server processor time per request", cost, "us");
        report.Add(scenario, $"server processor time per request, {barePath}", bareCost, "us");
    }
}
