using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Connect.Model;
using RestStream.Connect.Stores;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Herding;

public sealed class StoreTests : IDisposable
{
    private readonly TempFolder _folder = new("stores");
    private readonly ManualClock _clock = new();
    private readonly ConnectOptions _options = new();
    private static readonly SecretSeal s_clear = new(null, _ => new HashSet<string>());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Configurations_are_written_with_kafkas_keys_and_json()
    {
        await using var broker = await OpenAsync();
        var store = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);

        await store.PutAsync("a-1", new Dictionary<string, string> { ["connector.class"] = "X", ["name"] = "a-1" }, TargetState.Paused);
        await store.PutTasksAsync("a-1", [new Dictionary<string, string> { ["t"] = "ä" }, new Dictionary<string, string>()]);
        await store.PutTargetAsync("a-1", TargetState.Started);
        await store.PutTargetAsync("a-1", TargetState.Stopped);
        await store.DeleteAsync("a-1");

        Assert.Equal(
            [
                ("target-state-a-1", """{"state":"PAUSED","state.v2":"PAUSED"}"""),
                ("connector-a-1", """{"properties":{"connector.class":"X","name":"a-1"}}"""),
                ("task-a-1-0", """{"properties":{"t":"ä"}}"""),
                ("task-a-1-1", """{"properties":{}}"""),
                ("commit-a-1", """{"tasks":2}"""),
                ("target-state-a-1", """{"state":"STARTED","state.v2":"STARTED"}"""),
                ("commit-a-1", """{"tasks":0}"""),
                ("target-state-a-1", """{"state":"PAUSED","state.v2":"STOPPED"}"""),
                ("connector-a-1", null),
                ("target-state-a-1", null),
                ("commit-a-1", null),
                ("task-a-1-0", null),
                ("task-a-1-1", null),
            ],
            await ReadAsync(broker, _options.ConfigTopic));
        var made = broker.DescribeTopic(_options.ConfigTopic);
        Assert.Equal("compact", made.Configs["cleanup.policy"]);

