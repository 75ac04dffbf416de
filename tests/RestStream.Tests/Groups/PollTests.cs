using RestStream.Tests.Read;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

public sealed class PollTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_first_poll_of_a_group_has_the_records_from_the_beginning_and_a_cursor_with_the_generation()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1", "2.50");
        await _server.ProduceAsync("orders", 1, "3");

        var (status, answer, response) = await _server.SendAsync(HttpMethod.Post, "/groups/billing/poll", """{"topics":["orders"],"member":"w1"}""");

        Assert.Equal(200, status);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal("w1", answer.GetProperty("member").GetString());
        Assert.Equal([0, 1], Partitions(answer));
        Assert.Equal(["1", "2.50", "3"], Values(answer).Order());
        Assert.Equal(1, Generation(answer));
        Assert.Matches("^g1;@[0-9a-z]{6},orders/0:2,orders/1:1$", Cursor(answer));
        Assert.False(answer.TryGetProperty("gaps", out _));
        Assert.False(answer.TryGetProperty("unknown_topics", out _));
    }

    [Fact]
    public async Task A_poll_whose_answer_was_lost_is_answered_again_and_only_the_ack_moves_on()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");

        var lost = await _server.PollAsync("billing", "w1", null, ",\"max_records\":2");
        var again = await _server.PollAsync("billing", "w1", null, ",\"max_records\":2");
        var third = await _server.PollAsync("billing", "w1", Cursor(again));
        var thirdAgain = await _server.PollAsync("billing", "w1", Cursor(again));

        Assert.Equal(["1", "2"], Values(lost));
        Assert.Equal(["1", "2"], Values(again));
        Assert.Equal(["3"], Values(third));
        Assert.Equal(["3"], Values(thirdAgain));
        Assert.Equal(2, _server.Committed("billing"));
    }

    [Fact]
    public async Task An_ack_of_something_older_changes_nothing()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");
        var first = await _server.PollAsync("billing", "w1", null, ",\"max_records\":1");
        var second = await _server.PollAsync("billing", "w1", Cursor(first), ",\"max_records\":1");
        await _server.PollAsync("billing", "w1", Cursor(second));

        var answer = await _server.PollAsync("billing", "w1", Cursor(first));

        Assert.Equal(["3"], Values(answer));
    }

    [Fact]
    public async Task Three_members_share_the_partitions_and_every_record_goes_to_one_of_them()
    {
        await _server.CreateAsync("orders", partitions: 6);
        for (var p = 0; p < 6; p++)
            await _server.ProduceAsync("orders", p, $"{p}");
        Assert.Equal(6, Partitions(await _server.PollAsync("billing", "w1", null)).Length);

        var two = await _server.SettleAsync("billing", ("w1", 3), ("w2", 3));
        var three = await _server.SettleAsync("billing", ("w1", 2), ("w2", 2), ("w3", 2));

        Assert.Equal(Enumerable.Range(0, 6), two.SelectMany(Partitions).Order());
        Assert.Equal(Enumerable.Range(0, 6), three.SelectMany(Partitions).Order());
        Assert.All(three, a => Assert.Equal(Partitions(a).Select(p => $"{p}"), Values(a).Order()));
    }

    [Fact]
    public async Task The_partitions_of_a_member_that_is_silent_go_to_the_others_after_its_session_timeout()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.SettleAsync("billing", ("w1", 1), ("w2", 1));

        _server.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Single(Partitions(await _server.PollAsync("billing", "w2", null)));
        _server.Clock.Advance(TimeSpan.FromSeconds(16));
        var alone = await _server.PollAsync("billing", "w2", null);

        Assert.Equal([0, 1], Partitions(alone));
    }

    [Fact]
    public async Task A_session_timeout_may_be_asked_for()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null, ",\"session_timeout\":2000");

        _server.Clock.Advance(TimeSpan.FromSeconds(3));

        var other = await _server.PollAsync("billing", "w2", null);
        Assert.Equal([0], Partitions(other));
    }

    [Fact]
    public async Task A_known_member_may_ask_for_another_session_timeout()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        await _server.PollAsync("billing", "w1", null);
        var longer = await _server.PollAsync("billing", "w1", null, ",\"session_timeout\":120000");
        _server.Clock.Advance(TimeSpan.FromSeconds(100));

        var (status, _) = await _server.AckAsync("billing", "w1", Cursor(longer));
        await _server.PollAsync("billing", "w1", null, ",\"session_timeout\":2000");
        _server.Clock.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(200, status);
        var other = await _server.PollAsync("billing", "w2", null);
        Assert.Equal([0], Partitions(other));
    }

    [Fact]
    public async Task A_known_member_may_ask_for_another_way_of_assignment_which_the_group_takes_when_its_own_is_not_offered_any_more()
    {
        await _server.CreateAsync("orders");
        string[] used = [await PollAsync(""), await PollAsync("sticky"), await PollAsync(""), await PollAsync("roundrobin"), await PollAsync("range")];

        Assert.Equal(["range", "sticky", "sticky", "roundrobin", "range"], used);

        async Task<string> PollAsync(string assignor)
        {
            var answer = await _server.PollAsync("billing", "w1", null, assignor.Length == 0 ? "" : $",\"assignor\":\"{assignor}\"");
            Assert.Equal([0], Partitions(answer));
            return (await _server.GetAsync("/groups/billing")).Body.GetProperty("protocol").GetString()!;
        }
    }

    [Fact]
    public async Task A_topic_that_was_made_again_is_read_from_its_beginning_and_old_acks_are_refused()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");
        var old = await _server.PollAsync("billing", "w1", null, ",\"max_records\":2");
        await _server.PollAsync("billing", "w1", Cursor(old));
        await _server.Broker.DeleteTopicAsync("orders", default);
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "10", "20", "30");

        var (status, refusal) = await _server.PollAsync("billing", $$"""{"topics":["orders"],"member":"w1","ack":"{{Cursor(old)}}"}""");
        var answer = await _server.PollAsync("billing", "w1", null, ",\"timeout\":5000");

        Assert.Equal(409, status);
        Assert.Equal("topic_recreated", refusal.GetProperty("reason").GetString());
        Assert.Equal(["10", "20", "30"], Values(answer));
    }

    [Fact]
    public async Task A_topic_that_is_gone_is_dropped_and_the_others_go_on()
    {
        await _server.CreateAsync("orders");
        await _server.CreateAsync("bills");
        await _server.ProduceAsync("bills", 0, "1");
        const string poll = """{"topics":["orders","bills"],"member":"w1","timeout":5000}""";
        await _server.PollAsync("billing", poll);

        await _server.Broker.DeleteTopicAsync("orders", default);
        var (status, answer) = await _server.PollAsync("billing", poll);

        Assert.Equal(200, status);
        Assert.Equal("""{"bills":[0]}""", answer.GetProperty("assignment").GetRawText());
        Assert.Equal("""["orders"]""", answer.GetProperty("unknown_topics").GetRawText());
        Assert.Equal(["1"], Values(answer));
    }

    [Fact]
    public async Task A_topic_that_does_not_exist_is_named_and_read_as_soon_as_it_does()
    {
        var before = await _server.PollAsync("billing", "w1", null);
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");

        var after = await _server.PollAsync("billing", "w1", Cursor(before), ",\"timeout\":5000");

        Assert.Equal("""["orders"]""", before.GetProperty("unknown_topics").GetRawText());
        Assert.Equal("{}", before.GetProperty("assignment").GetRawText());
        Assert.Equal("g1;", Cursor(before));
        Assert.Equal(["1"], Values(after));
    }

    [Fact]
    public async Task Records_that_retention_took_from_a_member_are_told_as_a_gap_and_it_goes_on_behind_them()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2", "3");
        var first = await _server.PollAsync("billing", "w1", null, ",\"max_records\":1");
        await _server.PollAsync("billing", "w1", Cursor(first));
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 3 }, default);

        var answer = await _server.PollAsync("billing", "w1", null);
        var next = await _server.PollAsync("billing", "w1", Cursor(answer));

        Assert.Equal("""[{"topic":"orders","partition":0,"requested":1,"resumed":3}]""", answer.GetProperty("gaps").GetRawText());
        Assert.Equal(["3"], Values(answer));
        Assert.EndsWith(",orders/0:4", Cursor(answer));
        Assert.False(next.TryGetProperty("gaps", out _));
        Assert.Equal(4, _server.Committed("billing"));
    }

    [Fact]
    public async Task Damaged_records_are_told_as_a_gap_and_do_not_stop_the_group()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1");
        await _server.ProduceAsync("orders", 0, "2");
        _server.Damage("orders", 0, 0);

        var answer = await _server.PollAsync("billing", "w1", null);

        Assert.Equal("""[{"topic":"orders","partition":0,"requested":0,"resumed":2,"reason":"damaged"}]""", answer.GetProperty("gaps").GetRawText());
        Assert.Equal(["2"], Values(answer));
    }

    [Fact]
    public async Task A_group_that_begins_at_the_end_misses_nothing_of_what_comes_then_though_its_first_answer_is_lost()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "old");

        var first = await _server.PollAsync("billing", "w1", null, ",\"from\":\"latest\"");
        await _server.ProduceAsync("orders", 0, "1");
        var second = await _server.PollAsync("billing", "w1", null, ",\"from\":\"latest\"");

        Assert.Empty(Values(first));
        Assert.Equal(1, _server.Committed("billing"));
        Assert.Equal(["1"], Values(second));
    }

    [Fact]
    public async Task A_poll_waits_for_records_as_long_as_its_timeout()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null);
        var waiting = _server.PollAsync("billing", "w1", null, ",\"timeout\":10000");
        await _server.UntilParkedAsync();
        await _server.ProduceAsync("orders", 0, "1");

        Assert.Equal(["1"], Values(await waiting));

        var empty = _server.PollAsync("billing", "w1", Cursor(await waiting), ",\"timeout\":10000");
        await _server.UntilParkedAsync();
        _server.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Empty(Values(await empty));
    }

    [Fact]
    public async Task A_poll_that_waits_takes_part_when_another_member_comes_and_goes_on_with_what_is_left_to_it()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.PollAsync("billing", "w1", null);
        var waiting = _server.PollAsync("billing", "w1", null, ",\"timeout\":10000");
        await _server.UntilParkedAsync();

        var second = await _server.PollAsync("billing", "w2", null);
        foreach (var partition in Partitions(second))
            await _server.ProduceAsync("orders", partition, "theirs");
        await _server.UntilParkedAsync();
        foreach (var partition in new[] { 0, 1 }.Except(Partitions(second)))
            await _server.ProduceAsync("orders", partition, "\"own\"");
        var answer = await waiting;

        Assert.Single(Partitions(second));
        Assert.Single(Partitions(answer));
        Assert.Equal(["\"own\""], Values(answer));
        Assert.Equal(Generation(second), Generation(answer));
    }

    [Fact]
    public async Task A_member_that_is_in_a_long_poll_is_alive()
    {
        await _server.CreateAsync("orders");
        var waiting = _server.PollAsync("billing", "w1", null, ",\"timeout\":60000,\"session_timeout\":5000");
        await _server.UntilParkedAsync();

        _server.Clock.Advance(TimeSpan.FromSeconds(30));
        var (_, group, _) = await _server.GetAsync("/groups/billing");

        Assert.Equal("w1", group.GetProperty("members")[0].GetProperty("member").GetString());
        await _server.ProduceAsync("orders", 0, "1");
        Assert.Equal(["1"], Values(await waiting));
    }

    [Fact]
    public async Task A_member_without_a_name_gets_one()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");

        var (_, first) = await _server.PollAsync("billing", """{"topics":["orders"]}""");
        var member = first.GetProperty("member").GetString()!;
        var second = await _server.PollAsync("billing", member, Cursor(first));

        Assert.Matches("^m-[0-9a-f]{32}$", member);
        Assert.Equal([0], Partitions(second));
        Assert.Equal(1, _server.Committed("billing"));
    }

    [Fact]
    public async Task Topics_may_be_named_by_a_pattern_and_new_ones_that_fit_are_read()
    {
        await _server.CreateAsync("orders");
        await _server.CreateAsync("bills");
        const string poll = """{"topic_pattern":"ord.*","member":"w1","timeout":5000}""";
        await _server.ProduceAsync("orders", 0, "1");
        var (_, first) = await _server.PollAsync("billing", poll);
        await _server.CreateAsync("ordinary");
        await _server.ProduceAsync("ordinary", 0, "2");

        var (_, second) = await _server.PollAsync("billing", poll);

        Assert.Equal("""{"orders":[0]}""", first.GetProperty("assignment").GetRawText());
        Assert.Equal("""{"orders":[0],"ordinary":[0]}""", second.GetProperty("assignment").GetRawText());
        Assert.Equal(["1", "2"], Values(second).Order());
    }

    [Fact]
    public async Task A_member_may_change_its_topics()
    {
        await _server.CreateAsync("orders");
        await _server.CreateAsync("bills");
        await _server.PollAsync("billing", "w1", null);

        var (_, answer) = await _server.PollAsync("billing", """{"topics":["bills"],"member":"w1"}""");

        Assert.Equal("""{"bills":[0]}""", answer.GetProperty("assignment").GetRawText());
    }

    [Fact]
    public async Task The_form_of_keys_and_values_and_the_size_of_an_answer_are_the_clients()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");

        var answer = await _server.PollAsync("billing", "w1", null, ",\"value_format\":\"base64\",\"key_format\":\"base64\",\"max_bytes\":1");

        var record = Assert.Single(answer.GetProperty("records").EnumerateArray());
        Assert.Equal("MQ==", record.GetProperty("value").GetString());
        Assert.Equal("aw==", record.GetProperty("key").GetString());
    }

    [Fact]
    public async Task A_member_that_is_taken_out_while_it_waits_is_answered_and_does_not_come_back_by_itself()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null);
        var waiting = _server.PollAsync("billing", "w1", null, ",\"timeout\":60000");
        await _server.UntilParkedAsync();

        var (status, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        var answer = await waiting;

        Assert.Equal(204, status);
        Assert.Equal("{}", answer.GetProperty("assignment").GetRawText());
        Assert.Empty((await _server.GetAsync("/groups/billing")).Body.GetProperty("members").EnumerateArray());
    }

    [Fact]
    public async Task A_member_that_is_taken_out_while_its_group_settles_is_answered_and_does_not_come_back_by_itself()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.PollAsync("billing", "w1", null);
        var waiting = _server.PollAsync("billing", "w2", null, ",\"timeout\":60000");
        await UntilMembersAsync(2);

        var (status, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w2", null);
        var answer = await waiting;

        Assert.Equal(204, status);
        Assert.Equal("{}", answer.GetProperty("assignment").GetRawText());
        Assert.Equal("w1", Assert.Single(_server.Broker.DescribeGroup("billing").Members).InstanceId);
        var last = await _server.PollAsync("billing", "w1", null);
        Assert.Equal([0, 1], Partitions(last));
    }

    [Fact]
    public async Task A_stop_of_the_server_ends_a_poll_that_waits()
    {
        await _server.CreateAsync("orders");
        var waiting = _server.PollAsync("billing", "w1", null, ",\"timeout\":60000");
        await _server.UntilParkedAsync();

        await _server.StopAsync();

        Assert.Empty(Values(await waiting));
    }

    private async Task UntilMembersAsync(int members)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (_server.Broker.DescribeGroup("billing").Members.Count != members)
            await Task.Delay(1, giveUp.Token);
    }
}
