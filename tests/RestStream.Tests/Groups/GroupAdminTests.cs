using System.Globalization;
using System.Text.Json;
using RestStream.Tests.Read;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

/// <summary>What operators do with groups, and acks that are calls of their own.</summary>
public sealed class GroupAdminTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task An_ack_of_its_own_is_stored_and_answered_with_what_is_committed()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1", "2");
        var answer = await _server.PollAsync("billing", "w1", null);

        var (status, acked) = await _server.AckAsync("billing", "w1", Cursor(answer));
        var (_, older) = await _server.AckAsync("billing", "w1", "g1;orders/0:1");

        Assert.Equal(200, status);
        Assert.Equal(Cursor(answer), acked.GetProperty("committed").GetString());
        Assert.EndsWith("orders/0:2", older.GetProperty("committed").GetString());
        Assert.Equal(2, _server.Committed("billing"));
    }

    [Fact]
    public async Task An_ack_after_another_member_had_the_partition_is_refused()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        var old = await _server.PollAsync("billing", "w1", null);
        _server.Clock.Advance(TimeSpan.FromSeconds(46));
        await _server.PollAsync("billing", "w2", null);

        var (status, refusal) = await _server.AckAsync("billing", "w1", Cursor(old));

        Assert.Equal(409, status);
        Assert.Equal("""[{"topic":"orders","partition":0,"offset":1,"reason":"unknown_member"}]""", refusal.GetProperty("refused").GetRawText());
        Assert.Null(_server.Committed("billing"));
    }

    [Theory]
    [InlineData("w9", "orders/0:0", 404, 40406)]
    [InlineData("w1", "orders/0:9", 422, 42200)]
    [InlineData("w1", "0:0", 400, 40001)]
    [InlineData("a b", "orders/0:0", 422, 42200)]
    [InlineData("", "orders/0:0", 422, 42200)]
    [InlineData("w1", "", 422, 42200)]
    public async Task An_ack_that_cannot_be_is_refused(string member, string cursor, int expected, int code)
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null);

        var (status, refusal) = await _server.AckAsync("billing", member, cursor);

        Assert.Equal(expected, status);
        Assert.Equal(code, refusal.GetProperty("error_code").GetInt32());
    }

    [Fact]
    public async Task Groups_are_listed_in_pages()
    {
        await _server.CreateAsync("orders");
        foreach (var group in new[] { "c", "a", "b" })
            await _server.PollAsync(group, "w1", null);

        var (_, first, _) = await _server.GetAsync("/groups?limit=2");
        var (_, second, _) = await _server.GetAsync($"/groups?limit=2&page_token={first.GetProperty("next_page_token").GetString()}");
        var (bad, _, _) = await _server.GetAsync("/groups?page_token=%21");

        Assert.Equal("""{"group":"a","state":"Stable","protocol_type":"consumer","members":1}""", first.GetProperty("groups")[0].GetRawText());
        Assert.Equal(["a", "b", "c"], first.GetProperty("groups").EnumerateArray().Concat(second.GetProperty("groups").EnumerateArray()).Select(g => g.GetProperty("group").GetString()));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next_page_token").ValueKind);
        Assert.Equal(400, bad);
    }

    [Fact]
    public async Task A_group_is_described_with_its_members_and_what_each_owns()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.SettleAsync("billing", ("w1", 1), ("w2", 1));

        var (status, group, _) = await _server.GetAsync("/groups/billing");

        Assert.Equal(200, status);
        Assert.Equal("Stable", group.GetProperty("state").GetString());
        Assert.Equal("range", group.GetProperty("protocol").GetString());
        var members = group.GetProperty("members").EnumerateArray().OrderBy(m => m.GetProperty("member").GetString()).ToArray();
        Assert.Equal(["w1", "w2"], members.Select(m => m.GetProperty("member").GetString()));
        Assert.Equal([0, 1], members.SelectMany(Partitions).Order());
        Assert.Contains(members, m => m.GetProperty("member_id").GetString() == group.GetProperty("leader").GetString());
        Assert.All(members, m => Assert.Equal("/127.0.0.1", m.GetProperty("client_host").GetString()));
    }

    [Fact]
    public async Task A_member_leaves_at_once_and_its_partitions_go_to_the_others()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.SettleAsync("billing", ("w1", 1), ("w2", 1));

        var (left, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        var (again, refusal, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);

        Assert.Equal(204, left);
        Assert.Equal((404, 40406), (again, refusal.GetProperty("error_code").GetInt32()));
        var alone = await _server.PollAsync("billing", "w2", null);
        Assert.Equal([0, 1], Partitions(alone));
    }

    [Fact]
    public async Task A_group_is_deleted_when_it_has_no_members_and_its_offsets_are_forgotten()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        await _server.PollAsync("billing", "w1", Cursor(await _server.PollAsync("billing", "w1", null)));

        var (busy, refusal, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing", null);
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        var (deleted, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing", null);
        var (gone, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing", null);

        Assert.Equal((409, 40909), (busy, refusal.GetProperty("error_code").GetInt32()));
        Assert.Equal(204, deleted);
        Assert.Equal(404, gone);
        Assert.Equal(["1"], Values(await _server.PollAsync("billing", "w1", null)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/lag")]
    [InlineData("/offsets")]
    public async Task A_group_that_is_not_there_is_not_found(string path)
    {
        var (unknown, refusal, _) = await _server.GetAsync($"/groups/billing{path}");
        var (bad, _, _) = await _server.GetAsync($"/groups/a%20b{path}");

        Assert.Equal((404, 40405), (unknown, refusal.GetProperty("error_code").GetInt32()));
        Assert.Equal(422, bad);
    }

    [Fact]
    public async Task A_group_with_a_name_of_any_text_such_as_a_sinks_is_listed_looked_at_reset_and_deleted()
    {
        await _server.CreateAsync("orders");
        foreach (var name in new[] { "connect-a b/50%", "connect-漢字" })
            await _server.Broker.CommitOffsetsAsync(name, [new(new("orders", 0), 0)], default);
        const string group = "/groups/connect-a%20b%2F50%25";

        var (_, first, _) = await _server.GetAsync("/groups?limit=1");
        var (_, second, _) = await _server.GetAsync($"/groups?limit=1&page_token={first.GetProperty("next_page_token").GetString()}");
        var (_, described, _) = await _server.GetAsync(group);
        var (lag, _, _) = await _server.GetAsync($"{group}/lag");
        var (_, offsets, _) = await _server.GetAsync($"{group}/offsets");
        var (reset, _, _) = await _server.SendAsync(HttpMethod.Put, $"{group}/offsets", """{"to":"latest"}""");
        var (polled, _, _) = await _server.SendAsync(HttpMethod.Post, $"{group}/poll", """{"topics":["orders"]}""");
        var (deleted, _, _) = await _server.SendAsync(HttpMethod.Delete, group, null);
        var (gone, _, _) = await _server.GetAsync(group);

        Assert.Equal(["connect-a b/50%", "connect-漢字"], first.GetProperty("groups").EnumerateArray().Concat(second.GetProperty("groups").EnumerateArray()).Select(g => g.GetProperty("group").GetString()));
        Assert.Equal("connect-a b/50%", described.GetProperty("group").GetString());
        Assert.Equal(1, offsets.GetProperty("offsets").GetArrayLength());
        Assert.Equal((200, 200, 422, 204, 422), (lag, reset, polled, deleted, gone));
    }

    [Fact]
    public async Task Lag_is_told_in_records_and_as_the_age_of_the_oldest_record_that_nobody_acked()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1");
        _server.Clock.Advance(TimeSpan.FromSeconds(10));
        await _server.ProduceAsync("orders", 0, "2", "3");
        _server.Clock.Advance(TimeSpan.FromSeconds(5));
        var first = await _server.PollAsync("billing", "w1", null, ",\"max_records\":1");
        await _server.AckAsync("billing", "w1", Cursor(first));

        var (_, lag, _) = await _server.GetAsync("/groups/billing/lag");
        await _server.AckAsync("billing", "w1", "orders/0:3");
        var (_, caughtUp, _) = await _server.GetAsync("/groups/billing/lag");

        Assert.Equal("""{"topic":"orders","partition":0,"committed":1,"end":3,"lag":2,"lag_ms":5000,"member":"w1"}""", lag.GetProperty("partitions")[0].GetRawText());
        Assert.Equal(2, lag.GetProperty("lag").GetInt64());
        Assert.Equal(5000, lag.GetProperty("lag_ms").GetInt64());
        Assert.Equal(0, caughtUp.GetProperty("lag").GetInt64());
        Assert.Equal(0, caughtUp.GetProperty("lag_ms").GetInt64());
    }

    [Fact]
    public async Task Where_nothing_was_committed_everything_that_is_kept_is_lag()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2");
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 1 }, default);
        await _server.PollAsync("billing", "w1", null);

        var (_, lag, _) = await _server.GetAsync("/groups/billing/lag");

        Assert.Equal("""{"topic":"orders","partition":0,"committed":null,"end":3,"lag":2,"lag_ms":0,"member":"w1"}""", lag.GetProperty("partitions")[0].GetRawText());
    }

    [Fact]
    public async Task Offsets_are_shown_put_elsewhere_after_a_dry_run_and_forgotten()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1", "2");
        var answer = await _server.PollAsync("billing", "w1", null);
        await _server.AckAsync("billing", "w1", Cursor(answer));

        var (_, offsets, _) = await _server.GetAsync("/groups/billing/offsets");
        var (active, refusal) = await ResetAsync("""{"to":"earliest"}""");
        var (dryActive, _) = await ResetAsync("""{"to":"earliest","dry_run":true}""");
        var (subscribed, _, _) = await _server.SendAsync(HttpMethod.Delete, "/groups/billing/offsets", null);
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/members/w1", null);
        var (_, dry) = await ResetAsync("""{"to":"earliest","dry_run":true}""");
        var afterDry = _server.Committed("billing");
        var (done, reset) = await ResetAsync("""{"to":"earliest"}""");

        Assert.Equal("""{"topic":"orders","partition":0,"offset":2,"metadata":"","committed_at":"2026-01-01T00:00:00+00:00"}""", offsets.GetProperty("offsets")[0].GetRawText());
        Assert.Equal((409, 40909), (active, refusal.GetProperty("error_code").GetInt32()));
        Assert.Equal(409, dryActive);
        Assert.Equal(409, subscribed);
        Assert.Equal("""[{"topic":"orders","partition":0,"current":2,"new":0},{"topic":"orders","partition":1,"current":0,"new":0}]""", dry.GetRawText());
        Assert.Equal(2, afterDry);
        Assert.Equal(200, done);
        Assert.Equal(dry.GetRawText(), reset.GetRawText());
        Assert.Equal(0, _server.Committed("billing"));

        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/offsets?topic=orders&partition=1", null);
        Assert.Equal((0L, null), (_server.Committed("billing"), _server.Committed("billing", 1)));
        await _server.SendAsync(HttpMethod.Delete, "/groups/billing/offsets?topic=orders", null);
        Assert.Null(_server.Committed("billing"));
    }

    [Theory]
    [InlineData("earliest", 1)]
    [InlineData("latest", 4)]
    [InlineData("-1", 3)]
    [InlineData("-60s", 2)]
    [InlineData("t=1767225600000", 1)]
    [InlineData("2026-01-01T00:01:00Z", 2)]
    [InlineData("2030-01-01T00:00:00Z", 4)]
    [InlineData("orders/0:3", 3)]
    [InlineData("g7;orders/0:2", 2)]
    public async Task A_reset_goes_to_an_end_a_time_an_age_a_count_or_a_cursor(string to, long expected)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1");
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 1 }, default);
        _server.Clock.Advance(TimeSpan.FromMinutes(1));
        await _server.ProduceAsync("orders", 0, "2", "3");
        _server.Clock.Advance(TimeSpan.FromMinutes(1));

        var (status, reset) = await ResetAsync($$"""{"to":"{{to}}","topics":["orders"]}""");

        Assert.Equal(200, status);
        Assert.Equal($$"""[{"topic":"orders","partition":0,"current":null,"new":{{expected.ToString(CultureInfo.InvariantCulture)}}}]""", reset.GetRawText());
        Assert.Equal(expected, _server.Committed("billing"));
    }

    [Theory]
    [InlineData("""{"to":"earliest"}""", 404, 40405)]
    [InlineData("""{"to":"earliest","topics":["bills"]}""", 404, 40401)]
    [InlineData("""{"to":"5","topics":["orders"]}""", 422, 42200)]
    [InlineData("""{"to":"soon","topics":["orders"]}""", 400, 40001)]
    [InlineData("""{"to":"orders/0:9"}""", 422, 42200)]
    [InlineData("""{"to":"orders/9:0"}""", 422, 42200)]
    [InlineData("""{"to":"orders/0:0","topics":["bills"]}""", 422, 42200)]
    [InlineData("""{"topics":["orders"]}""", 422, 42200)]
    [InlineData("""{"to":"earliest","topics":[]}""", 422, 42200)]
    [InlineData("""{"to":"earliest","dryrun":true}""", 422, 42200)]
    public async Task A_reset_that_cannot_be_is_refused(string body, int expected, int code)
    {
        await _server.CreateAsync("orders");

        var (status, refusal) = await ResetAsync(body);

        Assert.Equal(expected, status);
        Assert.Equal(code, refusal.GetProperty("error_code").GetInt32());
        Assert.Empty(_server.Broker.CommittedOffsets("billing"));
    }

    [Theory]
    [InlineData("/groups/none/offsets", 404)]
    [InlineData("/groups/billing/offsets?partition=0", 400)]
    [InlineData("/groups/billing/offsets?topic=orders&partition=x", 400)]
    [InlineData("/groups/billing/offsets?topic=unknown", 204)]
    [InlineData("/groups/billing/members/w9", 404)]
    [InlineData("/groups/billing/members/a%20b", 422)]
    public async Task What_is_not_there_cannot_be_taken_away(string path, int expected)
    {
        await _server.CreateAsync("orders");
        await ResetAsync("""{"to":"earliest","topics":["orders"]}""");

        var (status, _, _) = await _server.SendAsync(HttpMethod.Delete, path, null);

        Assert.Equal(expected, status);
    }

    private async Task<(int Status, JsonElement Body)> ResetAsync(string body)
    {
        var (status, answer, _) = await _server.SendAsync(HttpMethod.Put, "/groups/billing/offsets", body);
        return (status, answer);
    }
}
