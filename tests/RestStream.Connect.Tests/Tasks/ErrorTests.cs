using System.Globalization;
using RestStream.Connect.Model;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

public class ErrorTests
{
    private static readonly string[] s_headers =
    [
        "topic", "partition", "offset", "connector.name", "task.id", "stage", "class.name", "exception.class.name", "exception.message", "exception.stacktrace",
    ];

    private static Dictionary<string, string> Tolerant(params (string Key, string Value)[] more) => new(more.Select(m => KeyValuePair.Create(m.Key, m.Value)))
    {
        ["errors.tolerance"] = "all",
        ["errors.deadletterqueue.topic.name"] = "dead",
        ["errors.deadletterqueue.context.headers.enable"] = "true",
    };

    [Fact]
    public async Task A_record_that_a_sink_cannot_convert_goes_to_the_queue_with_its_bytes_and_Kafkas_headers()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "bad", "b");
        var script = new SinkScript();

        var run = worker.Run<RememberingSink>(script, Tolerant(("topics", "in")), task: 3);
        await TestWorker.UntilAsync(() => script.Put.Count == 2, "the good records");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal(("k", "bad"), (dead.Key, dead.Value));
        Assert.Equal(s_headers.Select(h => "__connect.errors." + h), dead.Headers.Select(h => h.Key));
        Assert.Equal(
            ["in", "0", "1", "c", "3", "VALUE_CONVERTER", "RestStream.Connect.Tests.Tasks.TextConverter", "org.apache.kafka.connect.errors.DataException", "bad text",
                "org.apache.kafka.connect.errors.DataException: bad text\n"],
            dead.Headers.Select(h => h.Value));
        Assert.Single(worker.Broker.DescribeTopic("dead").Partitions);
        Assert.Equal(3, worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset);
    }

    [Fact]
    public async Task Without_tolerance_a_record_that_cannot_be_converted_fails_the_sink_and_the_good_ones_of_its_batch_are_not_delivered()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "bad");
        var script = new SinkScript();

        var run = worker.Run<RememberingSink>(script, new() { ["topics"] = "in" });
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\nCaused by: org.apache.kafka.connect.errors.DataException: bad text\n", run.Failure!.Trace);
        Assert.Equal(("VALUE_CONVERTER", "in-0@1"), (run.Failure.Stage, run.Failure.Record));
        Assert.Empty(script.Put);
        Assert.Empty(worker.Broker.CommittedOffsets("connect-c"));
    }

    [Fact]
    public async Task A_record_that_a_source_cannot_convert_goes_to_the_queue_in_one_unit_with_its_offset()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, Change = r => (string)r.Value! == "7" ? r with { Value = "bad", Key = "seven" } : r };
        worker.Run<AcknowledgingSource>(script, Tolerant());
        await TestWorker.UntilAsync(() => script.Committed.Count == 20, "everything was committed");

        Assert.Equal(19, worker.Values("out").Count);
        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal(("seven", "bad"), (dead.Key, dead.Value));
        Assert.Equal(s_headers.Where(h => h is not ("partition" or "offset")).Select(h => "__connect.errors." + h), dead.Headers.Select(h => h.Key));
        Assert.Equal(["out", "c", "0", "VALUE_CONVERTER"], dead.Headers.Take(4).Select(h => h.Value));
        Assert.Equal((object)20L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
    }

    [Fact]
    public async Task An_operation_on_a_record_is_tried_again_for_as_long_as_the_policy_says()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var script = new CountingScript { Last = 3, Change = r => (string)r.Value! == "2" ? r with { Value = "later" } : r };
        var run = worker.Run<CountingSource>(script, new() { ["errors.retry.timeout"] = "60000", ["errors.retry.delay.max.ms"] = "1000" }, value: new TextConverter { LaterFor = 5 });
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return worker.Values("out").Count == 3;
            },
            "all records");
        Assert.Equal(["1", "later", "3"], worker.Values("out"));
        Assert.Equal(5, run.Task.Metrics.RetryCount);

        var never = worker.Run<CountingSource>(script, new() { ["errors.retry.timeout"] = "2000" }, connector: "never", value: new TextConverter { LaterFor = 1000 });
        await TestWorker.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return never.Failure is not null;
            },
            "the failure");
        Assert.Contains("Caused by: org.apache.kafka.connect.errors.RetriableException: not now", never.Failure!.Trace);
        Assert.Null(worker.Services.Offsets.Find("never", CountingSource.Partition));
    }

    [Fact]
    public async Task Tolerated_errors_count_in_the_metrics_of_the_task()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, Change = r => int.Parse((string)r.Value!, CultureInfo.InvariantCulture) % 5 == 0 ? r with { Value = "bad" } : r };
        var run = worker.Run<CountingSource>(script, Tolerant());
        await TestWorker.UntilAsync(() => (long?)worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] == 20, "all records");

        var metrics = run.Task.Metrics;
        Assert.Equal((4, 4, 4, 0), (metrics.Errors, metrics.Failures, metrics.Skipped, metrics.Logged));
        Assert.Equal((4, 20, 20), (metrics.DlqRequests, metrics.RecordsInTotal, metrics.RecordsTotal));
        Assert.Equal(0, metrics.ActiveRecords);
        Assert.True(run.Task.Figures.RecordsPerSecond > 0);
        Assert.Equal([WorkState.Running], run.States);
    }
}
