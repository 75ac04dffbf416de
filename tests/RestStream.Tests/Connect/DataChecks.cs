using System.Text.Json;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Connect;

/// <summary>Checks 33 to 35: what happens to the records.</summary>
[Collection(ConnectChecks.Name)]
public class DataChecks(ConnectFixture fixture)
{
    private readonly ConnectServer _connect = fixture.Connect;

    [Fact]
    public async Task Check_33_Bad_records_go_to_the_dead_letter_queue_and_the_good_ones_arrive()
    {
        var (name, topic) = (_connect.NewName("errors"), _connect.NewName("errors-in"));
        using (var raw = await _connect.Client.PostAsync($"topics/{topic}/records?value_format=text", new StringContent("""[{"value":"1"},{"value":"not json {"},{"value":"2"}]""", null, "application/json")))
            raw.EnsureSuccessStatusCode();

        await _connect.CreateAsync(name, WithDlq(ConnectServer.Sink(name, topic), name, "org.apache.kafka.connect.json.JsonConverter"));
        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{name}.out").Count == 2), "the good records");
        await _connect.UntilRecordsAsync($"{name}-dlq", 1);

        var dead = Assert.Single(await _connect.RecordsAsync($"{name}-dlq"));
        var headers = Headers(dead);
        Assert.Equal(topic, headers["__connect.errors.topic"]);
        Assert.Equal("0", headers["__connect.errors.partition"]);
        Assert.Equal("1", headers["__connect.errors.offset"]);
        Assert.Equal(name, headers["__connect.errors.connector.name"]);
        Assert.Equal("VALUE_CONVERTER", headers["__connect.errors.stage"]);
        Assert.NotEmpty(headers["__connect.errors.exception.class.name"]);
        Assert.NotEmpty(headers["__connect.errors.exception.message"]);
        Assert.Equal("not json {", dead.GetProperty("value").GetString());
    }

    [Fact]
    public async Task Dead_letters_are_brought_back_once_and_a_preview_shows_what_becomes_of_records()
    {
        var (name, topic) = (_connect.NewName("replay"), _connect.NewName("replay-in"));
        using (var raw = await _connect.Client.PostAsync($"topics/{topic}/records?value_format=text", new StringContent("""[{"value":"1"},{"value":"not json {"}]""", null, "application/json")))
            raw.EnsureSuccessStatusCode();
        await _connect.CreateAsync(name, WithDlq(ConnectServer.Sink(name, topic), name, "org.apache.kafka.connect.json.JsonConverter"));
        await _connect.UntilRecordsAsync($"{name}-dlq", 1);

        var preview = await _connect.CallAsync(HttpMethod.Post, $"connectors/{name}/preview", "{\"limit\":5}");
        Assert.True(preview.Status == 200, preview.ToString());
        Assert.Equal(2, preview.Json.GetProperty("records").GetArrayLength());
        Assert.Equal("VALUE_CONVERTER", preview.Json.GetProperty("records")[1].GetProperty("error").GetProperty("stage").GetString());

        var replayed = await _connect.CallAsync(HttpMethod.Post, $"connectors/{name}/dlq/replay", "{}");
        Assert.True(replayed.Status == 200, replayed.ToString());
        Assert.Equal((1, 1), (replayed.Json.GetProperty("read").GetInt32(), replayed.Json.GetProperty("topics").GetProperty(topic).GetInt32()));
        await _connect.UntilRecordsAsync($"{name}-dlq", 2);
        var limited = await _connect.CallAsync(HttpMethod.Post, $"connectors/{name}/dlq/replay", "{\"from\":\"start\",\"limit\":1}");
        Assert.Equal(1, limited.Json.GetProperty("replayed").GetInt32());

        Assert.Equal(404, (await _connect.CallAsync(HttpMethod.Post, "connectors/nobody/dlq/replay", "{}")).Status);
        Assert.Equal(400, (await _connect.CallAsync(HttpMethod.Post, $"connectors/{name}/dlq/replay", "{\"from\":\"end\"}")).Status);
    }

