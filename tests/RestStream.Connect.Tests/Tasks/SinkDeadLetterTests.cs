using RestStream.Broker.Topics;
using RestStream.TestKit.Disks;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>Dead letters of sinks when their topic does not take them, and when they are many.</summary>
public class SinkDeadLetterTests
{
    private static readonly Dictionary<string, string> s_tolerant = new()
    {
        ["topics"] = "in",
        ["errors.tolerance"] = "all",
        ["errors.deadletterqueue.topic.name"] = "dead",
        ["errors.deadletterqueue.context.headers.enable"] = "true",
    };

    /// <summary>Who finds the record at fault.</summary>
    public enum Finder { Converter, Transform, Put, Report, ReportHidden }

    public static TheoryData<Finder, bool> Failures
    {
        get
        {
            var failures = new TheoryData<Finder, bool>();
            foreach (var finder in Enum.GetValues<Finder>())
            {
                failures.Add(finder, false);
                failures.Add(finder, true);
            }

            return failures;
        }
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_dead_letter_that_cannot_be_written_holds_the_offset_back_until_its_topic_is_mended(Finder finder, bool deleted)
    {
        await using var worker = await TestWorker.StartAsync(options: o => o.OffsetFlushInterval = TimeSpan.FromMilliseconds(50));
        await worker.CreateAsync("in");
        await worker.CreateAsync("dead", 1, ("max.message.bytes", deleted ? "100000" : "100"));
        var script = Script(finder);
        var run = Run(worker, finder, script);
        await TestWorker.UntilAsync(() => !script.Calls.IsEmpty, "its partition");
        if (deleted)
            await worker.Broker.DeleteTopicAsync("dead", default);

        await worker.ProduceAsync("in", 0, "a", BadOf(finder), "b");
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Null(worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0)));
        Assert.Equal(("KAFKA_PRODUCE", "in-0@1"), (run.Failure!.Stage, run.Failure.Record));
        Assert.Contains("dead letter topic 'dead'", run.Failure.Error.Message);
        Assert.Contains(deleted ? "No topic 'dead'" : "max.message.bytes", run.Failure.Error.Message);
        Assert.Equal(1, run.Task.Metrics.DlqFailures);

        if (!deleted)
            await worker.Broker.AlterTopicAsync("dead", new TopicChange(null, new Dictionary<string, string?> { ["max.message.bytes"] = null }), default);
        var again = Script(finder);
        var second = Run(worker, finder, again);
        await TestWorker.UntilAsync(() => worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset == 3, "the commit");
        Assert.Equal((string[])[BadOf(finder)], worker.Values("dead"));
        Assert.Null(second.Failure);
    }

    [Theory]
    [InlineData(64 * 1024 * 1024, 1_000)]
    [InlineData(64 * 1024, 16)]
    public async Task A_topic_of_bad_records_alone_fills_the_memory_only_as_far_as_the_bound(long taskMaxBytes, int most)
    {
        var clock = new ManualClock();
        var disk = new SimulatedDisk();
        await using var worker = await TestWorker.StartAsync(disk, clock, o => o.TaskMaxBytes = taskMaxBytes, folder: "/data");
        await worker.CreateAsync("in");
        var script = new SinkScript();
        var run = worker.Run<RememberingSink>(script, s_tolerant, paused: true, transforms: PoisonTransform.Alone);
        await TestWorker.UntilAsync(() => !script.Calls.IsEmpty, "its partition");
        for (var i = 0; i < 30; i++)
            await worker.ProduceAsync("in", 0, [.. Enumerable.Repeat("poison" + new string('x', 1000), 100)]);

        disk.CapacityBytes = 1;
        run.Task.Resume();
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(300));
                return run.Task.Metrics.RetryCount >= 3 * most;
            },
            "some tries");
        var onTheirWay = run.Task.Metrics.DlqRequests - worker.Values("dead").Count;
        var committed = worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0));

        disk.CapacityBytes = long.MaxValue;
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset == 3_000;
            },
            "the commit");
        Assert.InRange(onTheirWay, 1, most);
        Assert.Null(committed);
        Assert.Equal(3_000, worker.Values("dead").Count);
        Assert.Null(run.Failure);
    }

    [Fact]
    public async Task A_record_too_large_for_the_dead_letter_topic_goes_there_without_its_value()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.CreateAsync("dead", 1, ("max.message.bytes", "1000"));
        await worker.ProduceAsync("in", 0, "a", "poison" + new string('x', 2000), "b");
        var script = new SinkScript();

        var run = worker.Run<RememberingSink>(script, s_tolerant, transforms: PoisonTransform.Alone);
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the others");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal(("k", (string?)null), (dead.Key, dead.Value));
        Assert.Equal("2006", dead.Headers.Single(h => h.Key == "__connect.errors.value.dropped").Value);
        Assert.Equal("1", dead.Headers.Single(h => h.Key == "__connect.errors.offset").Value);
        Assert.Equal(3, worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset);
    }

    private static string BadOf(Finder finder) => finder == Finder.Converter ? "bad" : "poison";

    private static TestRun Run(TestWorker worker, Finder finder, SinkScript script) =>
        worker.Run<RememberingSink>(script, s_tolerant, transforms: finder == Finder.Transform ? PoisonTransform.Alone : null);

    private static SinkScript Script(Finder finder) => new()
    {
        BeforePut = async (context, records, _) =>
        {
            if (records.FirstOrDefault(r => r.Value is "poison") is not { } poison)
                return;
            if (finder == Finder.Put)
                throw new RecordException(poison, "indigestible");
            try
            {
                await context.ReportAsync(poison, new IOException("refused"));
            }
            catch (Exception) when (finder == Finder.ReportHidden)
            {
                // Against the contract; no record is lost by it.
            }
        },
    };
}
