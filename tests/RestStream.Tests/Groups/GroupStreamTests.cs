using System.Net;
using System.Text.Json;
using RestStream.Tests.Read;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

public sealed class GroupStreamTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_stream_tells_who_it_is_and_what_it_owns_and_then_the_records_with_their_cursors()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 1, "1", "2");

        using var events = await FollowAsync("member=w1");
        var open = await events.NextEventAsync();
        var assignment = await events.NextEventAsync();
        var first = await events.NextEventAsync();
        var second = await events.NextEventAsync();

        Assert.Equal("text/event-stream", events.Response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no", events.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal(("open", """{"member":"w1","generation":1}"""), (open!.Name, open.Data));
        Assert.Equal(("assignment", """{"generation":1,"assignment":{"orders":[0,1]}}"""), (assignment!.Name, assignment.Data));
        Assert.Equal((null, "1"), (first!.Name, Value(first)));
        Assert.Matches("^g1;@[0-9a-z]{6},orders/0:0,orders/1:1$", first.Id);
        Assert.EndsWith("orders/0:0,orders/1:2", second!.Id);
    }

    [Fact]
    public async Task Records_come_as_they_are_written_and_a_quiet_stream_has_heartbeats()
    {
        await _server.CreateAsync("orders");
        using var events = await OpenedAsync("member=w1");

        await _server.ProduceAsync("orders", 0, "1");
        Assert.Equal("1", Value((await events.NextEventAsync())!));
        await _server.UntilParkedAsync();
        _server.Clock.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal("", (await events.NextAsync())!.Comment);
    }

    [Fact]
    public async Task A_stream_stops_at_its_window_and_goes_on_with_an_ack()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3", "4", "5");
        using var events = await OpenedAsync("member=w1&window=2");
        Assert.Equal("1", Value((await events.NextEventAsync())!));
        Assert.Equal("2", Value((await events.NextEventAsync())!));
        var stopped = events.NextEventAsync();
        await HeartbeatsAsync(2);
        Assert.False(stopped.IsCompleted);
        Assert.Null(_server.Committed("billing"));

        var (status, _) = await _server.AckAsync("billing", "w1", "orders/0:1");
        Assert.Equal(200, status);
        Assert.Equal("3", Value((await stopped)!));
        await _server.AckAsync("billing", "w1", events.LastId!);

        Assert.Equal("4", Value((await events.NextEventAsync())!));
        Assert.Equal("5", Value((await events.NextEventAsync())!));
        Assert.Equal(3, _server.Committed("billing"));
    }

    [Theory]
    [InlineData("header")]
    [InlineData("last_event_id")]
    [InlineData("cursor")]
    public async Task A_reconnect_acks_what_it_has_seen_and_goes_on_behind_it(string how)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");
        string id;
        using (var events = await OpenedAsync("member=w1"))
            id = (await events.NextEventAsync())!.Id!;

        using var again = await _server.FollowAsync(
            $"/groups/billing/stream?topics=orders&member=w1{(how == "header" ? "" : $"&{how}={Uri.EscapeDataString(id)}")}", how == "header" ? id : null);
        var open = await again.NextEventAsync();
        await again.NextEventAsync();

        Assert.Equal("""{"member":"w1","generation":1}""", open!.Data);
        Assert.Equal("2", Value((await again.NextEventAsync())!));
        Assert.Equal(1, _server.Committed("billing"));
    }

    [Fact]
    public async Task A_reconnect_whose_partitions_were_another_members_is_told_and_begins_where_the_group_stands()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");
        string id;
        using (var events = await OpenedAsync("member=w1"))
            id = (await events.NextEventAsync())!.Id!;
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        await _server.PollAsync("billing", "w2", null);
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w2", null);

        using var again = await _server.FollowAsync("/groups/billing/stream?topics=orders&member=w1", id);
        var open = JsonDocument.Parse((await again.NextEventAsync())!.Data!).RootElement;
        await again.NextEventAsync();

        Assert.Equal("unknown_member", open.GetProperty("refused")[0].GetProperty("reason").GetString());
        Assert.Equal("1", Value((await again.NextEventAsync())!));
        Assert.Null(_server.Committed("billing"));
    }

    [Fact]
    public async Task After_a_cut_the_member_keeps_its_partitions_for_the_grace_and_no_longer()
    {
        await _server.CreateAsync("orders", partitions: 2);
        using (await OpenedAsync("member=w1"))
            await _server.UntilParkedAsync();
        await UntilCutAsync();

        _server.Clock.Advance(TimeSpan.FromSeconds(9));
        var (_, before, _) = await _server.GetAsync("/groups/billing");
        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        await UntilMembersAsync(0);

        Assert.Equal("w1", before.GetProperty("members")[0].GetProperty("member").GetString());
    }

    [Fact]
    public async Task A_member_that_is_back_within_the_grace_stays()
    {
        await _server.CreateAsync("orders");
        using (await OpenedAsync("member=w1"))
            await _server.UntilParkedAsync();
        await UntilCutAsync();
        _server.Clock.Advance(TimeSpan.FromSeconds(9));

        using var again = await OpenedAsync("member=w1");
        _server.Clock.Advance(TimeSpan.FromSeconds(9));
        await _server.ProduceAsync("orders", 0, "1");

        Assert.Equal("1", Value((await again.NextEventAsync())!));
        Assert.Equal(1, (await _server.GetAsync("/groups/billing")).Body.GetProperty("generation").GetInt32());
    }

    [Fact]
    public async Task A_second_stream_of_the_same_member_takes_over()
    {
        await _server.CreateAsync("orders");
        using var first = await OpenedAsync("member=w1");
        await _server.UntilParkedAsync();

        using var second = await OpenedAsync("member=w1");
        var end = await first.NextEventAsync();
        await _server.ProduceAsync("orders", 0, "1");

        Assert.Equal(("end", """{"reason":"taken_over"}""", "15000"), (end!.Name, end.Data, end.Retry));
        Assert.Null(await first.NextAsync());
        Assert.Equal("1", Value((await second.NextEventAsync())!));
        _server.Clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(1, (await _server.GetAsync("/groups")).Body.GetProperty("groups")[0].GetProperty("members").GetInt32());
    }

    [Fact]
    public async Task A_stream_and_a_poll_share_the_partitions_of_a_group()
    {
        await _server.CreateAsync("orders", partitions: 2);
        using var events = await OpenedAsync("member=w1");

        JsonElement polled;
        do
        {
            polled = await _server.PollAsync("billing", "w2", null);
        }
        while (Partitions(polled).Length != 1);
        var assignment = JsonDocument.Parse((await events.NextEventAsync())!.Data!).RootElement;

        Assert.Equal([0, 1], Partitions(assignment).Concat(Partitions(polled)).Order());
        Assert.Equal(Generation(polled), Generation(assignment));
    }

    [Fact]
    public async Task What_a_stream_has_sent_is_not_sent_again_when_it_keeps_the_partition_in_a_rebalance()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1");
        await _server.ProduceAsync("orders", 1, "2");
        using var events = await OpenedAsync("member=w1&assignor=cooperative-sticky");
        await events.NextEventAsync();
        await events.NextEventAsync();
        var w2 = """{"topics":["orders"],"member":"w2","assignor":"cooperative-sticky"}""";
        while (Partitions((await _server.PollAsync("billing", w2)).Body).Length != 1)
        {
        }

        ServerEvent assignment;
        do
        {
            assignment = (await events.NextEventAsync())!;
        }
        while (Partitions(JsonDocument.Parse(assignment.Data!).RootElement).Length != 1);
        var own = Partitions(JsonDocument.Parse(assignment.Data!).RootElement)[0];
        await _server.ProduceAsync("orders", own, "3");

        Assert.Equal("3", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task With_commit_auto_what_was_sent_is_committed_at_the_next_batch_or_heartbeat()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");
        using var events = await OpenedAsync("member=w1&commit=auto");
        await events.NextEventAsync();
        await events.NextEventAsync();
        await _server.UntilParkedAsync();
        await EarlierWritesAsync();
        Assert.Null(_server.Committed("billing"));

        await _server.ProduceAsync("orders", 0, "3");
        await events.NextEventAsync();
        await UntilCommittedAsync(2);
        await _server.UntilParkedAsync();
        await HeartbeatsAsync(1);

        await UntilCommittedAsync(3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_commit_auto_a_reconnect_goes_back_to_its_last_event_when_more_was_sent_and_committed(bool cut)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2", "3");
        using var events = await OpenedAsync("member=w1&commit=auto");
        var id = (await events.NextEventAsync())!.Id!;
        await _server.UntilParkedAsync();
        await HeartbeatsAsync(1);
        await UntilCommittedAsync(3);
        if (cut)
        {
            events.Dispose();
            await UntilCutAsync();
        }

        using var again = await _server.FollowAsync("/groups/billing/stream?topics=orders&member=w1&commit=auto", id);
        var open = await again.NextEventAsync();
        await again.NextEventAsync();

        Assert.Equal("{\"member\":\"w1\",\"generation\":1}", open!.Data);
        Assert.Equal("2", Value((await again.NextEventAsync())!));
        Assert.Equal("3", Value((await again.NextEventAsync())!));
        Assert.Equal(1, _server.Committed("billing"));
        await _server.UntilParkedAsync();
        await HeartbeatsAsync(1);
        await UntilCommittedAsync(3);
    }

    [Fact]
    public async Task With_commit_none_nothing_is_committed_and_a_reconnect_still_goes_on_behind_its_last_event()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");
        string id;
        using (var events = await OpenedAsync("member=w1&commit=none"))
            id = (await events.NextEventAsync())!.Id!;

        using var again = await _server.FollowAsync("/groups/billing/stream?topics=orders&member=w1&commit=none", id);
        await again.NextEventAsync();
        await again.NextEventAsync();

        Assert.Equal("2", Value((await again.NextEventAsync())!));
        Assert.Empty(_server.Broker.CommittedOffsets("billing"));
    }

    [Theory]
    [InlineData("ack")]
    [InlineData("auto")]
    [InlineData("none")]
    public async Task A_reconnect_after_a_topic_was_made_again_is_told_and_begins_where_the_group_stands(string commit)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");
        string id;
        using (var events = await OpenedAsync($"member=w1&commit={commit}"))
            id = (await events.NextEventAsync())!.Id!;
        await UntilCutAsync();
        await _server.Broker.DeleteTopicAsync("orders", default);
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "10", "20");

        using var again = await _server.FollowAsync($"/groups/billing/stream?topics=orders&member=w1&commit={commit}", id);
        var open = JsonDocument.Parse((await again.NextEventAsync())!.Data!).RootElement;

        Assert.Equal("topic_recreated", open.GetProperty("refused")[0].GetProperty("reason").GetString());
        Assert.Equal("10", Value(await UntilRecordAsync(again)));
        Assert.Equal("20", Value(await UntilRecordAsync(again)));
    }

    [Theory]
    [InlineData("orders/0:9,bills/0:1", "unknown_topic_or_partition")]
    [InlineData("orders/0:9,orders/4:1", "unknown_topic_or_partition")]
    [InlineData("orders/0:9", "beyond_end")]
    public async Task A_reconnect_from_a_place_that_is_not_there_is_told_and_begins_where_the_group_stands(string id, string reason)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");

        using var events = await FollowAsync($"member=w1&last_event_id={id}");
        var open = JsonDocument.Parse((await events.NextEventAsync())!.Data!).RootElement;

        Assert.Contains(reason, open.GetProperty("refused").EnumerateArray().Select(r => r.GetProperty("reason").GetString()));
        Assert.Equal("1", Value(await UntilRecordAsync(events)));
        Assert.Null(_server.Committed("billing"));
    }

    [Theory]
    [InlineData("left")]
    [InlineData("taken_over")]
    [InlineData("shutdown")]
    public async Task A_stream_that_ends_while_its_group_settles_says_why_and_is_no_error(string reason)
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.PollAsync("billing", "w1", null);
        var joining = FollowAsync("member=w2");
        await UntilMembersAsync(2);

        var second = reason == "taken_over" ? FollowAsync("member=w2") : null;
        var ended = reason switch
        {
            "left" => _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w2", null),
            "shutdown" => _server.StopAsync(),
            _ => Task.CompletedTask,
        };
        using var events = await joining;
        var end = await events.NextEventAsync();

        Assert.Equal(HttpStatusCode.OK, events.Response.StatusCode);
        Assert.Equal(("end", $"{{\"reason\":\"{reason}\"}}", (string?)null), (end!.Name, end.Data, end.Id));
        await ended;
        Assert.Equal(reason == "left" ? 1 : 2, _server.Broker.DescribeGroup("billing").Members.Count);
        if (second is null)
            return;
        await _server.PollAsync("billing", "w1", null);
        using var other = await second;
        Assert.Equal("open", (await other.NextEventAsync())!.Name);
    }

    [Fact]
    public async Task From_latest_begins_at_the_end_and_commits_it()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1", "2");

        using var events = await OpenedAsync("member=w1&from=latest");
        await _server.ProduceAsync("orders", 0, "3");

        Assert.Equal("3", Value((await events.NextEventAsync())!));
        Assert.Equal(2, _server.Committed("billing"));
    }

    [Fact]
    public async Task What_is_gone_is_told_as_a_gap_and_the_stream_goes_on_behind_it()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2");
        await _server.PollAsync("billing", "w1", Cursor(await _server.PollAsync("billing", "w1", null, ",\"max_records\":1")));
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 2 }, default);

        using var events = await OpenedAsync("member=w1");
        var gap = await events.NextEventAsync();

        Assert.Equal(("gap", """{"topic":"orders","partition":0,"requested":1,"resumed":2}"""), (gap!.Name, gap.Data));
        Assert.EndsWith("orders/0:2", gap.Id);
        Assert.Equal("2", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task A_topic_that_is_deleted_leaves_the_assignment_and_comes_back_from_its_beginning()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        using var events = await OpenedAsync("member=w1");
        await events.NextEventAsync();
        await _server.UntilParkedAsync();

        await _server.Broker.DeleteTopicAsync("orders", default);
        var gone = await UntilAssignedAsync(events, 0);
        await _server.CreateAsync("orders");
        await UntilAssignedAsync(events, 1);
        await _server.ProduceAsync("orders", 0, "2");

        Assert.Equal("""["orders"]""", gone.GetProperty("unknown_topics").GetRawText());
        Assert.Equal("2", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task A_member_that_is_taken_out_gets_an_end_and_does_not_come_back_by_itself()
    {
        await _server.CreateAsync("orders");
        using var events = await OpenedAsync("member=w1");
        await _server.UntilParkedAsync();

        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        var end = await events.NextEventAsync();

        Assert.Equal("""{"reason":"left"}""", end!.Data);
        Assert.Null(await events.NextAsync());
        Assert.Empty((await _server.GetAsync("/groups/billing")).Body.GetProperty("members").EnumerateArray());
    }

    [Fact]
    public async Task A_stop_of_the_server_ends_the_stream_and_not_the_membership()
    {
        await _server.CreateAsync("orders");
        using var events = await OpenedAsync("member=w1");
        await _server.UntilParkedAsync();

        var stopped = _server.StopAsync();
        var end = await events.NextEventAsync();
        await stopped;

        Assert.Equal(("end", """{"reason":"shutdown"}"""), (end!.Name, end.Data));
        Assert.Equal("w1", _server.Broker.DescribeGroup("billing").Members.Single().InstanceId);
    }

    [Fact]
    public async Task A_stream_without_a_member_name_gets_one_and_one_too_many_is_told_to_come_back()
    {
        await using var server = await ReadServer.StartAsync(l => l.MaxStreams = 1);
        await server.CreateAsync("orders");

        using var first = await server.FollowAsync("/groups/billing/stream?topics=orders");
        var open = await first.NextEventAsync();
        using var second = await server.FollowAsync("/groups/billing/stream?topics=orders");

        Assert.Matches("\"member\":\"m-[0-9a-f]{32}\"", open!.Data);
        Assert.Equal(HttpStatusCode.OK, second.Response.StatusCode);
        Assert.Equal("too many streams, come back later", (await second.NextAsync())!.Comment);
        Assert.Equal("15000", (await second.NextAsync())!.Retry);
        Assert.Null(await second.NextAsync());
    }

    private static string Value(ServerEvent record) => JsonDocument.Parse(record.Data!).RootElement.GetProperty("value").GetRawText();

    private Task<EventReader> FollowAsync(string query) => _server.FollowAsync($"/groups/billing/stream?topics=orders&{query}");

    /// <summary>A stream whose first two events, open and assignment, have been read.</summary>
    private async Task<EventReader> OpenedAsync(string query)
    {
        var events = await FollowAsync(query);
        Assert.Equal("open", (await events.NextEventAsync())!.Name);
        Assert.Equal("assignment", (await events.NextEventAsync())!.Name);
        return events;
    }

    private static async Task<ServerEvent> UntilRecordAsync(EventReader events)
    {
        while (await events.NextEventAsync() is { } next)
        {
            if (next.Name is null)
                return next;
        }

        throw new EndOfStreamException();
    }

    /// <summary>The next assignment of so many partitions.</summary>
    private static async Task<JsonElement> UntilAssignedAsync(EventReader events, int partitions)
    {
        while (await events.NextEventAsync() is { } next)
        {
            if (next.Name == "assignment" && JsonDocument.Parse(next.Data!).RootElement is var assignment && Partitions(assignment).Length == partitions)
                return assignment;
        }

        throw new EndOfStreamException();
    }

    /// <summary>Lets the time of so many heartbeats pass, each when the stream waits for it.</summary>
    private async Task HeartbeatsAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await UntilAsync(() => _server.Clock.ArmedTimers > 1);
            _server.Clock.Advance(TimeSpan.FromSeconds(15));
        }
    }

    /// <summary>Returns when everything that was on its way to the disk is there: the log takes writes in their order.</summary>
    private async Task EarlierWritesAsync()
    {
        await _server.CreateAsync("other");
        await _server.ProduceAsync("other", 0, "1");
    }

    private Task UntilCommittedAsync(long offset) => UntilAsync(() => _server.Committed("billing") == offset);

    /// <summary>The server has noticed that the client is gone, and no stream is parked.</summary>
    private Task UntilCutAsync() => UntilAsync(() => _server.StreamsInGrace == 1);

    private Task UntilMembersAsync(int members) => UntilAsync(() => _server.Broker.ListGroups(null, 10).Sum(g => g.Members) == members);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }
    }
}
