using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.Benchmarks.Load.Client;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>How long a start takes, from the process's begin until <c>/health/ready</c> says yes.</summary>
internal static class Starts
{
    /// <summary>Three partitions: from three on, groups go through the journal and never straight to the segments.</summary>
    private const int JournaledPartitions = 3;

    /// <summary>The journal of the defaults is flushed long before it holds 1 GiB; these settings let it grow and keep the background flush away.</summary>
    private static readonly string[] s_nothingFlushed =
    [
        "--RestStream:Broker:JournalFileBytes=1073741824", "--RestStream:Broker:JournalMaxBytes=8589934592", "--RestStream:Broker:SegmentFlushInterval=00:10:00",
    ];

    public static async Task AfterKillAsync(LoadSession session)
    {
        const string scenario = "restart";
        const long bytes = 1L << 30;
        var times = new List<double>();
        for (var round = 0; round < 3; round++)
        {
            using var folder = session.NewFolder(scenario);
            long written;
            await using (var server = await LoadSession.StartServerAsync(folder, s_nothingFlushed))
            {
                await LoadSession.CreateTopicAsync(server, "load", JournaledPartitions);
                var batch = Requests.Batch(100, 1024, 1);
                using var driver = new LoadDriver(
                    server.Address, [.. Enumerable.Range(0, JournaledPartitions).Select(p => Requests.Post($"/topics/load/partitions/{p}/records", batch))], 16);
                written = LoadSession.Run(driver, TimeSpan.FromMinutes(5), bytes / batch.Length).Requests * 100;
                await server.KillAsync();
            }

            var start = Stopwatch.GetTimestamp();
            await using var again = await LoadSession.StartServerAsync(folder, s_nothingFlushed);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            var found = await RecordsAsync(again, "load", JournaledPartitions);
            if (found != written)
                throw new InvalidOperationException($"{written} records were acknowledged before the kill, {found} are there after it.");
        }
        session.Report.Add(scenario, "ready after kill -9 with 1 GiB unflushed", times, "s", bar: 3, atLeast: false);
    }

    public static async Task CleanAsync(LoadSession session)
    {
        const string scenario = "clean1000";
        const int partitions = 1000;
        using var folder = session.NewFolder(scenario);
        await using (var server = await LoadSession.StartServerAsync(folder))
        {
            await LoadSession.CreateTopicAsync(server, "load", partitions);
            using var driver = new LoadDriver(
                server.Address, [.. Enumerable.Range(0, partitions).Select(p => Requests.Post($"/topics/load/partitions/{p}/records", Requests.Batch(100, 1024, p)))], 16);
            LoadSession.Run(driver, TimeSpan.FromMinutes(5), partitions);
            await StopAsync(server);
        }

        var (starts, stops) = (new List<double>(), new List<double>());
        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            await using var server = await LoadSession.StartServerAsync(folder);
            starts.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            start = Stopwatch.GetTimestamp();
            await StopAsync(server);
            stops.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        session.Report.Add(scenario, "ready with 1,000 partitions of 100 KiB after a clean stop", starts, "s", bar: 2, atLeast: false);
        session.Report.Add(scenario, "clean stop", stops, "s");

        using var empty = session.NewFolder(scenario + "-empty");
        var begin = Stopwatch.GetTimestamp();
        await using var nothing = await LoadSession.StartServerAsync(empty);
        session.Report.Add(new(scenario, "ready with an empty data directory, for comparison", Stopwatch.GetElapsedTime(begin).TotalSeconds, "s"));
    }

    private static async Task StopAsync(ServerProcess server)
    {
        if (await server.StopAsync() is not 0 and var code)
            throw new InvalidOperationException($"The server ended with {code}:\n{server.Output}");
    }

    private static async Task<long> RecordsAsync(ServerProcess server, string topic, int partitions)
    {
        var records = 0L;
        for (var p = 0; p < partitions; p++)
            records += (await server.Client.GetFromJsonAsync<JsonElement>($"topics/{topic}/partitions/{p}/offsets")).GetProperty("end_offset").GetInt64();
        return records;
    }
}
