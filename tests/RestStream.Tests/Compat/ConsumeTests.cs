using System.Globalization;
using System.Text.Json;
using RestStream.Tests.Produce;
using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>Consumer instances read, commit and seek under each profile: compat-rest-proxy §1.1, §1.2, §1.5 and §1.9.</summary>
public sealed partial class ConsumeTests(CompatServer server) : IClassFixture<CompatServer>
{
    public static TheoryData<string> Profiles => new("confluent", "strimzi", "karapace", "redpanda");

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task The_first_poll_has_the_records(string profile)
    {
        var topic = await server.CreateTopicAsync(2);
        await server.ProduceAsync(topic, 0, "\"a\"", "\"b\"");
        await server.ProduceAsync(topic, 1, "\"c\"");
        var consumer = await CreateAsync(profile, """{"name":"c1","format":"json","auto.offset.reset":"earliest"}""");

        Assert.Equal(204, (await consumer.PostAsync("/subscription", $$"""{"topics":["{{topic}}"]}""")).Status);
        var poll = await consumer.GetAsync("/records", JsonType);

        Assert.Equal((200, JsonType), (poll.Status, poll.ContentType));
        Assert.Equal(["a", "b", "c"], Values(poll).Order());
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task Each_poll_goes_on_where_the_last_one_ended(string profile)
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await SubscribedAsync(profile, topic);
        await server.ProduceAsync(topic, 0, "1", "2");
        var first = await consumer.GetAsync("/records");
        await server.ProduceAsync(topic, 0, "3");

        var second = await consumer.GetAsync("/records");
        var third = await consumer.GetAsync("/records?timeout=0");

        Assert.Equal(("1 2", "3", "[]"), (Text(first), Text(second), third.Body));
    }

    [Fact]
    public async Task A_record_has_the_members_of_the_family_and_ours_behind_them()
    {
        var topic = await server.CreateTopicAsync();
        await server.SendAsync("POST", $"/topics/{topic}",
            """{"records":[{"key":{"k":1},"value":{"d":1.50},"timestamp":1790000000000,"headers":[{"key":"h","value":"aGk="}]},{"value":null,"timestamp":1790000000001}]}""", JsonType);
        var consumer = await SubscribedAsync("strimzi", topic);

        var poll = await consumer.GetAsync("/records", JsonType);

        Assert.Equal(
            $$$"""[{"topic":"{{{topic}}}","key":{"k":1},"value":{"d":1.50},"partition":0,"offset":0,"timestamp":1790000000000,"headers":[{"key":"h","value":"aGk="}]},"""
            + $$"""{"topic":"{{topic}}","key":null,"value":null,"partition":0,"offset":1,"timestamp":1790000000001}]""",
            poll.Body);
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task An_undecodable_record_never_fails_a_poll(string profile)
    {
        var topic = await server.CreateTopicAsync();
        await server.SendAsync("POST", $"/topics/{topic}", """{"records":[{"value":"bm8ganNvbg=="},{"value":"/w=="},{"value":"MQ=="}]}""", BinaryType);
        var consumer = await SubscribedAsync(profile, topic);

        var records = (await consumer.GetAsync("/records", JsonType)).Json;

        Assert.Equal(("no json", "text"), (records[0].GetProperty("value").GetString(), records[0].GetProperty("value_format").GetString()));
        Assert.Equal(("/w==", "base64"), (records[1].GetProperty("value").GetString(), records[1].GetProperty("value_format").GetString()));
        Assert.Equal(1, records[2].GetProperty("value").GetInt32());
    }

    [Theory]
    [InlineData("confluent", null, 200)]
    [InlineData("confluent", "*/*", 200)]
    [InlineData("confluent", "application/json", 200)]
    [InlineData("confluent", "application/vnd.kafka.v2+json", 200)]
    [InlineData("confluent", "text/html, application/vnd.kafka.binary.v2+json;q=0.5", 200)]
    [InlineData("confluent", JsonType, 406)]
    [InlineData("strimzi", JsonType, 406)]
    [InlineData("strimzi", "text/html", 406)]
    [InlineData("redpanda", JsonType, 200)]
    public async Task Accept_and_the_format_of_the_instance(string profile, string? accept, int status)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1");
        var consumer = await SubscribedAsync(profile, topic, format: "binary");

        var poll = await consumer.GetAsync("/records", accept);

        Assert.Equal(status, poll.Status);
        if (status == 200)
            Assert.Equal(profile == "redpanda" ? (JsonType, "1") : (BinaryType, "MQ=="), (poll.ContentType, Values(poll).Single()));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task One_record_is_given_even_if_it_is_larger_than_max_bytes(string profile)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, $"\"{new string('x', 5000)}\"", "2");
        var consumer = await SubscribedAsync(profile, topic);