        // Its own setting, not the server's default, which may be another.
        Assert.Equal("fsync", made.OverriddenConfigs["reststream.durability"]);
    }

    [Fact]
    public async Task What_was_written_is_there_after_a_restart()
    {
        await using (var broker = await OpenAsync())
        {
            var store = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);
            await store.PutAsync("b", new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" }, TargetState.Started);
            await store.PutTasksAsync("b", [new Dictionary<string, string> { ["t"] = "0" }, new Dictionary<string, string> { ["t"] = "1" }]);
            await store.PutTasksAsync("b", [new Dictionary<string, string> { ["t"] = "2" }]);
            await store.PutTargetAsync("b", TargetState.Paused);
            await store.PutAsync("a", new Dictionary<string, string>(), TargetState.Stopped);
            await store.PutAsync("gone", new Dictionary<string, string>(), TargetState.Started);
            await store.PutTasksAsync("gone", [new Dictionary<string, string>()]);
            await store.DeleteAsync("gone");
        }

        await using var again = await OpenAsync();
        var read = await ConfigStore.OpenAsync(again, _options, _clock, s_clear, NullLogger.Instance, default);

        Assert.Equal(["a", "b"], read.Names);
        var b = read.Find("b")!;
        Assert.Equal(["z", "a"], b.Config.Keys);
        Assert.Equal(TargetState.Paused, b.Target);
        Assert.Equal("2", Assert.Single(b.Tasks)["t"]);
        Assert.Equal(2, b.KnownTasks);
        Assert.Equal(TargetState.Stopped, read.Find("a")!.Target);
        Assert.Null(read.Find("gone"));
    }

    [Fact]
    public async Task Task_configurations_count_only_when_their_commit_is_there()
    {
        await using var broker = await OpenAsync();
        await WriteAsync(broker, _options.ConfigTopic, ("connector-c", """{"properties":{}}"""), ("task-c-0", """{"properties":{"v":"1"}}"""), ("commit-c", """{"tasks":1}"""), ("task-c-0", """{"properties":{"v":"2"}}"""));

        var store = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);

        Assert.Equal("1", store.Find("c")!.Tasks[0]["v"]);
    }

    [Fact]
    public async Task A_commit_without_all_of_its_tasks_counts_for_nothing()
    {
        await using var broker = await OpenAsync();
        await WriteAsync(broker, _options.ConfigTopic, ("connector-c", """{"properties":{}}"""), ("task-c-1", """{"properties":{}}"""), ("commit-c", """{"tasks":2}"""));

        var store = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);

        Assert.Empty(store.Find("c")!.Tasks);
    }

    [Fact]
    public async Task Records_that_nobody_understands_are_passed_over()
    {
        await using var broker = await OpenAsync();
        await WriteAsync(
            broker, _options.ConfigTopic, ("connector-a", """{"properties":{"k":"v","n":null,"i":5}}"""), ("connector-a", "no json"), ("target-state-a", """{"state":"FLYING"}"""), ("something", "else"), ("connector-b", "[]"),
            ("commit-a", """{"tasks":"x"}"""), ("connector-a", """{"properties":{"k":"\ud800"}}"""), ("target-state-a", """{"state":"\ud800"}"""), ("target-state-old", """{"state":"PAUSED"}"""), ("connector-old", """{"properties":{}}"""));

        var store = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);

        Assert.Equal(["a", "old"], store.Names);
        Assert.Equal(new Dictionary<string, string> { ["k"] = "v", ["i"] = "5" }, store.Find("a")!.Config);
        Assert.Equal(TargetState.Paused, store.Find("old")!.Target);
    }

    [Fact]
    public async Task Offsets_and_statuses_that_are_no_unicode_are_passed_over()
    {
        await using var broker = await OpenAsync();
        await WriteAsync(broker, _options.OffsetTopic, ("""["x",{"a":"\ud800"}]""", """{"p":1}"""), ("""["x",{"\ud800":1}]""", """{"p":1}"""), ("""["x",{"f":"1"}]""", """{"p":"\ud800"}"""), ("""["x",{"f":"2"}]""", """{"p":2}"""));
        await WriteAsync(broker, _options.StatusTopic, ("status-connector-x", """{"state":"RUNNING","trace":"\ud800"}"""), ("status-task-x-0", """{"state":"RUNNING"}"""));

        var offsets = await OffsetStore.OpenAsync(broker, _options, _clock, default);
        var statuses = await StatusStore.OpenAsync(broker, _options, _clock, default);

        Assert.Equal([2L], offsets.All("x").Select(o => o.Offset["p"]));
        Assert.Null(statuses.Connector("x"));
        Assert.Equal([0], statuses.Tasks("x").Keys);
    }

    [Theory]
    [InlineData("delete", 1, "cleanup.policy=delete")]
    [InlineData("compact,delete", 1, "cleanup.policy=compact,delete")]
    [InlineData("compact", 3, "3 partitions")]
    public async Task A_topic_that_would_lose_configurations_is_refused_with_what_is_wrong(string policy, int partitions, string problem)
    {
        await using var broker = await OpenAsync();
        await broker.CreateTopicAsync(new TopicSpec(_options.ConfigTopic, partitions, new Dictionary<string, string> { ["cleanup.policy"] = policy }), default);

        var refusal = await Assert.ThrowsAsync<ConnectException>(() => ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default));

        Assert.Contains($"'{_options.ConfigTopic}' has {problem}", refusal.Message);
    }

    [Fact]
    public async Task Offsets_and_statuses_need_compacted_topics_too()
    {
        await using var broker = await OpenAsync();
        await broker.CreateTopicAsync(new TopicSpec(_options.OffsetTopic, 1, new Dictionary<string, string>()), default);
        await broker.CreateTopicAsync(new TopicSpec(_options.StatusTopic, 1, new Dictionary<string, string>()), default);

        Assert.Contains(_options.OffsetTopic, (await Assert.ThrowsAsync<ConnectException>(() => OffsetStore.OpenAsync(broker, _options, _clock, default))).Message);
        Assert.Contains(_options.StatusTopic, (await Assert.ThrowsAsync<ConnectException>(() => StatusStore.OpenAsync(broker, _options, _clock, default))).Message);
    }

    [Fact]
    public async Task The_topics_of_a_kafka_connect_cluster_are_read_as_they_are()
    {
        // Written by Kafka Connect 4.3.1 in November 2026 with FileStream connectors: created, stopped, resumed, deleted, restarted, loggers set for the whole cluster.
        _clock.Advance(new DateTimeOffset(2026, 11, 26, 3, 0, 0, TimeSpan.Zero) - _clock.GetUtcNow());
        await using var broker = await OpenAsync();
        await CopyTopicAsync(broker, _options.ConfigTopic, partitions: 1);
        await CopyTopicAsync(broker, _options.StatusTopic, partitions: 2);

        var configs = await ConfigStore.OpenAsync(broker, _options, _clock, s_clear, NullLogger.Instance, default);
        var statuses = await StatusStore.OpenAsync(broker, _options, _clock, default);

        Assert.Equal(["files", "paused: ä/☃", "plain", "stopped-1", "to-file"], configs.Names);
        Assert.Equal(TargetState.Paused, configs.Find("paused: ä/☃")!.Target);
        var stopped = configs.Find("stopped-1")!;
        Assert.Equal((TargetState.Stopped, 0, 1), (stopped.Target, stopped.Tasks.Count, stopped.KnownTasks));
        var sink = configs.Find("to-file")!;
        Assert.Equal((TargetState.Started, 3), (sink.Target, sink.Tasks.Count));
        Assert.Equal("org.apache.kafka.connect.file.FileStreamSinkTask", sink.Tasks[2]["task.class"]);
        Assert.Equal("${env:HOME}", configs.Find("files")!.Config["transforms.a.static.value"]);

        Assert.Equal(WorkState.Stopped, statuses.Connector("stopped-1")!.State);
        Assert.Equal("4.3.1", statuses.Connector("to-file")!.Version);
        Assert.StartsWith("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", statuses.Tasks("files")[0].Trace);
        Assert.Equal([0, 1, 2], statuses.Tasks("to-file").Keys.Order());
        Assert.Null(statuses.Connector("gone"));
        Assert.Empty(statuses.Tasks("gone"));
    }

    [Fact]
    public async Task Statuses_and_active_topics_are_there_after_a_restart_with_kafkas_keys_and_json()
    {
        await using (var broker = await OpenAsync())
        {
            var store = await StatusStore.OpenAsync(broker, _options, _clock, default);
            store.Put("c", new StoredStatus(WorkState.Running, null, "w:1", 1, "1.0"));
            store.Put("c", 0, new StoredStatus(WorkState.Failed, "bad\n", "w:1", 1, null));
            store.Put("c", 1, new StoredStatus(WorkState.Running, null, "w:1", 1, null));
            store.Put("c", 1, null);
            store.TopicUsed("c", 1, "t.x");
            store.TopicUsed("c", 0, "t.x");
            store.TopicUsed("d", 0, "u");
            store.ForgetTopics("d");
            await store.FlushAsync();
            Assert.Equal(5, broker.DescribeTopic(_options.StatusTopic).Partitions.Count);
        }

        await using var again = await OpenAsync();
        var read = await StatusStore.OpenAsync(again, _options, _clock, default);

        Assert.Equal(new StoredStatus(WorkState.Running, null, "w:1", 1, "1.0"), read.Connector("c"));
        Assert.Equal(new StoredStatus(WorkState.Failed, "bad\n", "w:1", 1, null), Assert.Single(read.Tasks("c")).Value);
        Assert.Equal(["t.x"], read.ActiveTopics("c"));
        Assert.Empty(read.ActiveTopics("d"));
        Assert.Equal(2, read.Generation);
        var records = (await ReadAsync(again, _options.StatusTopic)).ToLookup(r => r.Key, r => r.Value);
        Assert.Equal("""{"state":"RUNNING","trace":null,"worker_id":"w:1","generation":1,"version":"1.0"}""", records["status-connector-c"].Last());
        Assert.Equal(
            $$$"""{"topic":{"name":"t.x","connector":"c","task":1,"discoverTimestamp":{{{_clock.GetUtcNow().ToUnixTimeMilliseconds()}}}}}""", Assert.Single(records["status-topic-t.x:connector-c"]));
    }

    private Task<EmbeddedBroker> OpenAsync() => EmbeddedBroker.OpenAsync(
        _folder["data"], new BrokerOptions { MinFreeBytes = 0, JournalFileBytes = 256 * 1024, JournalMaxBytes = 8 * 1024 * 1024 }, new LinuxFileSystem(), _clock, NullLogger.Instance, new GroupOptions());

    private async Task WriteAsync(EmbeddedBroker broker, string topic, params (string Key, string Value)[] records)
    {
        var (opened, _) = await StoreTopic.OpenAsync(broker, topic, 1, _clock, (_, _) => { }, default);
        foreach (var (key, value) in records)
            await opened.WriteAsync([(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value))]);
    }

    private async Task<List<(string Key, string? Value)>> ReadAsync(EmbeddedBroker broker, string topic)
    {
        var records = new List<(string, string?)>();
        await StoreTopic.OpenAsync(broker, topic, 1, _clock, (_, record) => records.Add((Encoding.UTF8.GetString(record.Key), record.ValueIsNull ? null : Encoding.UTF8.GetString(record.Value))), default);
        return records;
    }

    /// <summary>Batch after batch, as a tool that copies topics does.</summary>
    private static async Task CopyTopicAsync(EmbeddedBroker broker, string topic, int partitions)
    {
        await broker.CreateTopicAsync(new TopicSpec(topic, partitions, new Dictionary<string, string> { ["cleanup.policy"] = "compact" }), default);
        for (var partition = 0; partition < partitions; partition++)
        {
            var log = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Herding", "KafkaTopics", $"{topic}-{partition}", "00000000000000000000.log"));
            for (var at = 0; at < log.Length;)
            {
                var length = RecordBatchHeader.LogOverhead + BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(at + 8));
                var batch = BatchBuffer.Rent(length);
                log.AsSpan(at, length).CopyTo(batch.Whole);
                batch.Length = length;
                await broker.ProduceAsync(new LogPartition(topic, partition), batch);
                at += length;
            }
        }
    }
}
