using System.Text.Json.Nodes;
using RestStream.Connect.Converters;
using RestStream.Connect.Errors;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>Dead letters of sources: what their topic does not take, records that a poll cannot read, and the way back.</summary>
public class SourceDeadLetterTests
{
    private static readonly Dictionary<string, string> s_tolerant = new()
    {
        ["errors.tolerance"] = "all",
        ["errors.deadletterqueue.topic.name"] = "dead",
        ["errors.deadletterqueue.context.headers.enable"] = "true",
    };

    private static readonly Dictionary<string, string> s_replay = new(s_tolerant)
    {
        ["key.converter"] = "org.apache.kafka.connect.storage.StringConverter",
        ["value.converter"] = "org.apache.kafka.connect.json.JsonConverter",
        ["value.converter.schemas.enable"] = "false",
        ["transforms"] = "route,mask",
        ["transforms.route.type"] = "org.apache.kafka.connect.transforms.RegexRouter",
        ["transforms.route.regex"] = "out",
        ["transforms.route.replacement"] = "safe",
        ["transforms.mask.type"] = "org.apache.kafka.connect.transforms.MaskField$Value",
        ["transforms.mask.fields"] = "card",
    };

    [Theory]
    [InlineData("uncompressed", false)]
    [InlineData("gzip", true)]
    public async Task A_record_too_large_for_its_topic_and_the_dead_letter_topic_loses_its_value_and_nothing_else(string compression, bool kept)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 1, ("max.message.bytes", "1000"));
        await worker.CreateAsync("dead", 1, ("max.message.bytes", "1000"), ("compression.type", compression));
        var large = new string('x', 3000);

        worker.Run<AcknowledgingSource>(new CountingScript { Last = 20, Change = r => (string)r.Value! == "7" ? r with { Key = "seven", Value = large } : r }, s_tolerant);
        await OffsetAsync(worker, 20);

        Assert.Equal(19, worker.Values("out").Count);
        var dead = Assert.Single(worker.Read("dead"));
        Assert.Equal(("seven", kept ? large : null), (dead.Key, dead.Value));
        Assert.Equal(kept ? [] : (string?[])["3000"], dead.Headers.Where(h => h.Key == "__connect.errors.value.dropped").Select(h => h.Value));
        Assert.Equal("KAFKA_PRODUCE", dead.Headers.Single(h => h.Key == "__connect.errors.stage").Value);
    }

    [Fact]
    public async Task A_record_that_is_too_large_for_its_topic_even_compressed_is_passed_over_and_one_that_shrinks_is_not()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 1, ("max.message.bytes", "1000"), ("compression.type", "gzip"));
        await worker.CreateAsync("dead");
        var random = new Random(1);
        var noise = string.Concat(Enumerable.Range(0, 6000).Select(_ => (char)random.Next('!', '~')));

        worker.Run<AcknowledgingSource>(
            new CountingScript { Last = 20, Change = r => (string)r.Value! switch { "7" => r with { Value = noise }, "8" => r with { Value = new string('x', 6000) }, _ => r } }, s_tolerant);
        await OffsetAsync(worker, 20);

        Assert.Equal((19, 1), (worker.Values("out").Count, worker.Values("out").Count(v => v!.Length == 6000)));
        Assert.Equal([noise], worker.Values("dead"));
    }

    [Fact]
    public async Task Records_that_grow_when_they_are_compressed_are_written_in_batches_that_their_topic_takes()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 1, ("compression.type", "gzip"));
        var random = new Random(1);

        // Ten of them are less than a hundred bytes from the limit of 1 MiB.
        var run = worker.Run<CountingSource>(
            new CountingScript
            {
                Last = 10,
                PerPoll = 10,
                Change = r =>
                {
                    var bytes = new byte[104_838];
                    random.NextBytes(bytes);
                    return r with { Value = bytes };
                },
            },
            value: new ByteArrayConverter());
        await TestWorker.UntilAsync(() => run.Failure is not null || (long?)worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] == 10, "all records");

        Assert.Null(run.Failure);
        Assert.Equal(10, worker.Read("out").Count);
    }

    [Theory]
    [InlineData("max.message.bytes", "100")]
    [InlineData("cleanup.policy", "compact")]
    public async Task A_dead_letter_that_its_topic_takes_in_no_form_fails_the_task_with_the_topics_name_and_what_to_do(string setting, string value)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("dead", 1, (setting, value));

        var run = worker.Run<CountingSource>(new CountingScript { Last = 20, PerPoll = 20, Change = r => (string)r.Value! == "7" ? r with { Value = "bad" } : r }, s_tolerant);
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(("KAFKA_PRODUCE", "out"), (run.Failure!.Stage, run.Failure.Record));
        Assert.Contains("dead letter topic 'dead'", run.Failure.Error.Message);
        Assert.Contains(setting, run.Failure.Error.Message);
        Assert.Null(worker.Services.Offsets.Find("c", CountingSource.Partition));
    }

    [Fact]
    public async Task A_record_whose_time_no_topic_takes_goes_to_the_queue_with_the_present_time()
    {
        var clock = new ManualClock();
        await using var worker = await TestWorker.StartAsync(time: clock);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();

        worker.Run<CountingSource>(new CountingScript { Last = 20, Change = r => (string)r.Value! == "7" ? r with { Timestamp = now + 999_999_999 } : r }, s_tolerant);
        await OffsetAsync(worker, 20);

        Assert.Equal(now, Assert.Single(worker.Read("dead")).Timestamp);
    }

    [Fact]
    public async Task A_record_that_a_poll_cannot_read_goes_to_the_queue_and_its_offset_is_passed()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, Refuses = n => n is 7 or 20 };

        var run = worker.Run<AcknowledgingSource>(script, s_tolerant);
        await TestWorker.UntilAsync(() => script.Committed.Count == 20, "everything was committed");

        Assert.Equal(18, worker.Values("out").Count);
        Assert.Equal(["7", "20"], worker.Values("dead"));
        Assert.All(worker.Read("dead"), r => Assert.Equal("TASK_POLL", r.Headers.Single(h => h.Key == "__connect.errors.stage").Value));
        Assert.Equal((object)20L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
        Assert.Equal((2, 2, 20, 0), (run.Task.Metrics.Errors, run.Task.Metrics.Skipped, run.Task.Metrics.RecordsInTotal, run.Task.Metrics.ActiveRecords));
    }

    [Fact]
    public async Task Without_tolerance_a_record_that_a_poll_cannot_read_fails_the_task_at_that_stage()
    {
        await using var worker = await TestWorker.StartAsync();

        var run = worker.Run<CountingSource>(new CountingScript { Last = 20, Refuses = n => n == 7 });
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal(("TASK_POLL", "out"), (run.Failure!.Stage, run.Failure.Record));
        Assert.IsType<RecordException>(run.Failure.Error);
    }

    [Fact]
    public async Task Without_tolerance_a_refused_record_is_passed_over_when_the_task_has_its_sender_told()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("out", 1, ("max.message.bytes", "1000"));
        var script = new CountingScript
        {
            Last = 20,
            TellsSenders = true,
            Change = r => (string)r.Value! switch { "7" => r with { Value = new string('x', 3000) }, "20" => r with { Value = "bad" }, _ => r },
        };

        var run = worker.Run<AcknowledgingSource>(script, new() { ["errors.deadletterqueue.topic.name"] = "dead", ["test.secret"] = "bad" });
        await TestWorker.UntilAsync(() => script.Committed.Count == 20 || run.Failure is not null, "everything was committed");

        Assert.Null(run.Failure);
        Assert.Equal(18, worker.Values("out").Count);
        Assert.Empty(worker.Values("dead"));
        Assert.Equal((object)20L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
        Assert.Contains("max.message.bytes", script.Refused[0].Reason);
        Assert.Equal(("bad", "[hidden] text"), script.Refused[1]);
        Assert.Equal((2, 2, 0), (run.Task.Metrics.Errors, run.Task.Metrics.Skipped, run.Task.Metrics.ActiveRecords));
    }

    [Fact]
    public async Task Without_tolerance_a_refused_record_fails_a_task_that_has_nobody_to_tell()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 20, Change = r => (string)r.Value! == "7" ? r with { Value = "bad" } : r };

        var run = worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => run.Failure is not null, "the failure");

        Assert.Equal("bad", Assert.Single(script.Refused).Value);
        Assert.Equal("VALUE_CONVERTER", run.Failure!.Stage);
    }

    [Fact]
    public async Task A_replay_takes_the_records_of_a_source_through_its_transforms()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("safe");
        await FillQueueAsync(worker);
        var before = worker.Values("out").Count;

        var answer = await DeadLetterReplay.RunAsync(worker.Services, PluginKind.Source, "c", s_replay, [], default);

        Assert.Equal("""{"topic":"dead","read":2,"replayed":1,"skipped":1,"topics":{"safe":1},"remaining":0}""", answer.ToJsonString());
        var safe = Assert.Single(worker.Read("safe"));
        Assert.Equal(("seven", """{"id":7,"card":""}"""), (safe.Key, safe.Value));
        Assert.Empty(safe.Headers);
        Assert.Equal(before, worker.Values("out").Count);
    }

    [Fact]
    public async Task A_replay_of_a_source_whose_transforms_cannot_be_made_is_refused_and_writes_nothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await FillQueueAsync(worker);
        var before = worker.Values("out").Count;
        var config = new Dictionary<string, string>(s_replay) { ["transforms.mask.type"] = "NoSuch" };

        var refusal = await Assert.ThrowsAsync<ConnectRequestException>(() => DeadLetterReplay.RunAsync(worker.Services, PluginKind.Source, "c", config, [], default));

        Assert.Equal(400, refusal.Status);
        Assert.Equal(before, worker.Values("out").Count);
    }

    [Fact]
    public async Task A_replay_never_brings_back_a_record_whose_value_was_left_out()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.CreateAsync("dead", 1, ("max.message.bytes", "1000"));
        await worker.ProduceAsync("in", 0, "poison" + new string('x', 2000));
        var config = new Dictionary<string, string>(s_tolerant) { ["topics"] = "in" };
        worker.Run<RememberingSink>(new SinkScript(), config, transforms: PoisonTransform.Alone);
        await TestWorker.UntilAsync(() => worker.Values("dead").Count == 1, "the dead letter");

        var answer = await DeadLetterReplay.RunAsync(worker.Services, PluginKind.Sink, "c", config, new JsonObject { ["from"] = "start" }, default);

        Assert.Equal((1, 1), ((int)answer["read"]!, (int)answer["skipped"]!));
        Assert.Single(worker.Values("in"));
    }

    /// <summary>Number 7 with something to mask, and 8, which no mask can be put on.</summary>
    private static async Task FillQueueAsync(TestWorker worker)
    {
        var json = new JsonConverter();
        json.Configure(json.Config.Parse(new Dictionary<string, string?> { ["schemas.enable"] = "false", [ConverterConfig.Type] = ConverterConfig.Value }), isKey: false);
        var script = new CountingScript
        {
            Last = 20,
            Refuses = n => n is 7 or 8,
            Change = r => (string)r.Value! switch
            {
                "7" => r with { Key = "seven", Value = new Dictionary<string, object?> { ["id"] = 7L, ["card"] = "4711" } },
                _ => r,
            },
        };
        worker.Run<CountingSource>(script, s_tolerant, value: json);
        await OffsetAsync(worker, 20);
    }

    private static Task OffsetAsync(TestWorker worker, long number) =>
        TestWorker.UntilAsync(() => (long?)worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] == number, "all records");
}
