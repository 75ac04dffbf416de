using System.Globalization;
using System.Text;
using RestStream.Broker.Topics;
using RestStream.Connect.Model;
using RestStream.TestKit.Disks;

namespace RestStream.Connect.Tests.Tasks;

public class SourceTaskTests
{
    private static List<string> Numbers(int from, int to) => [.. Enumerable.Range(from, to - from + 1).Select(n => n.ToString(CultureInfo.InvariantCulture))];

    [Fact]
    public async Task Records_and_offsets_of_a_source_are_in_the_log_and_a_restarted_task_goes_on_behind_them()
    {
        await using var worker = await TestWorker.StartAsync();
        var run = worker.Run<CountingSource>(new CountingScript { Last = 100 });
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 100, "100 records");
        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal((object)100L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
        Assert.Equal([WorkState.Running], run.States);

        await worker.RestartAsync();
        var script = new CountingScript { Last = 150 };
        worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 150, "150 records");

        Assert.Equal(100L, script.ResumedAt);
        Assert.Equal(Numbers(1, 150), worker.Values("out"));
    }

    [Fact]
    public async Task A_task_hears_of_all_its_records_in_order_between_its_polls()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 40 };

        worker.Run<AcknowledgingSource>(script);
        await TestWorker.UntilAsync(() => script.Committed.Count == 40, "everything was committed");

        Assert.Equal(Numbers(1, 40), script.Committed);
        Assert.Equal(["poll", "committed", "poll", "committed", "poll", "committed", "poll", "committed", "poll"], script.Calls);
    }

    [Fact]
    public async Task A_hook_of_a_paused_source_refuses_at_once()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 0 };
        var run = worker.Run<CountingSource>(script);
        await run.ReportAsync(WorkState.Running);
        script.Context!.OpenHook("in", (_, _) => Task.FromResult(new HookResponse(200)));
        async Task<int> CallAsync() => (await worker.Services.Hooks.Call("in", new HookRequest("POST", "", "", [], default), default)!).Status;

        var before = await CallAsync();
        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);
        var paused = await CallAsync();
        run.Task.Resume();
        await run.ReportAsync(WorkState.Running);
        var after = await CallAsync();

        Assert.Equal([200, 503, 200], [before, paused, after]);
    }

    [Fact]
    public async Task A_paused_source_finishes_what_it_has_and_is_not_polled_until_it_is_resumed()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, PerPoll = 1, BeforePoll = async (n, ct) => await Task.Delay(n <= 10 ? 1 : 0, ct) };
        var run = worker.Run<CountingSource>(script);
        await run.ReportAsync(WorkState.Running);

        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);
        var written = worker.Values("out").Count;
        Assert.Equal((long)written, (long)(worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] ?? 0L));

        run.Task.Resume();
        await run.ReportAsync(WorkState.Running);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 20, "all records");
        Assert.Equal(Numbers(1, 20), worker.Values("out"));
    }

    [Fact]
    public async Task A_source_that_waits_for_news_is_paused_at_once_and_what_its_poll_brings_waits()
    {
        await using var worker = await TestWorker.StartAsync();
        var news = new TaskCompletionSource();
        var script = new CountingScript { Last = 5, BeforePoll = (_, ct) => news.Task.WaitAsync(ct) };
        var run = worker.Run<CountingSource>(script);
        await run.ReportAsync(WorkState.Running);
        await TestWorker.UntilAsync(() => script.Calls.Count == 1, "a poll");

        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);
        news.SetResult();
        Assert.Empty(worker.Values("out"));

        run.Task.Resume();
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 5, "its records");
    }

    [Fact]
    public async Task A_task_that_starts_paused_is_not_polled()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript();

        var run = worker.Run<CountingSource>(script, paused: true);
        await run.ReportAsync(WorkState.Paused);

        Assert.Equal([WorkState.Paused], run.States);
        Assert.Empty(script.Calls);
        run.Task.Resume();
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 100, "all records");
    }

    [Fact]
    public async Task A_task_that_hangs_is_left_behind_and_what_it_brings_later_goes_nowhere()
    {
        await using var worker = await TestWorker.StartAsync();
        var hang = new TaskCompletionSource();
        var script = new CountingScript { Last = 20, BeforePoll = (n, _) => n == 11 ? hang.Task : Task.CompletedTask };
        var run = worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 10 && script.Calls.Count == 2, "the hanging poll");

        Assert.False(await run.Task.StopAsync(TimeSpan.FromMilliseconds(1)));
        var next = new CountingScript { Last = 15 };
        var successor = worker.Run<CountingSource>(next);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 15, "the successor's records");
        hang.SetResult();
        await TestWorker.UntilAsync(() => script.Disposed == 1, "the end of the one that hung");

        Assert.Equal(10L, next.ResumedAt);
        Assert.Equal(Numbers(1, 15), worker.Values("out"));
        Assert.Equal([WorkState.Running], run.States);
        await Assert.ThrowsAsync<ConnectException>(async () => await script.Context!.LastOffsetAsync(CountingSource.Partition, default));
        Assert.Throws<ConnectException>(() => script.Context!.OpenHook("late", (_, _) => Task.FromResult(new HookResponse(200))));
        Assert.True(await successor.Task.StopAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_task_that_ends_right_after_its_grace_is_not_left_behind()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var hang = new TaskCompletionSource();
        var script = new CountingScript
        {
            BeforePoll = async (_, token) =>
            {
                await hang.Task;
                token.ThrowIfCancellationRequested();
            },
        };
        var run = worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => script.Calls.Count == 1, "the hanging poll");

        // The time in which it may still end stands still from here on.
        var stopped = run.Task.StopAsync(TimeSpan.FromSeconds(10));
        clock.Advance(TimeSpan.FromSeconds(10));
        await TestWorker.UntilAsync(() => IsFenced(script.Context!), "the end of its grace");
        hang.SetResult();

        Assert.True(await stopped.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(1, script.Disposed);
    }

    private static bool IsFenced(ISourceTaskContext context)
    {
        try
        {
            context.OpenHook("anybody there?", (_, _) => Task.FromResult(new HookResponse(200))).Dispose();
            return false;
        }
        catch (ConnectException)
        {
            return true;
        }
    }

    [Fact]
    public async Task A_poll_that_may_be_tried_again_is_tried_after_a_growing_pause_and_not_before_the_other_side_wants()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var tries = new System.Collections.Concurrent.ConcurrentQueue<DateTimeOffset>();
        var script = new CountingScript
        {
            Last = 5,
            BeforePoll = (n, _) =>
            {
                if (n > 5)
                    return Task.CompletedTask;
                tries.Enqueue(clock.GetUtcNow());
                return tries.Count switch
                {
                    1 or 2 => throw new RetriableException("not yet"),
                    3 => throw new RetriableException("busy") { RetryAfter = TimeSpan.FromMinutes(2) },
                    _ => Task.CompletedTask,
                };
            },
        };
        var run = worker.Run<CountingSource>(script);

        var stalled = false;
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(250));
                stalled |= tries.Count == 3 && run.Task.Figures.Stalled;
                return tries.Count == 4;
            },
            "the fourth try");

        // No shorter than they should be, and as much longer as the test took to see them.
        var pauses = tries.Zip(tries.Skip(1), (a, b) => (b - a).TotalMilliseconds).ToArray();
        Assert.InRange(pauses[0], 300, double.MaxValue);
        Assert.InRange(pauses[1], 600, double.MaxValue);
        Assert.InRange(pauses[2], 120_000, double.MaxValue);
        Assert.True(stalled);

        await TestWorker.UntilAsync(() => worker.Values("out").Count == 5, "its records");
        Assert.False(run.Task.Figures.Stalled);
        Assert.Equal([WorkState.Running], run.States);
    }

    [Fact]
    public async Task A_task_that_throws_fails_with_a_trace_and_without_the_secrets_of_its_configuration()
    {
        await using var worker = await TestWorker.StartAsync();
        var other = worker.Run<CountingSource>(new CountingScript { Topic = "other" }, connector: "other");
        var script = new CountingScript { Last = 20, BeforePoll = (n, _) => n == 11 ? throw new FatalException("no access with hunter22", new IOException("closed")) : Task.CompletedTask };

        var run = worker.Run<CountingSource>(script, new() { ["test.secret"] = "hunter22" });
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.IsType<FatalException>(run.Failure!.Error);
        Assert.Equal("TASK_POLL", run.Failure.Stage);
        Assert.StartsWith("RestStream.Connect.FatalException: no access with [hidden]\nCaused by: System.IO.IOException: closed\n", run.Failure.Trace);
        Assert.Equal(1, script.Disposed);
        Assert.Equal(Numbers(1, 10), worker.Values("out"));
        Assert.Equal((object)10L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
        await TestWorker.UntilAsync(() => worker.Values("other").Count == 100, "the records of the other connector");
        Assert.Null(other.Failure);
    }

    [Fact]
    public async Task Records_larger_than_a_batch_may_be_are_spread_over_batches_and_one_that_never_fits_fails_the_task()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 1, ("max.message.bytes", "1000"));
        var script = new CountingScript { Last = 50, PerPoll = 50, Change = r => r with { Value = $"{r.Value}{new string('x', 200)}" } };
        worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 50, "all records");
        Assert.Equal(Numbers(1, 50), worker.Values("out").Select(v => v.TrimEnd('x')));

        var large = worker.Run<CountingSource>(new CountingScript { Change = r => r with { Value = new string('x', 1000) } }, connector: "large");
        await TestWorker.UntilAsync(() => large.Failure is not null, "the failure");
        Assert.Equal("KAFKA_PRODUCE", large.Failure!.Stage);
        Assert.Contains("Caused by: org.apache.kafka.common.errors.RecordTooLargeException: ", large.Failure.Trace);
    }

    [Fact]
    public async Task A_poll_that_is_larger_than_a_unit_may_be_is_written_in_parts_each_with_its_offsets()
    {
        await using var worker = await TestWorker.StartAsync(options: o => o.TaskMaxBytes = 1024);
        var script = new CountingScript { Last = 200, PerPoll = 200 };
        worker.Run<AcknowledgingSource>(script);
        await TestWorker.UntilAsync(() => script.Committed.Count == 200, "everything was committed");

        Assert.Equal(Numbers(1, 200), worker.Values("out"));
        Assert.Equal(Numbers(1, 200), script.Committed);
        Assert.True(script.Calls.Count(c => c == "committed") > 2);
    }

    [Fact]
    public async Task A_full_disk_is_waited_out_and_costs_no_record()
    {
        var clock = new ManualClock();
        var disk = new SimulatedDisk();
        await using var worker = await TestWorker.StartAsync(disk, clock, folder: "/data");
        var script = new CountingScript
        {
            Last = 40,
            Change = r => r with { Value = $"{r.Value}{new string('x', 500_000)}" },
            BeforePoll = (n, _) =>
            {
                if (n == 21)
                    disk.CapacityBytes = 1;
                return Task.CompletedTask;
            },
        };
        var run = worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => run.Task.Figures.Stalled, "the disk is full");
        var written = worker.Values("out").Count;
        Assert.Equal((object)(long)written, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);

        disk.CapacityBytes = long.MaxValue;
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(300));
                return worker.Values("out").Count == 40;
            },
            "all records");
        Assert.InRange(written, 10, 39);
        Assert.Equal(Numbers(1, 40), worker.Values("out").Select(v => v.TrimEnd('x')));
        Assert.Equal([WorkState.Running], run.States);
    }

    [Fact]
    public async Task Keys_decide_the_partition_as_any_client_of_Kafka_would_and_a_records_own_partition_wins()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 8);
        var script = new CountingScript { Last = 20, Change = r => (string)r.Value! == "7" ? r with { Partition = 5, Key = "k" } : r with { Key = "key-" + r.Value } };
        worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => Enumerable.Range(0, 8).Sum(p => worker.Values("out", p).Count) == 20, "all records");

        for (var partition = 0; partition < 8; partition++)
        {
            foreach (var record in worker.Read("out", partition))
                Assert.Equal(record.Value == "7" ? 5 : Partitioner.ForKey(Encoding.UTF8.GetBytes(record.Key!), 8), partition);
        }
    }

    [Fact]
    public async Task Without_a_topic_and_the_right_to_make_it_a_source_waits_and_says_so()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock, options: o => o.AutoCreateTopics = false);
        var run = worker.Run<CountingSource>(new CountingScript { Last = 5 });
        await TestWorker.UntilAsync(() => run.Task.Figures.Stalled, "it waits");
        Assert.Empty(worker.Values("out"));
        Assert.Contains("waits for topic out", run.Task.Warning.Value!.Message);

        await worker.CreateAsync("out");
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return worker.Values("out").Count == 5;
            },
            "its records");
        Assert.Equal([WorkState.Running], run.States);
    }

    [Fact]
    public async Task Topics_are_made_as_the_first_group_that_matches_says()
    {
        await using var worker = await TestWorker.StartAsync(options: o => o.AutoCreateTopics = false);
        var config = new Dictionary<string, string>
        {
            ["topic.creation.groups"] = "logs",
            ["topic.creation.default.partitions"] = "2",
            ["topic.creation.default.replication.factor"] = "-1",
            ["topic.creation.default.compression.type"] = "gzip",
            ["topic.creation.logs.include"] = "log-.*,audit",
            ["topic.creation.logs.exclude"] = "log-x",
            ["topic.creation.logs.partitions"] = "3",
            ["topic.creation.logs.cleanup.policy"] = "compact",
        };
        string[] topics = ["log-a", "log-x", "audit", "audits"];
        worker.Run<CountingSource>(new CountingScript { Last = 4, Change = r => r with { Topic = topics[int.Parse((string)r.Value!, CultureInfo.InvariantCulture) - 1], Key = "k" } }, config);
        await TestWorker.UntilAsync(() => (long?)worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] == 4, "all records");

        Assert.Equal([3, 2, 3, 2], topics.Select(t => worker.Broker.DescribeTopic(t).Partitions.Count));
        Assert.Equal("gzip", worker.Broker.DescribeTopic("log-a").OverriddenConfigs["compression.type"]);
        Assert.Equal("compact", worker.Broker.DescribeTopic("audit").OverriddenConfigs["cleanup.policy"]);
        Assert.False(worker.Broker.DescribeTopic("audits").OverriddenConfigs.ContainsKey("cleanup.policy"));

        config.Remove("topic.creation.default.replication.factor");
        var wrong = worker.Run<CountingSource>(new CountingScript(), config, connector: "wrong");
        await TestWorker.UntilAsync(() => wrong.Failure is not null, "the failure");
        Assert.StartsWith(
            "org.apache.kafka.common.config.ConfigException: Missing required configuration \"topic.creation.default.replication.factor\" which has no default value.\n", wrong.Failure!.Trace);
    }

    [Fact]
    public async Task Transactions_that_the_connector_ends_are_written_whole_and_dropped_ones_leave_only_their_offsets()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 30, PerPoll = 10 };
        script.AfterPoll = (context, records) =>
        {
            // 1 to 5 are one transaction, 6 to 20 the next; 21 to 30 are dropped.
            if (records is [{ Value: "1" }, ..])
                context.Transaction!.CommitAfter(records[4]);
            else if (records is [{ Value: "11" }, ..])
                context.Transaction!.Commit();
            else if (records.Count > 0)
                context.Transaction!.Abort();
        };
        worker.Run<AcknowledgingSource>(script, new() { ["transaction.boundary"] = "connector" });
        await TestWorker.UntilAsync(() => script.Committed.Count == 30, "everything was committed");

        Assert.Equal(Numbers(1, 20), worker.Values("out"));
        Assert.Equal((object)30L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
    }

    [Fact]
    public async Task A_transaction_is_ended_by_a_poll_that_brings_nothing()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 10, IsEmpty = poll => poll == 2, AfterPoll = (context, records) => EndIf(records.Count == 0, context.Transaction!.Commit) };

        worker.Run<CountingSource>(script, new() { ["transaction.boundary"] = "connector" });

        await TestWorker.UntilAsync(() => worker.Values("out").Count == 10, "the transaction that ended");
    }

    [Fact]
    public async Task What_is_dropped_in_a_poll_that_brings_nothing_is_what_came_before_it()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, IsEmpty = poll => poll == 2 };
        script.AfterPoll = (context, records) =>
        {
            EndIf(records.Count == 0, context.Transaction!.Abort);
            EndIf(records is [{ Value: "11" }, ..], context.Transaction!.Commit);
        };

        worker.Run<AcknowledgingSource>(script, new() { ["transaction.boundary"] = "connector" });
        await TestWorker.UntilAsync(() => script.Committed.Count == 20, "everything was committed");

        Assert.Equal(Numbers(11, 20), worker.Values("out"));
        Assert.Equal((object)20L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
    }

    private static void EndIf(bool isSo, Action end)
    {
        if (isSo)
            end();
    }

    [Fact]
    public async Task A_transaction_that_the_connector_did_not_end_is_polled_again()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 10, AfterPoll = (context, records) => context.Transaction!.CommitAfter(records[5]) };
        var run = worker.Run<CountingSource>(script, new() { ["transaction.boundary"] = "connector" });
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 6, "the transaction that ended");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(Numbers(1, 6), worker.Values("out"));
        Assert.Equal((object)6L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
    }

    [Fact]
    public async Task With_an_interval_records_are_written_when_it_is_over()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var script = new CountingScript { Last = 20 };
        worker.Run<CountingSource>(script, new() { ["transaction.boundary"] = "interval", ["transaction.boundary.interval.ms"] = "60000" });
        await TestWorker.UntilAsync(() => script.Calls.Count == 3, "everything was polled");
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Empty(worker.Values("out"));

        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return worker.Values("out").Count == 20;
            },
            "all records at once");
    }

    [Fact]
    public async Task A_task_that_takes_commits_while_it_polls_hears_of_them_when_the_interval_is_over()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var script = new CountingScript { Last = 5, TakesCommitsWhilePolling = true };
        worker.Run<AcknowledgingSource>(script, new() { ["transaction.boundary"] = "interval", ["transaction.boundary.interval.ms"] = "60000" });
        await TestWorker.UntilAsync(() => script.Calls.Count == 2, "everything was polled, and the next poll waits");

        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return script.Committed.Count == 5;
            },
            "the task to hear of all records");
        Assert.Equal(["poll", "poll", "committed"], script.Calls);
    }

    [Fact]
    public async Task A_task_that_is_paused_in_a_poll_hears_of_what_was_written_when_the_poll_has_come_back()
    {
        await using var worker = await TestWorker.StartAsync();
        var news = new TaskCompletionSource();
        var script = new CountingScript { Last = 6, PerPoll = 5, BeforePoll = (n, token) => n == 6 ? news.Task.WaitAsync(token) : Task.CompletedTask };
        var run = worker.Run<AcknowledgingSource>(script, new() { ["transaction.boundary"] = "interval", ["transaction.boundary.interval.ms"] = "3600000" });
        await TestWorker.UntilAsync(() => script.Calls.Count == 2, "the poll that waits for news");

        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);
        Assert.Equal(Numbers(1, 5), worker.Values("out"));
        Assert.Equal(["poll", "poll"], script.Calls);

        news.SetResult();
        await TestWorker.UntilAsync(() => script.Committed.Count == 5, "the task to hear of them, paused as it is");
        Assert.Equal(Numbers(1, 5), worker.Values("out"));
        run.Task.Resume();
        await TestWorker.UntilAsync(() => script.Calls.Count == 4, "the next poll");
        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(["poll", "poll", "committed", "poll", "committed"], script.Calls);
        Assert.Equal(Numbers(1, 6), script.Committed);
    }

    [Fact]
    public async Task A_task_that_is_stopped_while_it_is_paused_in_a_poll_hears_of_what_was_written_before_it_is_closed()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 5 };
        var run = worker.Run<AcknowledgingSource>(script, new() { ["transaction.boundary"] = "interval", ["transaction.boundary.interval.ms"] = "3600000" });
        await TestWorker.UntilAsync(() => script.Calls.Count == 2, "the poll that waits for news");
        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);

        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal(["poll", "poll", "committed"], script.Calls);
        Assert.Equal(Numbers(1, 5), script.Committed);
    }

    [Fact]
    public async Task A_hook_belongs_to_one_task_and_closes_with_it()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript();
        var run = worker.Run<CountingSource>(script);
        await run.ReportAsync(WorkState.Running);
        script.Context!.OpenHook("orders", (request, _) => Task.FromResult(new HookResponse(201, request.Method)));

        Assert.Throws<ConnectException>(() => script.Context.OpenHook("orders", (_, _) => Task.FromResult(new HookResponse(200))));
        Assert.Throws<ConnectException>(() => script.Context.OpenHook("no/name", (_, _) => Task.FromResult(new HookResponse(200))));
        var answer = await worker.Services.Hooks.Call("orders", new HookRequest("POST", "", "", [], default), default)!;
        Assert.Equal((201, "POST"), (answer.Status, answer.Body));

        await run.Task.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Null(worker.Services.Hooks.Call("orders", new HookRequest("POST", "", "", [], default), default));
    }
}
