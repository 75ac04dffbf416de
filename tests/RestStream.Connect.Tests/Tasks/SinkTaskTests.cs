using RestStream.Connect.Model;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

public class SinkTaskTests
{
    private static readonly Dictionary<string, string> s_topic = new() { ["topics"] = "in" };

    [Fact]
    public async Task A_sink_gets_the_records_of_its_topics_and_a_stopped_one_has_committed_all_of_them()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 2);
        await worker.ProduceAsync("in", 0, "a", "b");
        await worker.ProduceAsync("in", 1, "c");
        var script = new SinkScript();

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 3, "three records");
        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal(["in-0@0=a", "in-0@1=b", "in-1@0=c"], script.Put.Order());
        Assert.Equal(["open in-0 in-1", "flush in-0@2 in-1@1", "close in-0 in-1"], script.Calls);
        Assert.Equal((2, 1), (Committed(worker, 0), Committed(worker, 1)));
        Assert.Equal(1, script.Disposed);
        Assert.Empty(worker.Broker.DescribeGroup("connect-c").Members);
    }

    [Fact]
    public async Task A_sink_goes_on_at_its_committed_offset_after_a_restart_of_the_worker()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b");
        var first = new SinkScript();
        worker.Run<RememberingSink>(first, s_topic);
        await TestWorker.UntilAsync(() => first.Put.Count == 2, "two records");

        await worker.RestartAsync();
        await worker.ProduceAsync("in", 0, "c");
        var second = new SinkScript();
        worker.Run<RememberingSink>(second, s_topic);
        await TestWorker.UntilAsync(() => !second.Put.IsEmpty, "the third record");

        Assert.Equal(["c"], second.Values);
    }

    [Fact]
    public async Task Offsets_are_never_committed_beyond_what_a_flush_says_nor_beyond_what_was_put()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 2);
        await worker.ProduceAsync("in", 0, "a", "b", "c");
        await worker.ProduceAsync("in", 1, "d");
        var script = new SinkScript
        {
            Flush = _ => new Dictionary<TopicPartition, long> { [new("in", 0)] = 2, [new("in", 1)] = 9, [new("other", 0)] = 1 },
        };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 4, "four records");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Equal((2, null), (Committed(worker, 0), Committed(worker, 1)));
        Assert.Equal([new LogPartition("in", 0)], worker.Broker.CommittedOffsets("connect-c").Select(o => o.Partition));
    }

    [Fact]
    public async Task A_batch_that_may_be_tried_again_is_put_again_as_it_was_after_a_pause_and_nothing_of_it_is_committed_before()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock, options: o => o.OffsetFlushInterval = TimeSpan.FromMilliseconds(100));
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b");
        var tries = new List<string>();
        var script = new SinkScript();
        script.BeforePut = (_, records, _) =>
        {
            if (records.Count == 0)
                return Task.CompletedTask;
            lock (tries)
                tries.Add(string.Concat(records.Select(r => r.Value)));
            return tries.Count switch
            {
                1 => throw new RetriableException("not yet"),
                2 => throw new RetriableException("busy") { RetryAfter = TimeSpan.FromSeconds(90) },
                _ => Task.CompletedTask,
            };
        };
        var run = worker.Run<RememberingSink>(script, s_topic);

        await TestWorker.UntilAsync(() => tries.Count == 1 && clock.ArmedTimers > 0, "the first try");
        await worker.ProduceAsync("in", 0, "c");
        await AdvanceUntilAsync(clock, TimeSpan.FromMilliseconds(100), () => tries.Count == 2);
        for (var waited = TimeSpan.Zero; waited < TimeSpan.FromSeconds(80); waited += TimeSpan.FromSeconds(10))
            clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, tries.Count);
        Assert.Null(Committed(worker, 0));
        await AdvanceUntilAsync(clock, TimeSpan.FromSeconds(1), () => script.Put.Count == 3);

        Assert.Equal(["ab", "ab", "ab", "c"], tries);
        await AdvanceUntilAsync(clock, TimeSpan.FromSeconds(1), () => Committed(worker, 0) == 3);
        Assert.Equal([WorkState.Running], run.States);
        Assert.Single(worker.Broker.DescribeGroup("connect-c").Members);
    }

    [Fact]
    public async Task A_record_at_fault_goes_to_the_dead_letter_queue_and_the_others_are_put_again_without_it()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "poison", "b");
        var script = new SinkScript();
        script.BeforePut = (_, records, _) => records.FirstOrDefault(r => r.Value is "poison") is { } poison ? throw new RecordException(poison, "indigestible") : Task.CompletedTask;
        var config = new Dictionary<string, string>(s_topic)
        {
            ["errors.tolerance"] = "all",
            ["errors.deadletterqueue.topic.name"] = "dead",
            ["errors.deadletterqueue.context.headers.enable"] = "true",
        };

        var run = worker.Run<RememberingSink>(script, config);
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the others");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(["a", "b"], script.Values);
        Assert.Equal(3, Committed(worker, 0));
        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal(("k", "poison"), (dead.Key, dead.Value));
        Assert.Equal("TASK_PUT", dead.Headers.Single(h => h.Key == "__connect.errors.stage").Value);
        Assert.Equal("indigestible", dead.Headers.Single(h => h.Key == "__connect.errors.exception.message").Value);
    }

    [Fact]
    public async Task Without_tolerance_a_record_at_fault_fails_the_task_and_what_was_put_before_is_committed()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        var script = new SinkScript();
        script.BeforePut = (_, records, _) => records.FirstOrDefault(r => r.Value is "poison") is { } poison ? throw new RecordException(poison, "indigestible") : Task.CompletedTask;
        var run = worker.Run<RememberingSink>(script, s_topic);
        await worker.ProduceAsync("in", 0, "a");
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "the first record");

        await worker.ProduceAsync("in", 0, "poison");
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(("TASK_PUT", "in-0@1"), (run.Failure!.Stage, run.Failure.Record));
        Assert.IsType<RecordException>(run.Failure.Error);
        Assert.Equal(1, Committed(worker, 0));
        Assert.Equal(1, script.Disposed);
        Assert.Empty(worker.Broker.DescribeGroup("connect-c").Members);
    }

    [Fact]
    public async Task What_a_task_finished_of_a_put_that_failed_is_committed()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b", "c");
        var script = new SinkScript { BeforePut = (_, records, _) => records.Count == 0 ? Task.CompletedTask : throw new ConnectException("no room"), Flush = _ => new Dictionary<TopicPartition, long> { [new("in", 0)] = 2 } };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(2, Committed(worker, 0));
        var next = new SinkScript();
        worker.Run<RememberingSink>(next, s_topic);
        await TestWorker.UntilAsync(() => !next.Put.IsEmpty, "the rest");
        Assert.Equal(["c"], next.Values);
    }

    [Fact]
    public async Task Any_other_error_of_a_put_fails_the_task_with_Kafkas_words()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var script = new SinkScript { BeforePut = (_, _, _) => throw new ConnectException("no room") };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\nCaused by: org.apache.kafka.connect.errors.ConnectException: no room\n", run.Failure!.Trace);
        Assert.Null(Committed(worker, 0));
    }

    [Fact]
    public async Task A_reported_record_is_safe_in_the_queue_before_its_offset_is_committed()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b");
        var script = new SinkScript();
        script.BeforePut = async (context, records, _) =>
        {
            if (records.Count > 0)
                await context.ReportAsync(records[0], new IOException("refused"));
        };
        var config = new Dictionary<string, string>(s_topic)
        {
            ["errors.tolerance"] = "all",
            ["errors.deadletterqueue.topic.name"] = "dead",
            ["errors.deadletterqueue.context.headers.enable"] = "true",
        };

        var run = worker.Run<RememberingSink>(script, config);
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the records");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal("a", dead.Value);
        Assert.Equal("System.IO.IOException", dead.Headers.Single(h => h.Key == "__connect.errors.exception.class.name").Value);
        Assert.Equal(2, Committed(worker, 0));
    }

    [Fact]
    public async Task A_second_task_gets_its_share_and_everything_arrives_at_one_of_them()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 4);
        SinkScript first = new(), second = new();
        worker.Run<RememberingSink>(first, s_topic, task: 0);
        for (var partition = 0; partition < 4; partition++)
            await worker.ProduceAsync("in", partition, "before");
        await TestWorker.UntilAsync(() => first.Put.Count == 4, "the records of the only task");

        var other = worker.Run<RememberingSink>(second, s_topic, task: 1);
        await TestWorker.UntilAsync(() => second.Calls.Any(c => c.StartsWith("open", StringComparison.Ordinal)), "the share of the second");
        for (var partition = 0; partition < 4; partition++)
            await worker.ProduceAsync("in", partition, "after");
        await TestWorker.UntilAsync(() => first.Put.Count + second.Put.Count == 8, "the records of both");

        Assert.Equal(["open in-0 in-1 in-2 in-3", "flush in-0@1 in-1@1 in-2@1 in-3@1", "close in-0 in-1 in-2 in-3", "open in-0 in-1"], first.Calls);
        Assert.Equal(["in-2@1=after", "in-3@1=after"], second.Put.Order());

        await other.Task.StopAsync(TimeSpan.FromSeconds(30));
        await TestWorker.UntilAsync(() => first.Calls.Last() == "open in-0 in-1 in-2 in-3", "everything is the first one's again");
        await worker.ProduceAsync("in", 3, "last");
        await TestWorker.UntilAsync(() => first.Values.Contains("last"), "the last record");
        Assert.Equal(9, first.Put.Concat(second.Put).Distinct().Count());
        Assert.Equal(9, first.Put.Count + second.Put.Count);
    }

    [Fact]
    public async Task A_task_that_hangs_loses_its_partitions_and_its_late_commit_counts_for_nothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var hang = new TaskCompletionSource();
        SinkScript script = new() { BeforePut = (_, _, _) => hang.Task }, next = new() { Flush = _ => new Dictionary<TopicPartition, long>() };
        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Calls.Count == 1, "its partition");

        Assert.False(await run.Task.StopAsync(TimeSpan.FromMilliseconds(1)));
        var successor = worker.Run<RememberingSink>(next, s_topic);
        await TestWorker.UntilAsync(() => next.Put.Count == 1, "the record at its successor");
        hang.SetResult();
        await TestWorker.UntilAsync(() => script.Disposed == 1, "the end of the one that hung");

        Assert.Null(Committed(worker, 0));
        Assert.DoesNotContain(script.Calls, c => c.StartsWith("flush", StringComparison.Ordinal));
        await worker.ProduceAsync("in", 0, "b");
        await TestWorker.UntilAsync(() => next.Put.Count == 2, "the successor still has its place");
        Assert.True(await successor.Task.StopAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_task_that_stores_offsets_itself_begins_where_it_seeks()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b", "c", "d");
        await worker.Broker.CommitOffsetsAsync("connect-c", [new(new LogPartition("in", 0), 3)], default);
        var script = new SinkScript { Opened = (context, partitions) => context.Seek(partitions[0], 1) };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 3, "from the second record on");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(["b", "c", "d"], script.Values);
        Assert.Equal(4, Committed(worker, 0));
    }

    [Fact]
    public async Task Paused_partitions_bring_nothing_until_they_are_resumed_and_the_others_go_on()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 2);
        ISinkTaskContext? context = null;
        var script = new SinkScript
        {
            Opened = (c, partitions) =>
            {
                context = c;
                c.Pause(partitions[1]);
            },
        };
        worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => context is not null, "its partitions");
        await worker.ProduceAsync("in", 1, "b");
        await worker.ProduceAsync("in", 0, "a");
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "the other partition");
        Assert.Equal(["a"], script.Values);

        context!.Resume(new TopicPartition("in", 1));
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the paused partition");
        Assert.Throws<ConnectException>(() => context.Pause(new TopicPartition("in", 7)));
    }

    [Fact]
    public async Task A_paused_sink_has_committed_and_gets_nothing_until_it_is_resumed()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var script = new SinkScript();
        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "the first record");

        run.Task.Pause();
        await run.ReportAsync(WorkState.Paused);
        Assert.Equal(1, Committed(worker, 0));
        await worker.ProduceAsync("in", 0, "b");
        Assert.Equal(1, run.Task.Figures.Lag);
        Assert.Single(script.Put);
        Assert.Single(worker.Broker.DescribeGroup("connect-c").Members);

        run.Task.Resume();
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the second record");
        Assert.Equal(0, run.Task.Figures.Lag);
    }

    [Fact]
    public async Task A_commit_that_the_task_asks_for_does_not_wait_for_the_interval_and_one_that_fails_brings_the_records_again()
    {
        await using var worker = await TestWorker.StartAsync(options: o => o.OffsetFlushInterval = TimeSpan.FromHours(1));
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b");
        var flushes = 0;
        var script = new SinkScript { Flush = o => ++flushes == 1 ? throw new IOException("not written") : o };
        script.BeforePut = (context, records, _) =>
        {
            if (records.Count > 0)
                context.RequestCommit();
            return Task.CompletedTask;
        };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => Committed(worker, 0) == 2, "the commit");

        Assert.Equal(["a", "b", "a", "b"], script.Values);
        Assert.Equal([WorkState.Running], run.States);
    }

    [Fact]
    public async Task A_sink_may_read_all_topics_of_a_pattern_under_a_group_of_its_own_in_small_batches_from_the_end()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.CreateAsync("inner");
        await worker.CreateAsync("out");
        await worker.ProduceAsync("in", 0, "old");
        var sizes = new List<int>();
        var script = new SinkScript();
        script.BeforePut = (_, records, _) =>
        {
            sizes.Add(records.Count);
            return Task.CompletedTask;
        };
        worker.Run<RememberingSink>(script, new()
        {
            ["topics.regex"] = "in.*",
            ["consumer.override.group.id"] = "mine",
            ["consumer.override.auto.offset.reset"] = "latest",
            ["consumer.override.max.poll.records"] = "2",
        });
        await TestWorker.UntilAsync(() => script.Calls.Contains("open in-0 inner-0"), "its partitions");
        Assert.Equal(1, Committed(worker, 0, "mine"));

        await worker.ProduceAsync("out", 0, "no");
        await worker.ProduceAsync("in", 0, "1", "2", "3");
        await worker.ProduceAsync("inner", 0, "4");
        await TestWorker.UntilAsync(() => script.Put.Count == 4, "the new records");

        Assert.Equal(["1", "2", "3", "4"], script.Values.Order());
        Assert.All(sizes, s => Assert.InRange(s, 0, 2));
    }

    [Fact]
    public async Task A_task_that_keeps_records_is_called_with_none_when_nothing_comes()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        await worker.CreateAsync("in");
        var script = new SinkScript();
        worker.Run<RememberingSink>(script, s_topic);

        await AdvanceUntilAsync(clock, TimeSpan.FromSeconds(1), () => script.EmptyPuts > 2);
    }

    [Fact]
    public async Task Records_that_are_gone_from_the_log_are_passed_over_from_the_first_that_is_there()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b", "c");
        await worker.Broker.CommitOffsetsAsync("connect-c", [new(new LogPartition("in", 0), 0)], default);
        await worker.Broker.TruncateAsync("in", new Dictionary<int, long> { [0] = 2 }, default);
        var script = new SinkScript();

        worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "what is left");

        Assert.Equal(["in-0@2=c"], script.Put);
    }

    [Fact]
    public async Task A_sink_may_write_records_of_its_own_by_the_converters_of_the_connector()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var script = new SinkScript();
        script.BeforePut = async (context, records, ct) =>
        {
            foreach (var record in records)
                await context.ProduceAsync("answers", new(null, "to"), new(null, $"answer to {record.Value}"), [new Header("h", null, "x")], ct);
        };

        const string Text = "org.apache.kafka.connect.storage.StringConverter";
        worker.Run<RememberingSink>(script, new(s_topic) { ["key.converter"] = Text, ["value.converter"] = Text });
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "the record");

        var answer = Assert.Single(worker.Read("answers"));
        Assert.Equal(("to", "answer to a", ("h", "x")), (answer.Key, answer.Value, answer.Headers.Single()));
        Assert.Equal(["in"], worker.Services.Statuses.ActiveTopics("c"));
    }

    private static Task AdvanceUntilAsync(ManualClock clock, TimeSpan step, Func<bool> condition) => TestWorker.UntilAsync(
        () =>
        {
            clock.Advance(step);
            return condition();
        },
        "it happens as time goes by");

    private static long? Committed(TestWorker worker, int partition, string group = "connect-c") => worker.Broker.CommittedOffset(group, new LogPartition("in", partition))?.Offset;
}
