using System.Globalization;
using RestStream.Benchmarks.Load.Client;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>What one record costs while the number of partitions or the size of the log grows. Flat is the aim.</summary>
internal static class Growth
{
    private const string Scenario = "grows";
    private const int Connections = 64;
    private const int BatchRecords = 10;
    private const long Megabyte = 1_000_000;

    public static async Task RunAsync(LoadSession session)
    {
        await OverPartitionsAsync(session);
        await OverSizeAsync(session);
    }

    private static async Task OverPartitionsAsync(LoadSession session)
    {
        using var folder = session.NewFolder(Scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        int[] counts = [1, 10, 100, 1000];
        var drivers = new List<LoadDriver>();
        try
        {
            foreach (var count in counts)
            {
                await LoadSession.CreateTopicAsync(server, $"p{count}", count);
                drivers.Add(new(server.Address, [.. Enumerable.Range(0, 1000).Select(i =>
                    Requests.Post($"/topics/p{count}/partitions/{i % count}/records", Requests.Batch(BatchRecords, 200, i)))], Connections));
                session.WarmUp(drivers[^1], server.ProcessorTime);
            }

            var (wall, processor) = (Lists(counts.Length), Lists(counts.Length));
            for (var round = 0; round < session.Options.Rounds; round++)
            {
                for (var i = 0; i < counts.Length; i++)
                {
                    var before = server.ProcessorTime();
                    var result = LoadSession.Run(drivers[i], session.Options.RoundLength);
                    var records = result.Requests * BatchRecords;
                    wall[i].Add(result.Seconds * 1_000_000 / records);
                    processor[i].Add((server.ProcessorTime() - before).TotalMicroseconds / records);
                }
            }
            for (var i = 0; i < counts.Length; i++)
            {
                session.Report.Add(Scenario, $"produce, {counts[i]} partitions: time per record", wall[i], "us");
                session.Report.Add(Scenario, $"produce, {counts[i]} partitions: processor per record", processor[i], "us");
            }
        }
        finally
        {
            foreach (var driver in drivers)
                driver.Dispose();
        }
    }

    private static async Task OverSizeAsync(LoadSession session)
    {
        using var folder = session.NewFolder(Scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "size");
        var batch = Requests.Batch(100, 1024, 1);
        using var fill = new LoadDriver(server.Address, [Requests.Post("/topics/size/records", batch)], 16);
        using var probe = new LoadDriver(server.Address, [.. Enumerable.Range(0, 100).Select(i => Requests.Post("/topics/size/records", Requests.Batch(BatchRecords, 200, i)))], 16);
        using var warmUp = new LoadDriver(server.Address, [Requests.Get("/topics/size/partitions/0/records?from=0&max_records=100")], 4);
        session.WarmUp(probe, server.ProcessorTime);
        session.WarmUp(warmUp, server.ProcessorTime);

        var records = 0L;
        long[] sizes = session.Options.Large ? [10, 100, 1000, 10_000] : [10, 100, 1000];
        foreach (var size in sizes)
        {
            var missing = (size * Megabyte / batch.Length) - (records / 100);
            records += LoadSession.Run(fill, TimeSpan.FromMinutes(20), missing).Requests * 100;
            Measure(session, server, probe, records, size);
        }
    }

    private static void Measure(LoadSession session, ServerProcess server, LoadDriver probe, long records, long size)
    {
        // Pages from places all over the log: each is a lookup in the index and a read of a few batches.
        var random = new Random(1);
        byte[][] pages = [.. Enumerable.Range(0, 1000).Select(_ => Requests.Get(string.Create(CultureInfo.InvariantCulture,
            $"/topics/size/partitions/0/records?from={random.NextInt64(records - 100)}&max_records=100")))];
        using var reader = new LoadDriver(server.Address, pages, 4);
        var (produce, produceProcessor, read, readProcessor) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            // So many requests, not so long a time: the probe itself must not make the log grow much.
            var before = server.ProcessorTime();
            var result = LoadSession.Run(probe, TimeSpan.FromMinutes(1), 2000);
            produce.Add(result.Seconds * 1_000_000 / (result.Requests * BatchRecords));
            produceProcessor.Add((server.ProcessorTime() - before).TotalMicroseconds / (result.Requests * BatchRecords));

            before = server.ProcessorTime();
            result = LoadSession.Run(reader, TimeSpan.FromMinutes(1), 2000);
            read.Add(result.Seconds * 1_000_000 / (result.Requests * 100));
            readProcessor.Add((server.ProcessorTime() - before).TotalMicroseconds / (result.Requests * 100));
        }
        session.Report.Add(Scenario, $"produce, {size:N0} MB of log: time per record", produce, "us");
        session.Report.Add(Scenario, $"produce, {size:N0} MB of log: processor per record", produceProcessor, "us");
        session.Report.Add(Scenario, $"pages of 100 from anywhere, {size:N0} MB: time per record", read, "us");
        session.Report.Add(Scenario, $"pages of 100 from anywhere, {size:N0} MB: processor per record", readProcessor, "us");
    }

    private static List<double>[] Lists(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<double>())];
}
