using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Connect.Model;
using static RestStream.Connect.Tests.Herding.RequestTests;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Herding;

public class OffsetTests
{
    private static readonly JsonSerializerOptions s_readable = new(JsonSerializerOptions.Default) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string T0 = """{"kafka_topic":"t","kafka_partition":0}""";

    [Fact]
    public async Task Offsets_can_be_changed_in_the_state_stopped_only()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        const string NotStopped = "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/c/stop' endpoint";

        await RefusedAsync(400, NotStopped, () => worker.Herder.AlterOffsetsAsync("c", [Entry("{}", "{}")], default));
        await worker.SetAsync("c", TargetState.Paused);
        await RefusedAsync(400, NotStopped, () => worker.Herder.ResetOffsetsAsync("c", default));
        const string Nothing = "Partitions / offsets need to be provided for an alter offsets request";
        await RefusedAsync(400, Nothing, () => worker.Herder.AlterOffsetsAsync("c", null, default));
        await RefusedAsync(400, Nothing, () => worker.Herder.AlterOffsetsAsync("unknown", [], default));
    }

    [Fact]
    public async Task Offsets_of_a_sink_are_those_of_its_group()
    {
        await using var worker = await SinkAsync();
        await worker.Broker.CommitOffsetsAsync("connect-c", [new OffsetCommit(new LogPartition("t", 1), 5)], default);

        Assert.Equal("""{"kafka_topic":"t","kafka_partition":1} {"kafka_offset":5}""", Show(worker));

        var message = await worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":7}"""), Entry("""{"kafka_topic":"t","kafka_partition":"1","more":1}""", """{"kafka_offset":"3"}"""), Entry(T0, """{"kafka_offset":2}""")], default);
        Assert.Equal("The offsets for this connector have been altered successfully", message);
        Assert.Equal("""{"kafka_topic":"t","kafka_partition":0} {"kafka_offset":2}, {"kafka_topic":"t","kafka_partition":1} {"kafka_offset":3}""", Show(worker));

        await worker.Herder.AlterOffsetsAsync("c", [Entry(T0, null)], default);
        Assert.Equal("""{"kafka_topic":"t","kafka_partition":1} {"kafka_offset":3}""", Show(worker));

        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("The offsets for this connector have been reset successfully", await worker.Herder.ResetOffsetsAsync("c", default));
            Assert.Equal("", Show(worker));
        }
    }

    [Fact]
    public async Task A_group_of_its_own_is_honoured_and_a_connector_that_does_not_know_offsets_gets_the_hint()
    {
        await using var worker = await SinkAsync(("consumer.override.group.id", "mine"));
        worker.Plugins.OnAlterSink = _ => false;

        Assert.Equal(
            "The Connect framework-managed offsets for this connector have been altered successfully. However, if this connector manages offsets externally, they will need to be manually altered in the system that the connector uses.",
            await worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":1}""")], default));
        Assert.Equal(1, worker.Broker.CommittedOffset("mine", new LogPartition("t", 0))!.Value.Offset);
        Assert.Contains("have been reset successfully. However, if this connector manages offsets externally, they will need to be manually reset in", await worker.Herder.ResetOffsetsAsync("c", default));
    }

    [Theory]
    [InlineData(null, """{"kafka_offset":1}""", 400, "The partition for a sink connector offset cannot be null or missing")]
    [InlineData("""{"kafka_topic":"t"}""", """{"kafka_offset":1}""", 400, "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'")]
    [InlineData("""{"kafka_topic":null,"kafka_partition":0}""", null, 400, "Kafka topic names must be valid strings and may not be null")]
    [InlineData("""{"kafka_topic":"t","kafka_partition":null}""", null, 400, "Kafka partitions must be valid numbers and may not be null")]
    [InlineData("""{"kafka_topic":"t","kafka_partition":"x"}""", null, 400,
        "Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values for sink connectors need to be integers.")]
    [InlineData(T0, "{}", 400, "The offset for a sink connector should either be null or contain the key 'kafka_offset'")]
    [InlineData(T0, """{"kafka_offset":1.5}""", 400, "Failed to parse the following Kafka offset value in the provided offsets: '1.5'. Offset values for sink connectors need to be integers.")]
    [InlineData(T0, """{"kafka_offset":-1}""", 500, "Failed to modify offsets for sink connector c")]
    [InlineData("""{"kafka_topic":"absent","kafka_partition":0}""", """{"kafka_offset":1}""", 500, "Failed to alter consumer group offsets for connector c")]
    [InlineData("""{"kafka_topic":"t","kafka_partition":9}""", """{"kafka_offset":1}""", 500, "Failed to alter consumer group offsets for connector c")]
    public async Task What_is_no_offset_of_a_sink_is_refused_before_the_connector_is_asked(string? partition, string? offset, int status, string message)
    {
        await using var worker = await SinkAsync();
        worker.Plugins.OnAlterSink = _ => throw new InvalidOperationException("It was asked.");

        await RefusedAsync(status, message, () => worker.Herder.AlterOffsetsAsync("c", [Entry(partition, offset)], default));
    }

    [Fact]
    public async Task What_the_connector_refuses_is_a_bad_request_and_changes_nothing()
    {
        await using var worker = await SinkAsync();
        worker.Plugins.OnAlterSink = _ => throw new ConnectException("not these");

        await RefusedAsync(400, "not these", () => worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":1}""")], default));

        Assert.Equal("", Show(worker));
    }

    [Fact]
    public async Task A_zombie_sink_task_keeps_offsets_from_being_changed()
    {
        await using var worker = await SinkAsync();
        await worker.SetAsync("c", TargetState.Started);
        worker.Plugins.OnTaskStop = _ => false;
        await worker.SetAsync("c", TargetState.Stopped);

        foreach (var change in new Func<Task>[] { () => worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":1}""")], default), () => worker.Herder.ResetOffsetsAsync("c", default) })
        {
            var refused = await Assert.ThrowsAsync<ConnectRequestException>(change);
            Assert.Equal(500, refused.Status);
            Assert.Contains("zombie sink task", refused.Message);
        }

        worker.Plugins.OnTaskStop = _ => true;
        await worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":1}""")], default);
    }

    [Fact]
    public async Task A_member_of_the_group_keeps_offsets_from_being_changed()
    {
        await using var worker = await SinkAsync();
        var member = worker.Broker.JoinGroup(new GroupJoin { Group = "connect-c", Topics = ["t"], ClientId = "somebody" });
        Assert.True(await member.ReadyAsync(TimeSpan.FromSeconds(30), default));

        Assert.Contains("zombie sink task", (await Assert.ThrowsAsync<ConnectRequestException>(() => worker.Herder.AlterOffsetsAsync("c", [Entry(T0, """{"kafka_offset":1}""")], default))).Message);
        Assert.Contains("zombie sink task", (await Assert.ThrowsAsync<ConnectRequestException>(() => worker.Herder.ResetOffsetsAsync("c", default))).Message);
    }

    [Fact]
    public async Task Offsets_of_a_source_are_in_the_offset_topic_and_its_connector_is_asked()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Stopped);
        IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)>? asked = null;
        worker.Plugins.OnAlterSource = offsets => (asked = offsets).All(o => o.Partition?.ContainsKey("file") == true) ? true : throw new ConnectException("Partition objects should contain the key 'file'");

        await RefusedAsync(400, "Partition objects should contain the key 'file'", () => worker.Herder.AlterOffsetsAsync("c", [Entry("""{"x":1}""", """{"position":1}""")], default));
        await RefusedAsync(400, "Partition objects should contain the key 'file'", () => worker.Herder.AlterOffsetsAsync("c", [Entry(null, """{"position":1}""")], default));
        Assert.Equal("", Show(worker));
        Assert.Equal(
            "The offsets for this connector have been altered successfully",
            await worker.Herder.AlterOffsetsAsync(
                "c", [Entry("""{"file":"a","n":1}""", """{"position":6}"""), Entry("""{"file":"b"}""", """{"position":1,"rate":0.5,"done":true,"text":"ü"}"""), Entry("""{"n":1,"file":"a"}""", """{"position":9}""")], default));
        Assert.Equal("""{"file":"a","n":1} {"position":9}, {"file":"b"} {"position":1,"rate":0.5,"done":true,"text":"ü"}""", Show(worker));
        Assert.Equal([1L, 0.5, true, "ü"], asked!.Last().Offset!.Values);
        Assert.Contains("""{"position":9}""", (await worker.ReadAsync("connect-offsets")).Select(r => r.Value));

        await worker.RestartAsync();
        await worker.Herder.AlterOffsetsAsync("c", [Entry("""{"file":"b"}""", null)], default);
        Assert.Equal("""{"file":"a","n":1} {"position":9}""", Show(worker));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("The offsets for this connector have been reset successfully", await worker.Herder.ResetOffsetsAsync("c", default));
            Assert.Equal("", Show(worker));
        }
    }

    [Theory]
    [InlineData("source", false)]
    [InlineData("source", true)]
    [InlineData("sink", false)]
    [InlineData("sink", true)]
    public async Task Offsets_of_a_connector_that_is_resumed_while_it_is_asked_stay_as_they_are(string kind, bool stoppedAgain)
    {
        await using var worker = await SinkAsync(("connector.class", kind));
        var entry = kind == "sink" ? Entry(T0, """{"kafka_offset":7}""") : Entry("""{"file":"a"}""", """{"position":7}""");
        await worker.Herder.AlterOffsetsAsync("c", [entry], default);
        var before = Show(worker);

        // The check of the connector takes long, and somebody else does not wait for it.
        worker.Plugins.OnAlterSource = _ => Resume();
        worker.Plugins.OnAlterSink = _ => Resume();
        foreach (var change in new Func<Task>[] { () => worker.Herder.ResetOffsetsAsync("c", default), () => worker.Herder.AlterOffsetsAsync("c", [entry with { Offset = null }], default) })
        {
            await worker.SetAsync("c", TargetState.Stopped);
            var refused = await Assert.ThrowsAsync<ConnectRequestException>(change);
            Assert.Equal(stoppedAgain ? 409 : 400, refused.Status);
            Assert.Equal(before, Show(worker));
        }

        bool Resume()
        {
            worker.SetAsync("c", TargetState.Started).GetAwaiter().GetResult();
            if (stoppedAgain)
                worker.SetAsync("c", TargetState.Stopped).GetAwaiter().GetResult();
            return true;
        }
    }

    [Fact]
    public async Task Offsets_stay_when_their_connector_is_deleted()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Stopped);
        await worker.Herder.AlterOffsetsAsync("c", [Entry("""{"file":"a"}""", """{"position":6}""")], default);

        await worker.Herder.DeleteAsync("c", default);
        await worker.CreateAsync("c", TargetState.Stopped);

        Assert.Equal("""{"file":"a"} {"position":6}""", Show(worker));
    }

    private static async Task<TestWorker> SinkAsync(params (string Key, string Value)[] config)
    {
        var worker = await TestWorker.StartAsync();
        await worker.Broker.CreateTopicAsync(new TopicSpec("t", 2, new Dictionary<string, string>()), default);
        await worker.CreateAsync("c", TargetState.Stopped, [("connector.class", "sink"), .. config]);
        return worker;
    }

    private static string Show(TestWorker worker) =>
        string.Join(", ", worker.Herder.Offsets("c").Select(e => $"{Text(e.Partition)} {Text(e.Offset)}"));

    private static string Text(JsonObject? json) => json!.ToJsonString(s_readable);
}
