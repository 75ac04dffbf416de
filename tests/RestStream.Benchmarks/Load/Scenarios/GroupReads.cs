using System.Diagnostics;
using RestStream.Benchmarks.Load.Client;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>What consumer groups cost: a poll that acks the one before against a page that is read with a cursor, and groups that wait for nothing.</summary>
internal static class GroupReads
{
    private const int Topics = 8;

    /// <summary>Four for each topic: commits of many groups share a flush, as they do where many work.</summary>
    private const int Workers = 32;
    private const int PageRecords = 100;
    private const int PagesPerTopic = 200;
    private const int IdleGroups = 1_000;

    /// <summary>Two long-polls of every member, so that the idle time holds its share of them.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(20);

    public static async Task PollAsync(LoadSession session)
    {
        const string scenario = "grouppoll";
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        for (var topic = 0; topic < Topics; topic++)
            await FillAsync(server, topic);

        var (pages, polls, ratios, costs) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());

        // The first rounds are the runtime's, which compiles what is hot.
        for (var round = -3; round < session.Options.Rounds; round++)
        {
            var before = server.ProcessorTime();
            var paged = RecordsPerSecond(
                server, (worker, cursor) => Requests.Get($"/topics/read{worker % Topics}/records?max_records={PageRecords}{(cursor is null ? "" : $"&cursor={cursor}")}"));
            var between = server.ProcessorTime();

            // A group of its own each round begins at the beginning.
            var polled = RecordsPerSecond(server, (worker, cursor) => Requests.Post(
                $"/groups/round{round}-{worker}/poll",
                $"{{\"topics\":[\"read{worker % Topics}\"],\"member\":\"w1\",\"max_records\":{PageRecords}{(cursor is null ? "" : $",\"ack\":\"{cursor}\"")}}}"));
            if (round < 0)
                continue;
            pages.Add(paged);
            polls.Add(polled);
            ratios.Add(polled / paged);
            costs.Add((server.ProcessorTime() - between) / (between - before));
        }

        session.Report.Add(scenario, "ratio of group polls with ack to pages", ratios, "x", bar: 0.8);
        session.Report.Add(scenario, "ratio of their processor time", costs, "x");
        session.Report.Add(scenario, "records per second by group polls, 100 a poll", polls, "/s");
        session.Report.Add(scenario, "records per second by pages, 100 a page", pages, "/s");
    }

    public static async Task IdleAsync(LoadSession session)
    {
        const string scenario = "idlegroups";
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "quiet");
        using (var hurried = new LoadDriver(server.Address, Polls(timeoutMs: 50), 64))
            session.WarmUp(hurried, server.ProcessorTime);
        using var members = new LoadDriver(server.Address, Polls(timeoutMs: 10_000), IdleGroups);
        var polling = Task.Run(() => LoadSession.Run(members, s_idle + TimeSpan.FromSeconds(4)));
        await Task.Delay(TimeSpan.FromSeconds(3));

        var before = server.ProcessorTime();
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(s_idle);
        var spent = (server.ProcessorTime() - before) / Stopwatch.GetElapsedTime(started);
        await polling;

        session.Report.Add(new(scenario, "percent of a core for 1,000 groups in long-polls of 10 s", 100 * spent, "%") { Bar = 5, AtLeast = false });
    }

    /// <summary>One poll for each group.</summary>
    private static byte[][] Polls(int timeoutMs) =>
        [.. Enumerable.Range(0, IdleGroups).Select(g => Requests.Post($"/groups/idle{g}/poll", $"{{\"topics\":[\"quiet\"],\"member\":\"w1\",\"timeout\":{timeoutMs}}}"))];

    private static double RecordsPerSecond(ServerProcess server, Func<int, string?, byte[]> request)
    {
        var readers = Enumerable.Range(0, Workers).Select(worker => new CursorReader(server.Address, cursor => request(worker, cursor))).ToArray();
        Exception? failure = null;
        var threads = readers.Select(reader => new Thread(() =>
        {
            try
            {
                for (var page = 0; page < PagesPerTopic; page++)
                    reader.Read();
            }
            catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
            {
                failure = error;
            }
        })).ToArray();
        var started = Stopwatch.GetTimestamp();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Array.ForEach(readers, r => r.Dispose());
        return failure is null ? Workers * PagesPerTopic * PageRecords / seconds : throw new InvalidOperationException(failure.Message, failure);
    }

    private static async Task FillAsync(ServerProcess server, int topic)
    {
        await LoadSession.CreateTopicAsync(server, $"read{topic}");
        for (var page = 0; page < PagesPerTopic; page++)
        {
            using var body = new StringContent(Requests.Batch(PageRecords, 1024, page), System.Text.Encoding.UTF8, "application/json");
            using var answer = await server.Client.PostAsync($"topics/read{topic}/records", body);
            answer.EnsureSuccessStatusCode();
        }
    }
}