    [Fact]
    public async Task Check_33_Connectors_of_any_name_run_and_a_replay_writes_what_the_task_writes_and_stores_its_place()
    {
        var (source, sink, topic) = (_connect.NewName("my source/50%"), _connect.NewName("my sink <ä>"), _connect.NewName("any-name"));
        Assert.Equal(201, (await _connect.PutAsync($"topics/{topic}", new { configs = new Dictionary<string, string> { ["max.message.bytes"] = "1000" } })).Status);
        await File.WriteAllTextAsync(_connect.FilePath($"{topic}.in"), $"fits\n{new string('x', 2000)}\n");
        var config = ConnectServer.FileSource(_connect.FilePath($"{topic}.in"), topic);
        foreach (var (key, value) in new[]
                 {
                     ("errors.tolerance", "all"), ("errors.deadletterqueue.topic.name", $"{topic}-dlq"), ("errors.deadletterqueue.context.headers.enable", "true"), ("transforms", "mark"), ("transforms.mark.type", "org.apache.kafka.connect.transforms.InsertHeader"),
                     ("transforms.mark.header", "url"), ("transforms.mark.value.literal", "ftp://u:pw1234@h/x"),
                 })
            config[key] = value;
        await _connect.CreateAsync(source, config);
        await _connect.UntilRecordsAsync($"{topic}-dlq", 1);
        await _connect.PatchAsync($"topics/{topic}", new { configs = new Dictionary<string, string?> { ["max.message.bytes"] = null } });

        var replayed = await _connect.PostAsync($"connectors/{Uri.EscapeDataString(source)}/dlq/replay", "{}");
        var again = await _connect.PostAsync($"connectors/{Uri.EscapeDataString(source)}/dlq/replay", "{}");
        Assert.Equal($$$"""{"topic":"{{{topic}}}-dlq","read":1,"replayed":1,"skipped":0,"topics":{"{{{topic}}}":1},"remaining":0}""", replayed.Text);
        Assert.Equal((200, 0), (again.Status, again.Json.GetProperty("read").GetInt32()));
        Assert.Equal(["ftp://u:pw1234@h/x", "ftp://u:pw1234@h/x"], (await _connect.RecordsAsync(topic)).Select(r => Headers(r)["url"]));

        await _connect.CreateAsync(sink, ConnectServer.FileSink(_connect.FilePath($"{topic}.out"), topic));
        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{topic}.out").Count == 2), "both records");
        Assert.Equal(200, (await _connect.GetAsync($"groups/{Uri.EscapeDataString($"connect-{sink}")}/lag")).Status);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task Check_33_A_record_that_the_task_cannot_deliver_is_reported_and_none_is_lost(string report)
    {
        var (name, topic) = (_connect.NewName("errant"), _connect.NewName("errant-in"));
        await _connect.ProduceAsync(topic, "a", "bad", "b", "bad", "c");
        var config = WithDlq(ConnectServer.Sink(name, topic), name, "org.apache.kafka.connect.json.JsonConverter");
        config["bad"] = "bad";
        config["report"] = report;

        await _connect.CreateAsync(name, config);
        await _connect.UntilRecordsAsync($"{name}-dlq", 2);
        await _connect.UntilAsync(async () => (await _connect.GetAsync($"connectors/{name}/offsets")).Text.Contains("\"kafka_offset\":5"), "the commit");

        Assert.Equal(["a", "b", "c"], _connect.Journal($"{name}.out").Select(l => l.Split(' ')[3]).Distinct());
        Assert.Equal(["1", "3"], (await _connect.RecordsAsync($"{name}-dlq")).Select(r => Headers(r)["__connect.errors.offset"]));
    }

    [Fact]
    public async Task Check_33_Without_tolerance_the_task_fails()
    {
        var (name, topic) = (_connect.NewName("strict"), _connect.NewName("strict-in"));
        await _connect.ProduceAsync(topic, "bad");
        await _connect.PostAsync("connectors", new { name, config = new Dictionary<string, string>(ConnectServer.Sink(name, topic)) { ["bad"] = "bad" } });

        var status = await _connect.UntilAsync(name, "RUNNING", "FAILED");

        Assert.Contains("This value is bad", status.GetProperty("tasks")[0].GetProperty("trace").GetString());
    }

    [Theory]
    [InlineData("poll")]
    [InlineData("interval")]
    [InlineData("connector")]
    public async Task Check_34_Each_record_is_there_once_whatever_happens_to_the_process(string boundary)
    {
        const int count = 3000;
        var folder = new TempFolder("connect-once");
        var arguments = new[]
        {
            "--RestStream:Connect:PluginPath", Path.Combine(Locations.RepositoryRoot, "artifacts", "bin", "RestStream.TestConnectors"), "--RestStream:AutoCreateTopics", "true",
        };
        var config = new Dictionary<string, string>(ConnectServer.Source("once", messages: count))
        {
            ["batch"] = "7",
            ["exactly.once.support"] = "required",
            ["transaction.boundary"] = boundary,
            ["transaction.boundary.interval.ms"] = "50",
        };
        using (folder)
        {
            var server = await ServerProcess.StartAsync(folder["data"], arguments);
            using (var created = await server.Client.PutAsync("connectors/once/config", System.Net.Http.Json.JsonContent.Create(config)))
                Assert.True(created.IsSuccessStatusCode, await created.Content.ReadAsStringAsync());
            for (var kills = 0; kills < 4; kills++)
            {
                var goal = (kills + 1) * count / 6;
                await ConnectServer.UntilAsync(async () => await CountAsync(server) >= goal, () => $"{goal} records\n{server.Output}");
                await server.DisposeAsync();
                server = await ServerProcess.StartAsync(folder["data"], arguments);
            }

            await ConnectServer.UntilAsync(async () => await CountAsync(server) >= count, () => $"{count} records\n{server.Output}");
            var values = JsonDocument.Parse(await server.Client.GetStringAsync("topics/once/records?from=earliest&max_records=100000&max_bytes=10000000")).RootElement
                .GetProperty("records").EnumerateArray().Select(r => r.GetProperty("value").GetString()).ToList();
            var offsets = await server.Client.GetStringAsync("connectors/once/offsets");
            await server.DisposeAsync();

            Assert.Equal(Enumerable.Range(1, count).Select(n => $"value-0-{n}"), values);
            Assert.Equal($$$"""{"offsets":[{"partition":{"task":"0"},"offset":{"saved":{{{count}}}}}]}""", offsets);
        }
    }

    [Fact]
    public async Task Check_35_What_a_source_makes_arrives_in_the_topic_with_key_header_and_timestamp()
    {
        var name = _connect.NewName("basic");

        await _connect.CreateAsync(name, ConnectServer.Source(name, messages: 25, maxTasks: 2), tasks: 2);
        await _connect.UntilRecordsAsync(name, 50);

        var records = await _connect.RecordsAsync(name);
        Assert.Equal(50, records.Count);
        var third = Assert.Single(records, r => r.GetProperty("value").GetString() == "value-1-3");
        Assert.Equal(1_790_000_000_003, third.GetProperty("timestamp").GetInt64());
        Assert.Equal("\"key-1-3\"", third.GetProperty("key").GetString());
        Assert.Equal("3", Headers(third)["number"]);
    }

    [Fact]
    public async Task Check_35_A_sink_gets_every_record_and_topics_that_come_later()
    {
        var (name, stem) = (_connect.NewName("regex"), _connect.NewName("many"));
        await _connect.ProduceAsync($"{stem}-a", "1", "2");
        var config = ConnectServer.Sink(name, "");
        config.Remove("topics");
        config["topics.regex"] = $"{stem}-.*";
        await _connect.CreateAsync(name, config);
        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{name}.out").Count == 2), "the first topic");

        await _connect.ProduceAsync($"{stem}-b", "3", "4", "5");

        await _connect.UntilAsync(() => Task.FromResult(_connect.Journal($"{name}.out").Count == 5), "the second topic");
        Assert.Equal(["1", "2", "3", "4", "5"], _connect.Journal($"{name}.out").Select(l => l.Split(' ')[3]).Order());
    }

    private static async Task<int> CountAsync(ServerProcess server)
    {
        using var answer = await server.Client.GetAsync("topics/once/partitions/0/offsets");
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("end_offset").GetInt32() : 0;
    }

    private static Dictionary<string, string> WithDlq(Dictionary<string, string> config, string name, string converter) => new(config)
    {
        ["errors.tolerance"] = "all",
        ["errors.retry.timeout"] = "1000",
        ["errors.deadletterqueue.topic.name"] = $"{name}-dlq",
        ["errors.deadletterqueue.topic.replication.factor"] = "1",
        ["errors.deadletterqueue.context.headers.enable"] = "true",
        ["value.converter"] = converter,
        ["value.converter.schemas.enable"] = "false",
    };

    private static Dictionary<string, string> Headers(JsonElement record) =>
        record.GetProperty("headers").EnumerateArray().ToDictionary(h => h.GetProperty("key").GetString()!, h => h.GetProperty("value").ToString());
}
