using System.Text.Json.Nodes;
using RestStream.Connect.Errors;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Tests.Tasks;

public class PreviewTests
{
    private static readonly Dictionary<string, string> s_config = new()
    {
        ["name"] = "c",
        ["topics"] = "in",
        ["key.converter"] = "org.apache.kafka.connect.storage.StringConverter",
        ["transforms"] = "hoist,drop",
        ["transforms.hoist.type"] = "org.apache.kafka.connect.transforms.HoistField$Value",
        ["transforms.hoist.field"] = "wrapped",
        ["transforms.drop.type"] = "org.apache.kafka.connect.transforms.Filter",
        ["transforms.drop.predicate"] = "tombstone",
        ["predicates"] = "tombstone",
        ["predicates.tombstone.type"] = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    };

    [Fact]
    public async Task Live_records_of_a_sink_are_shown_after_every_step_and_nothing_is_written()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "{\"id\":1}", "{\"id\":2}", "no json");

        var preview = await Preview.RunAsync(worker.Services, PluginKind.Sink, s_config, new JsonObject { ["limit"] = 2 }, default);

        var records = preview["records"]!.AsArray();
        Assert.Equal(2, records.Count);
        Assert.Equal("{\"id\":2}", (string?)records[0]!["input"]!["value"]);
        Assert.Equal(["converters", "hoist", "drop"], records[0]!["steps"]!.AsArray().Select(s => (string?)s!["name"]));
        Assert.Equal("{\"id\":2}", records[0]!["steps"]![0]!["record"]!["value"]!.ToJsonString());
        Assert.Equal("{\"wrapped\":{\"id\":2}}", records[0]!["output"]!["value"]!.ToJsonString());
        Assert.False((bool)records[0]!["steps"]![2]!["applied"]!);
        Assert.Equal("VALUE_CONVERTER", (string?)records[1]!["error"]!["stage"]);
        Assert.Equal("org.apache.kafka.connect.errors.DataException", (string?)records[1]!["error"]!["exception"]);
        Assert.Equal(3, worker.Values("in").Count);
        Assert.Empty(worker.Broker.ListGroups(null, 10));
    }

    [Fact]
    public async Task Samples_of_a_source_are_shown_as_the_bytes_that_the_topic_would_get()
    {
        await using var worker = await TestWorker.StartAsync();
        var request = JsonNode.Parse("""{"records":[{"topic":"out","key":"k","value":{"id":1}},{"topic":"out","value":null}]}""")!.AsObject();

        var preview = await Preview.RunAsync(worker.Services, PluginKind.Source, new Dictionary<string, string>(s_config) { ["transforms"] = "drop,hoist" }, request, default);

        Assert.Equal("""{"topic":"out","key":"k","value":"{\u0022wrapped\u0022:{\u0022id\u0022:1}}"}""", preview["records"]![0]!["output"]!.ToJsonString());
        Assert.True((bool)preview["records"]![1]!["steps"]![0]!["dropped"]!);
        Assert.Null(preview["records"]![1]!["output"]);
        Assert.False(worker.Broker.TryGetIntake("out", out _));
    }

    [Fact]
    public async Task A_preview_says_what_is_wrong_with_the_configuration_or_the_request()
    {
        await using var worker = await TestWorker.StartAsync();
        var wrong = new Dictionary<string, string>(s_config) { ["transforms.hoist.type"] = "NoSuch" };

        Assert.Equal(400, (await Assert.ThrowsAsync<ConnectRequestException>(() => Preview.RunAsync(worker.Services, PluginKind.Sink, wrong, [], default))).Status);
        Assert.Equal(400, (await Assert.ThrowsAsync<ConnectRequestException>(() => Preview.RunAsync(worker.Services, PluginKind.Source, s_config, [], default))).Status);
        Assert.Equal(400, (await Assert.ThrowsAsync<ConnectRequestException>(() => Preview.RunAsync(worker.Services, PluginKind.Sink, s_config, new JsonObject { ["topic"] = "nowhere" }, default))).Status);
        Assert.Equal(400, (await Assert.ThrowsAsync<ConnectRequestException>(() => Preview.RunAsync(worker.Services, s_config, [], default))).Status);
    }

    [Fact]
    public async Task A_replay_brings_dead_letters_back_as_they_were_and_goes_on_where_the_last_one_ended()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "bad", "b", "bad");
        var config = new Dictionary<string, string>
        {
            ["topics"] = "in",
            ["errors.tolerance"] = "all",
            ["errors.deadletterqueue.topic.name"] = "dead",
            ["errors.deadletterqueue.context.headers.enable"] = "true",
        };
        var script = new SinkScript();
        var run = worker.Run<RememberingSink>(script, config);
        await TestWorker.UntilAsync(() => worker.Values("dead").Count == 2, "the dead letters");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));
        await worker.ProduceAsync("dead", 0, "a stranger");

        var first = await DeadLetterReplay.RunAsync(worker.Services, PluginKind.Sink, "c", config, [], default);
        var again = await DeadLetterReplay.RunAsync(worker.Services, PluginKind.Sink, "c", config, [], default);
        var fromStart = await DeadLetterReplay.RunAsync(worker.Services, PluginKind.Sink, "c", config, new JsonObject { ["from"] = "start", ["limit"] = 1 }, default);

        Assert.Equal("""{"topic":"dead","read":3,"replayed":2,"skipped":1,"topics":{"in":2},"remaining":0}""", first.ToJsonString());
        Assert.Equal("""{"topic":"dead","read":0,"replayed":0,"skipped":0,"topics":{},"remaining":0}""", again.ToJsonString());
        Assert.Equal("""{"topic":"dead","read":1,"replayed":1,"skipped":0,"topics":{"in":1},"remaining":2}""", fromStart.ToJsonString());
        Assert.Equal(["a", "bad", "b", "bad", "bad", "bad", "bad"], worker.Values("in"));
        Assert.All(worker.Read("in"), r => Assert.Empty(r.Headers));
        await Assert.ThrowsAsync<ConnectRequestException>(() => DeadLetterReplay.RunAsync(worker.Services, PluginKind.Sink, "c", new Dictionary<string, string>(), [], default));
    }
}
