using RestStream.Benchmarks.Load.Scenarios;

namespace RestStream.Benchmarks.Load;

/// <summary>
/// <c>load</c>: the client of this process drives the server as a process of its own over loopback. Figures go to stderr as they come, the report to stdout.
/// Exit code 0 also when a target is missed (the report says so), 1 when a server misbehaved, 2 for wrong arguments.
/// </summary>
internal static class LoadCommand
{
    private static readonly (string Name, string Text, Func<LoadSession, Task> Run)[] s_scenarios =
    [
        ("batch100", "100 records x 1 KiB JSON a request, acks=all, against an endpoint that parses the same JSON", Produce.Batch100Async),
        ("batch100reuse", "the same into a topic that keeps 64 MB, so that no memory is new to the page cache", Produce.Batch100ReusedAsync),
        ("single64", "one record a request on 64 connections, against one fsync per request", Produce.Single64Async),
        ("single256", "one record a request on 256 connections, against a bare POST", Produce.Single256Async),
        ("once64", "one record a request on 64 connections with Producer-Seq, against the same without", Once.SingleAsync),
        ("once100", "the same with 100 records of 1 KiB a request", Once.BatchAsync),
        ("once-check", "appends of one record with a sequence against the same without, inside the engine", Once.CheckAsync),
        ("topics1000", "the same spread over 1,000 topics, against one topic", ManyTopics.RunAsync),
        ("parked", "10,000 idle SSE readers: memory and idle processor time", Readers.ParkedAsync),
        ("fanout", "one record to 1,000 SSE followers", Readers.FanOutAsync),
        ("grouppoll", "group polls that ack, against pages read with a cursor", GroupReads.PollAsync),
        ("idlegroups", "1,000 groups of a member each in long-polls: idle processor time", GroupReads.IdleAsync),
        ("restart", "kill -9 with 1 GiB that is in the journal only, time to ready", Starts.AfterKillAsync),
        ("clean1000", "clean start with 1,000 partitions", Starts.CleanAsync),
        ("group-commits", "256 members that commit one after the other, each durable, inside the engine", Groups.CommitsAsync),
        ("group-rebalance", "a group of 100 members that another one joins, inside the engine", Groups.RebalanceAsync),
        ("connect-source", "a source task that is never short of records, through converters into the log with its offsets", ConnectTasks.SourceAsync),
        ("connect-datagen", "the Datagen source in a server, as fast as the log takes its records", ConnectDatagen.RunAsync),
        ("connect-sink", "two million records of the log through converters to a sink task that drops them", ConnectTasks.SinkAsync),
        ("connect-idle", "500 idle connectors: processor time, memory, and the list of them", ConnectIdle.RunAsync),
        ("grows", "cost of a record over 1 to 1,000 partitions and 10 MB to 1 GB of log (--large: 10 GB)", Growth.RunAsync),
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        LoadOptions options;
        try
        {
            options = LoadOptions.Parse(args);
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException)
        {
            return await ExplainAsync(wrong.Message);
        }

        var all = options.Scenarios is ["all"];
        if (options.Scenarios.Count == 0)
            return await ExplainAsync("Which scenario?");
        if (options.Scenarios.FirstOrDefault(s => !all && Array.TrueForAll(s_scenarios, known => known.Name != s)) is { } unknown)
            return await ExplainAsync($"There is no scenario '{unknown}'.");
#if DEBUG
        await Console.Error.WriteLineAsync("This is a Debug build; figures need dotnet run -c Release.");
#endif

        Directory.CreateDirectory(options.DataDirectory);
        var report = new Report(Machine.Current(options.DataDirectory));
        var session = new LoadSession(options, report);
        var failed = false;
        foreach (var (name, text, run) in s_scenarios)
        {
            if (!all && !options.Scenarios.Contains(name))
                continue;
            await Console.Error.WriteLineAsync($"-- {name}: {text}");
            try
            {
                await run(session);
            }
            catch (Exception error) when (error is IOException or TimeoutException or InvalidOperationException or HttpRequestException)
            {
                failed = true;
                report.Fail(name, error.Message);
                await Console.Error.WriteLineAsync($"{name} FAILED: {error}");
            }
        }
        await Console.Out.WriteLineAsync(options.Json ? report.ToJson() : report.ToTable());
        return failed ? 1 : 0;
    }

    private static async Task<int> ExplainAsync(string problem)
    {
        await Console.Error.WriteLineAsync($"""
            {problem}
            load <scenario>… | all  [-o json] [--data <folder>] [--rounds 5] [--seconds 2] [--large]
            {string.Join('\n', s_scenarios.Select(s => $"  {s.Name,-15} {s.Text}"))}
            """);
        return 2;
    }
}
