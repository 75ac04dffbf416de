using RestStream.Tests.Read;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

public sealed class PollRefusalTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task An_ack_from_before_another_member_had_the_partition_is_refused_and_nothing_is_read()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");
        var old = await _server.PollAsync("billing", "w1", null);
        _server.Clock.Advance(TimeSpan.FromSeconds(46));
        await _server.PollAsync("billing", "w2", null);
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w2", null);
        var back = await _server.PollAsync("billing", "w1", null);

        var (status, refusal) = await _server.PollAsync("billing", $$"""{"topics":["orders"],"member":"w1","ack":"{{Cursor(old)}}"}""");

        Assert.Equal(409, status);
        Assert.Equal("https://reststream.dev/errors/stale-generation", refusal.GetProperty("type").GetString());
        Assert.Equal(40906, refusal.GetProperty("error_code").GetInt32());
        Assert.Equal("""[{"topic":"orders","partition":0,"offset":2,"reason":"stale_generation"}]""", refusal.GetProperty("refused").GetRawText());
        Assert.False(refusal.TryGetProperty("records", out _));
        Assert.Null(_server.Committed("billing"));
        Assert.Equal(["1", "2"], Values(back));
    }

    [Fact]
    public async Task An_ack_of_another_members_partition_is_refused_and_the_own_one_is_stored()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1");
        await _server.ProduceAsync("orders", 1, "2");
        var answers = await _server.SettleAsync("billing", ("w1", 1), ("w2", 1));
        var (own, other) = (Partitions(answers[0])[0], Partitions(answers[1])[0]);

        var (status, refusal) = await _server.PollAsync("billing", $$"""{"topics":["orders"],"member":"w1","ack":"orders/0:1,orders/1:1"}""");

        Assert.Equal(409, status);
        Assert.Equal(other, Assert.Single(refusal.GetProperty("refused").EnumerateArray()).GetProperty("partition").GetInt32());
        Assert.Equal(1, _server.Committed("billing", own));
        Assert.Null(_server.Committed("billing", other));
    }

    [Theory]
    [InlineData("x", 400)]
    [InlineData("g1", 400)]
    [InlineData("g;orders/0:1", 400)]
    [InlineData("g-1;orders/0:1", 400)]
    [InlineData("g99999999999;orders/0:1", 400)]
    [InlineData("h1;orders/0:1", 400)]
    [InlineData("g1;0:1", 400)]
    [InlineData("g1;orders/0:1,orders/0:1", 400)]
    [InlineData("g1;@short,orders/0:1", 400)]
    [InlineData("g1;orders/0:01", 400)]
    [InlineData("g1;orders/0:2", 422)]
    [InlineData("g1;orders/5:0", 422)]
    [InlineData("g1;ordres/0:0", 422)]
    public async Task An_ack_that_is_no_cursor_or_names_what_is_not_there_is_refused_and_nothing_is_stored(string ack, int expected)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        await _server.PollAsync("billing", "w1", null);

        var (status, refusal) = await _server.PollAsync("billing", $$"""{"topics":["orders"],"member":"w1","ack":"{{ack}}"}""");

        Assert.Equal(expected, status);
        Assert.Equal("ack", refusal.GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.Null(_server.Committed("billing"));
    }

    [Theory]
    [InlineData("{}", 422, "topics")]
    [InlineData("""{"topics":[]}""", 422, "topics")]
    [InlineData("""{"topics":["orders"],"topic_pattern":"o.*"}""", 422, "topics")]
    [InlineData("""{"topics":["a b"]}""", 422, "topics[0]")]
    [InlineData("""{"topics":["orders",null]}""", 422, "topics[1]")]
    [InlineData("""{"topics":["orders","orders"]}""", 422, "topics[1]")]
    [InlineData("""{"topic_pattern":"("}""", 422, "topic_pattern")]
    [InlineData("""{"topics":["orders"],"member":"a/b"}""", 422, "member")]
    [InlineData("""{"topics":["orders"],"member":""}""", 422, "member")]
    [InlineData("""{"topics":["orders"],"from":"begin"}""", 422, "from")]
    [InlineData("""{"topics":["orders"],"assignor":"fair"}""", 422, "assignor")]
    [InlineData("""{"topics":["orders"],"max_records":0}""", 422, "max_records")]
    [InlineData("""{"topics":["orders"],"max_bytes":-1}""", 422, "max_bytes")]
    [InlineData("""{"topics":["orders"],"min_bytes":-1}""", 422, "min_bytes")]
    [InlineData("""{"topics":["orders"],"timeout":-1}""", 422, "timeout")]
    [InlineData("""{"topics":["orders"],"timeout":"10"}""", 422, "timeout")]
    [InlineData("""{"topics":["orders"],"rebalance_timeout":0}""", 422, "rebalance_timeout")]
    [InlineData("""{"topics":["orders"],"key_format":"xml"}""", 422, "key_format")]
    [InlineData("""{"topics":["orders"],"value_format":"xml"}""", 422, "value_format")]
    [InlineData("""{"topics":["orders"],"max_record":5}""", 422, "max_record")]
    public async Task A_poll_that_breaks_a_rule_is_refused_with_its_field(string body, int expected, string field)
    {
        var (status, refusal) = await _server.PollAsync("billing", body);

        Assert.Equal(expected, status);
        Assert.Equal(field, refusal.GetProperty("errors")[0].GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("billing", "{", 400, 40000)]
    [InlineData("a%20b", """{"topics":["orders"]}""", 422, 42200)]
    [InlineData("billing", """{"topics":["orders"],"session_timeout":1}""", 422, 42219)]
    [InlineData("billing", """{"topics":["orders"],"session_timeout":36000000}""", 422, 42219)]
    public async Task A_poll_that_cannot_be_is_refused(string group, string body, int expected, int code)
    {
        var (status, refusal) = await _server.PollAsync(group, body);

        Assert.Equal(expected, status);
        Assert.Equal(code, refusal.GetProperty("error_code").GetInt32());
    }

    [Fact]
    public async Task A_timeout_that_cannot_be_is_refused_of_a_known_member_too_and_changes_nothing()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null);

        var (status, refusal) = await _server.PollAsync("billing", """{"topics":["orders"],"member":"w1","session_timeout":1}""");
        _server.Clock.Advance(TimeSpan.FromSeconds(40));

        Assert.Equal((422, 42219), (status, refusal.GetProperty("error_code").GetInt32()));
        Assert.Single(_server.Broker.DescribeGroup("billing").Members);
    }

    [Fact]
    public async Task A_way_of_assignment_that_the_others_do_not_have_is_refused_of_a_known_member_as_often_as_it_asks()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.SettleAsync("billing", ",\"assignor\":\"sticky\"", ("w1", 1), ("w2", 1));

        for (var i = 0; i < 2; i++)
        {
            var (status, refusal) = await _server.PollAsync("billing", """{"topics":["orders"],"member":"w2","assignor":"roundrobin"}""");
            Assert.Equal((409, 40908), (status, refusal.GetProperty("error_code").GetInt32()));
        }

        Assert.Single(Partitions(await _server.PollAsync("billing", "w2", null, ",\"assignor\":\"sticky\"")));
    }

    [Fact]
    public async Task Every_broken_rule_is_named_and_not_only_the_first()
    {
        var (_, refusal) = await _server.PollAsync("billing", """{"topics":["orders"],"from":"x","timeout":-1,"wait":1}""");

        Assert.Equal(["from", "timeout", "wait"], refusal.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()).Order());
    }

    [Fact]
    public async Task Members_that_agree_on_no_way_of_assignment_are_told()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null, ",\"assignor\":\"sticky\"");

        var (status, refusal) = await _server.PollAsync("billing", """{"topics":["orders"],"member":"w2","assignor":"roundrobin"}""");

        Assert.Equal(409, status);
        Assert.Equal(40908, refusal.GetProperty("error_code").GetInt32());
        Assert.Equal("sticky", (await _server.GetAsync("/groups/billing")).Body.GetProperty("protocol").GetString());
    }
}