        var first = await consumer.GetAsync("/records?max_bytes=10");
        var second = await consumer.GetAsync("/records?max_bytes=10");

        Assert.Equal((1, 5000), (first.Json.GetArrayLength(), Values(first)[0].Length));
        Assert.Equal(["2"], Values(second));
    }

    [Theory]
    [InlineData("confluent", 6, 200, "[]")]
    [InlineData("karapace", 6, 204, "")]
    [InlineData("strimzi", 5, 204, "")]
    [InlineData("redpanda", 5, 204, "")]
    public async Task A_commit_of_5_stores_what_the_product_means_by_it(string profile, long stored, int status, string reply)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
        var consumer = await SubscribedAsync(profile, topic, more: ""","auto.commit.enable":"false" """);
        await consumer.GetAsync("/records");

        var commit = await consumer.PostAsync("/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":5}]}""");

        Assert.Equal((status, reply), (commit.Status, commit.Body));
        Assert.Equal(stored, server.Broker.CommittedOffset(consumer.Group, new(topic, 0))!.Value.Offset);
    }

    [Fact]
    public async Task A_commit_below_what_is_committed_is_stored_as_Kafka_stores_it()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
        var consumer = await SubscribedAsync("strimzi", topic, more: ""","enable.auto.commit":false""");
        await consumer.GetAsync("/records");

        foreach (var offset in new[] { 7, 2 })
        {
            var commit = await consumer.PostAsync("/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":{{offset}}}]}""");

            Assert.Equal(204, commit.Status);
            Assert.Equal(offset, server.Broker.CommittedOffset(consumer.Group, new(topic, 0))!.Value.Offset);
        }
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task A_commit_without_a_body_stores_everything_that_was_polled(string profile)
    {
        var topic = await server.CreateTopicAsync(2);
        await server.ProduceAsync(topic, 0, "1", "2", "3");
        await server.ProduceAsync(topic, 1, "4");
        var consumer = await SubscribedAsync(profile, topic, more: ""","auto.commit.enable":"false" """);
        await consumer.GetAsync("/records");
        Assert.Null(server.Broker.CommittedOffset(consumer.Group, new(topic, 0)));

        var commit = await server.SendAsync("POST", consumer.Uri + "/offsets");

        Assert.Equal(profile == "confluent" ? 200 : 204, commit.Status);
        Assert.Equal((3, 1), (Committed(consumer, topic, 0), Committed(consumer, topic, 1)));
    }

    [Theory]
    [InlineData("confluent")]
    [InlineData("strimzi")]
    [InlineData("karapace")]
    public async Task Auto_commit_commits_the_previous_poll_at_the_next_one_and_the_last_at_delete(string profile)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1", "2");
        var consumer = await SubscribedAsync(profile, topic);

        await consumer.GetAsync("/records?timeout=0");
        Assert.Null(server.Broker.CommittedOffset(consumer.Group, new(topic, 0)));
        await server.ProduceAsync(topic, 0, "3");
        await consumer.GetAsync("/records?timeout=0");
        Assert.Equal(2, Committed(consumer, topic, 0));
        Assert.Equal(204, (await server.SendAsync("DELETE", consumer.Uri)).Status);

        Assert.Equal(3, Committed(consumer, topic, 0));
    }

    [Fact]
    public async Task The_next_instance_of_the_group_begins_at_what_is_committed()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1", "2", "3");
        var first = await SubscribedAsync("strimzi", topic, more: ""","enable.auto.commit":false""");
        await first.GetAsync("/records");
        await first.PostAsync("/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":1}]}""");
        await server.SendAsync("DELETE", first.Uri);

        var second = await SubscribedAsync("strimzi", topic, group: first.Group);

        Assert.Equal(["2", "3"], Values(await second.GetAsync("/records")));
    }

    [Theory]
    [InlineData("GET", "/offsets", true, false)]
    [InlineData("GET", "/offsets", false, true)]
    [InlineData("POST", "/offsets/query", true, false)]
    public async Task Committed_offsets_are_told_for_partitions_that_have_one(string method, string path, bool inBody, bool inQuery)
    {
        var topic = await server.CreateTopicAsync(2);
        var consumer = await AssignedAsync("confluent", topic, 0, 1);
        await consumer.PostAsync("/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":1,"offset":4,"metadata":"m"}]}""");
        var body = inBody ? $$"""{"partitions":[{"topic":"{{topic}}","partition":0},{"topic":"{{topic}}","partition":1}]}""" : null;

        var answer = await server.SendAsync(method, consumer.Uri + path + (inQuery ? $"?partition={topic}:0&partition={topic}:1" : ""), body);

        Assert.Equal((200, $$"""{"offsets":[{"topic":"{{topic}}","partition":1,"offset":5,"metadata":"m"}]}"""), (answer.Status, answer.Body));
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public async Task A_seek_moves_the_next_poll(string profile)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "0", "1", "2", "3");
        var consumer = await SubscribedAsync(profile, topic);
        await consumer.GetAsync("/records");

        var seek = await consumer.PostAsync("/positions", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":2}]}""");
        var after = await consumer.GetAsync("/records");
        var beginning = await consumer.PostAsync("/positions/beginning", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");
        var all = await consumer.GetAsync("/records");
        await consumer.PostAsync("/positions/beginning", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");
        var end = await consumer.PostAsync("/positions/end", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");
        var nothing = await consumer.GetAsync("/records?timeout=0");

        Assert.Equal((204, 204, 204), (seek.Status, beginning.Status, end.Status));
        Assert.Equal(("2 3", "0 1 2 3", "[]"), (Text(after), Text(all), nothing.Body));
    }

    [Fact]
    public async Task A_seek_by_time_goes_to_the_first_record_at_or_after_it()
    {
        var topic = await server.CreateTopicAsync();
        await server.SendAsync("POST", $"/topics/{topic}",
            """{"records":[{"value":0,"timestamp":1790000000000},{"value":1,"timestamp":1790000001000},{"value":2,"timestamp":1790000002000}]}""", JsonType);
        var consumer = await AssignedAsync("confluent", topic, 0);

        Assert.Equal(204, (await consumer.PostAsync("/positions", $$"""{"timestamps":[{"topic":"{{topic}}","partition":0,"timestamp":"2026-09-21T14:13:20.500Z"}]}""")).Status);
        var iso = await consumer.GetAsync("/records");
        Assert.Equal(204, (await consumer.PostAsync("/positions", $$"""{"timestamps":[{"topic":"{{topic}}","partition":0,"timestamp":1790000002000}]}""")).Status);
        var epoch = await consumer.GetAsync("/records");
        var never = await consumer.PostAsync("/positions", $$"""{"timestamps":[{"topic":"{{topic}}","partition":0,"timestamp":"yesterday"}]}""");

        Assert.Equal(("1 2", "2", 422), (Text(iso), Text(epoch), never.Status));
    }

    [Fact]
    public async Task Beyond_the_end_the_reset_applies()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "0", "1");
        var consumer = await SubscribedAsync("strimzi", topic);
        await consumer.GetAsync("/records");

        Assert.Equal(204, (await consumer.PostAsync("/positions", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":99}]}""")).Status);

        Assert.Equal(["0", "1"], Values(await consumer.GetAsync("/records")));
    }

    [Fact]
    public async Task With_reset_none_a_partition_without_an_offset_cannot_be_polled()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "0");
        var consumer = await SubscribedAsync("strimzi", topic, reset: "none");

        var refused = await consumer.GetAsync("/records");
        await consumer.PostAsync("/positions/beginning", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");
        var polled = await consumer.GetAsync("/records");

        Assert.Equal((409, 409), (refused.Status, refused.ErrorCode));
        Assert.Equal(["0"], Values(polled));
    }

    [Theory]
    [InlineData("confluent", 40903)]
    [InlineData("strimzi", 409)]
    [InlineData("karapace", 40903)]
    public async Task Subscribe_after_assign_and_assign_after_subscribe_are_refused_until_the_subscription_is_deleted(string profile, int code)
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await AssignedAsync(profile, topic, 0);
        var subscription = $$"""{"topics":["{{topic}}"]}""";
        var assignment = $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""";

        var subscribed = await consumer.PostAsync("/subscription", subscription);
        await server.SendAsync("DELETE", consumer.Uri + "/subscription");
        var now = await consumer.PostAsync("/subscription", subscription);
        var assigned = await consumer.PostAsync("/assignments", assignment);
        var pattern = await consumer.PostAsync("/subscription", """{"topic_pattern":"t.*"}""");

        Assert.Equal((409, code, 204), (subscribed.Status, subscribed.ErrorCode, now.Status));
        Assert.Equal((409, code, 409, code), (assigned.Status, assigned.ErrorCode, pattern.Status, pattern.ErrorCode));
    }

    [Fact]
    public async Task Subscribing_again_replaces_the_topics()
    {
        var (a, b) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());
        await server.ProduceAsync(a, 0, "1");
        await server.ProduceAsync(b, 0, "2");
        var consumer = await SubscribedAsync("strimzi", a);
        var first = await consumer.GetAsync("/records");

        Assert.Equal(204, (await consumer.PostAsync("/subscription", $$"""{"topics":["{{b}}"]}""")).Status);

        Assert.Equal(("1", "2"), (Text(first), Text(await consumer.GetAsync("/records"))));
    }

    [Theory]
    [InlineData("confluent", false)]
    [InlineData("karapace", false)]
    [InlineData("strimzi", true)]
    public async Task The_subscription_is_shown_as_the_product_shows_it(string profile, bool withPartitions)
    {
        var topic = await server.CreateTopicAsync(2);
        var consumer = await SubscribedAsync(profile, topic);
        var before = await consumer.GetAsync("/subscription");

        await consumer.GetAsync("/records?timeout=0");
        var after = await consumer.GetAsync("/subscription");

        Assert.Equal(withPartitions ? """{"topics":[],"partitions":[]}""" : $$"""{"topics":["{{topic}}"]}""", before.Body);
        Assert.Equal(withPartitions ? $$"""{"topics":["{{topic}}"],"partitions":[{"{{topic}}":[0,1]}]}""" : $$"""{"topics":["{{topic}}"]}""", after.Body);
    }

    [Fact]
    public async Task An_assignment_is_shown_by_both_calls()
    {
        var topic = await server.CreateTopicAsync(2);
        var consumer = await AssignedAsync("strimzi", topic, 1);

        Assert.Equal($$"""{"partitions":[{"topic":"{{topic}}","partition":1}]}""", (await consumer.GetAsync("/assignments")).Body);
        Assert.Equal($$"""{"topics":["{{topic}}"],"partitions":[{"{{topic}}":[1]}]}""", (await consumer.GetAsync("/subscription")).Body);
    }

    [Fact]
    public async Task A_pattern_covers_topics_that_come_later()
    {
        var prefix = NewName("pattern");
        var consumer = await CreateAsync("confluent", """{"format":"json","auto.offset.reset":"earliest"}""");
        Assert.Equal(204, (await consumer.PostAsync("/subscription", $$"""{"topic_pattern":"{{prefix}}-.*"}""")).Status);
        Assert.Equal("[]", (await consumer.GetAsync("/records?timeout=0")).Body);

        await server.Broker.CreateTopicAsync(new($"{prefix}-new", 1, new Dictionary<string, string>()), default);
        await server.ProduceAsync($"{prefix}-new", 0, "1");

        Assert.Equal(["1"], await UntilAsync(consumer, 1));
        Assert.Equal($$"""{"topics":["{{prefix}}-new"]}""", (await consumer.GetAsync("/subscription")).Body);
    }

    [Fact]
    public async Task A_pattern_that_is_no_regular_expression_is_422()
    {
        var consumer = await CreateAsync("strimzi", "{}");

        Assert.Equal(422, (await consumer.PostAsync("/subscription", """{"topic_pattern":"a(b"}""")).Status);
    }

    [Fact]
    public async Task A_topic_that_does_not_exist_yet_may_be_subscribed_to()
    {
        var topic = NewName("later");
        var consumer = await SubscribedAsync("strimzi", topic);
        Assert.Equal("[]", (await consumer.GetAsync("/records?timeout=0")).Body);

        await server.Broker.CreateTopicAsync(new(topic, 1, new Dictionary<string, string>()), default);
        await server.ProduceAsync(topic, 0, "1");

        Assert.Equal(["1"], await UntilAsync(consumer, 1));
    }

    [Fact]
    public async Task An_instance_with_its_own_partitions_reads_on_in_a_group_that_refuses_its_auto_commit()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1");
        var member = await SubscribedAsync("confluent", topic);
        await member.GetAsync("/records?timeout=0");
        var own = await AssignedAsync("confluent", topic, group: member.Group, 0);
        var first = await own.GetAsync("/records?timeout=0");
        await server.ProduceAsync(topic, 0, "2");

        var second = await own.GetAsync("/records?timeout=0");
        var commit = await server.SendAsync("POST", own.Uri + "/offsets");
        var deleted = await server.SendAsync("DELETE", own.Uri);

        Assert.Equal(("1", "2"), (Text(first), Text(second)));
        Assert.Equal((409, 40909, 204), (commit.Status, commit.ErrorCode, deleted.Status));
    }

    [Fact]
    public async Task Instances_are_flushed_before_the_answer_whatever_the_default_of_topics_is()
    {
        await CreateAsync("confluent", "{}");

        Assert.Equal("fsync", server.Broker.DescribeTopic("__consumer_instances").OverriddenConfigs["reststream.durability"]);
    }

    [Fact]
    public async Task Two_instances_share_the_partitions_and_one_takes_over_when_the_other_leaves()
    {
        var topic = await server.CreateTopicAsync(4);
        var one = await SubscribedAsync("karapace", topic);
        var two = await SubscribedAsync("karapace", topic, group: one.Group);

        // Both poll until each has its half.
        await Task.WhenAll(UntilAssignedAsync(one, 2), UntilAssignedAsync(two, 2));
        for (var p = 0; p < 4; p++)
            await server.ProduceAsync(topic, p, $"{p}");
        var polled = await Task.WhenAll(UntilAsync(one, 2), UntilAsync(two, 2));
        Assert.Equal(["0", "1", "2", "3"], polled.SelectMany(v => v).Order());

        // What two has read is committed by its leaving, so one goes on behind it.
        await server.SendAsync("DELETE", two.Uri);
        for (var p = 0; p < 4; p++)
            await server.ProduceAsync(topic, p, $"{p + 4}");

        Assert.Equal(["4", "5", "6", "7"], (await UntilAsync(one, 4)).Order());
    }

    [Fact]
    public async Task Version_1_subscribes_with_the_first_poll_of_a_topic_and_polls_topic_by_topic()
    {
        var (a, b) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());
        await server.ProduceAsync(a, 0, "1");
        await server.ProduceAsync(b, 0, "2");
        var created = await server.SendAsync("POST", $"/consumers/{NewName("g")}", """{"auto.offset.reset":"smallest"}""", "application/vnd.kafka.v1+json", "application/vnd.kafka.v1+json");
        var uri = created.Json.GetProperty("base_uri").GetString()!;

        var ofA = await server.SendAsync("GET", $"{uri}/topics/{a}", accept: "application/vnd.kafka.binary.v1+json");
        var ofB = await server.SendAsync("GET", $"{uri}/topics/{b}", accept: "application/vnd.kafka.binary.v1+json");
        var committed = await server.SendAsync("POST", $"{uri}/offsets", contentType: "application/vnd.kafka.v1+json");

        Assert.Equal("application/vnd.kafka.binary.v1+json", ofA.ContentType);
        Assert.Equal(("MQ==", "Mg==", 200), (Text(ofA), Text(ofB), committed.Status));
    }

    private async Task<Consumer> CreateAsync(string profile, string body, string? group = null)
    {
        group ??= NewName("g");
        var created = await server.SendAsync("POST", $"/{profile}/consumers/{group}", body);
        Assert.True(created.Status == 200, created.Body);
        return new Consumer(server, group, created.Json.GetProperty("base_uri").GetString()!);
    }

    private async Task<Consumer> SubscribedAsync(string profile, string topic, string format = "json", string reset = "earliest", string more = "", string? group = null)
    {
        var consumer = await CreateAsync(profile, $$"""{"format":"{{format}}","auto.offset.reset":"{{reset}}"{{more}}}""", group);
        Assert.Equal(204, (await consumer.PostAsync("/subscription", $$"""{"topics":["{{topic}}"]}""")).Status);
        return consumer;
    }

    private Task<Consumer> AssignedAsync(string profile, string topic, params int[] partitions) => AssignedAsync(profile, topic, group: null, partitions);

    private async Task<Consumer> AssignedAsync(string profile, string topic, string? group, params int[] partitions)
    {
        var consumer = await CreateAsync(profile, """{"format":"json","auto.offset.reset":"earliest"}""", group);
        var list = string.Join(',', partitions.Select(p => $$"""{"topic":"{{topic}}","partition":{{p}}}"""));
        Assert.Equal(204, (await consumer.PostAsync("/assignments", $$"""{"partitions":[{{list}}]}""")).Status);
        return consumer;
    }

    /// <summary>Polls until there are so many records.</summary>
    private static async Task<string[]> UntilAsync(Consumer consumer, int count)
    {
        var values = new List<string>();
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (values.Count < count)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            values.AddRange(Values(await consumer.GetAsync("/records?timeout=500")));
        }

        return [.. values];
    }

    private static async Task UntilAssignedAsync(Consumer consumer, int partitions)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await consumer.GetAsync("/assignments")).Json.GetProperty("partitions").GetArrayLength() != partitions)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await consumer.GetAsync("/records?timeout=100");
        }
    }

    private long Committed(Consumer consumer, string topic, int partition) => server.Broker.CommittedOffset(consumer.Group, new(topic, partition))!.Value.Offset;

    private static string Text(Answer poll) => string.Join(' ', Values(poll));

    private static string[] Values(Answer poll)
    {
        Assert.True(poll.Status == 200, poll.Body);
        return [.. poll.Json.EnumerateArray().Select(r => r.GetProperty("value")).Select(v => v.ValueKind == JsonValueKind.String ? v.GetString()! : v.GetRawText().ToString(CultureInfo.InvariantCulture))];
    }

    private sealed record Consumer(CompatServer Server, string Group, string Uri)
    {
        public Task<Answer> GetAsync(string path, string? accept = null) => Server.SendAsync("GET", Uri + path, accept: accept);

        public Task<Answer> PostAsync(string path, string body) => Server.SendAsync("POST", Uri + path, body);
    }
}
