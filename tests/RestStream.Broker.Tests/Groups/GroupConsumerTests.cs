using RestStream.Broker.Groups;
using RestStream.Broker.Groups.Classic;
using RestStream.Broker.Groups.Formats;
using RestStream.Storage;

namespace RestStream.Broker.Tests.Groups;

public sealed class GroupConsumerTests : IAsyncLifetime
{
    private TestBroker _test = null!;

    public async Task InitializeAsync()
    {
        _test = await TestBroker.StartAsync();
        await _test.CreateAsync("orders", 4);
    }

    public async Task DisposeAsync() => await _test.DisposeAsync();

    [Fact]
    public async Task The_only_member_owns_every_partition()
    {
        var member = _test.Join("g", "w1", "range", "orders");
        Assert.Equal(("", -1, 0), (member.MemberId, member.Assignment.Generation, member.Assignment.Partitions.Count));

        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));

        Assert.Equal(["orders-0", "orders-1", "orders-2", "orders-3"], member.Names());
        Assert.Equal(1, member.Assignment.Generation);
        Assert.StartsWith("w1-", member.MemberId);
        Assert.False(member.RebalanceWanted.IsCompleted);
    }

    [Fact]
    public async Task A_sign_of_life_changes_nothing_while_nothing_changes()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        var (assignment, wanted) = (member.Assignment, member.RebalanceWanted);

        Assert.True(await member.ReadyAsync(TimeSpan.Zero, default));

        Assert.Same(assignment, member.Assignment);
        Assert.Same(wanted, member.RebalanceWanted);
    }

    [Theory]
    [InlineData("range")]
    [InlineData("roundrobin")]
    [InlineData("sticky")]
    [InlineData("cooperative-sticky")]
    public async Task A_second_member_gets_its_share_as_soon_as_the_first_one_comes_back(string assignor)
    {
        var first = _test.Join("g", "w1", assignor, "orders");
        Assert.True(await first.ReadyAsync(GroupMembers.Long, default));
        var second = _test.Join("g", "w2", assignor, "orders");
        var coming = second.ReadyAsync(GroupMembers.Long, default).AsTask();
        await first.RebalanceWanted;
        Assert.False(coming.IsCompleted);

        await GroupMembers.AllReadyAsync(first, second);

        Assert.True(await coming);
        Assert.Equal(first.Assignment.Generation, second.Assignment.Generation);
        Assert.Equal((2, 2), (first.Assignment.Partitions.Count, second.Assignment.Partitions.Count));
        Assert.Equal(4, first.Names().Union(second.Names()).Count());
    }

    [Fact]
    public async Task A_cooperative_rebalance_has_two_rounds_and_an_eager_one_has_one()
    {
        foreach (var (assignor, rounds) in new[] { ("cooperative-sticky", 2), ("sticky", 1) })
        {
            var first = _test.Join($"g-{assignor}", "w1", assignor, "orders");
            Assert.True(await first.ReadyAsync(GroupMembers.Long, default));

            var second = _test.Join($"g-{assignor}", "w2", assignor, "orders");
            await GroupMembers.AllReadyAsync(first, second);

            Assert.Equal(1 + rounds, first.Assignment.Generation);
            Assert.Equal(2, second.Assignment.Partitions.Count);
        }
    }

    [Fact]
    public async Task A_member_that_waits_for_others_in_vain_is_told_so_and_may_ask_again()
    {
        var first = await _test.JoinedAsync("g", "w1", "orders");
        var second = _test.Join("g", "w2", "range", "orders");

        Assert.False(await second.ReadyAsync(TimeSpan.Zero, default));
        await first.RebalanceWanted;
        Assert.False(await second.ReadyAsync(TimeSpan.Zero, default));

        await GroupMembers.AllReadyAsync(first, second);
        Assert.Equal(2, second.Assignment.Partitions.Count);
    }

    [Fact]
    public async Task Partitions_go_to_the_others_when_a_member_leaves()
    {
        var first = await _test.JoinedAsync("g", "w1", "orders");
        var second = _test.Join("g", "w2", "range", "orders");
        await GroupMembers.AllReadyAsync(first, second);

        await second.LeaveAsync();

        Assert.True(first.RebalanceWanted.IsCompleted);
        Assert.True(await first.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(4, first.Assignment.Partitions.Count);
        Assert.Null(_test.Broker.FindGroupConsumer("g", "w2"));
    }

    [Fact]
    public async Task A_member_that_is_silent_for_its_session_timeout_loses_its_partitions()
    {
        var silent = await _test.JoinedAsync("g", "w1", "orders");
        _test.Clock.Advance(TimeSpan.FromSeconds(44));
        Assert.Single(_test.Broker.DescribeGroup("g").Members);

        _test.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Empty(_test.Broker.DescribeGroup("g").Members);
        Assert.True(silent.RebalanceWanted.IsCompleted);
        Assert.Equal(ErrorCode.UnknownMemberId, Assert.Single(await silent.CommitAsync("orders", 0, 5)).Reason);
    }

    [Fact]
    public async Task A_member_whose_session_ended_joins_again_under_its_name()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        _test.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Same(member, _test.Broker.FindGroupConsumer("g", "w1"));

        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));

        Assert.Equal(4, member.Assignment.Partitions.Count);
        Assert.Equal("w1", Assert.Single(_test.Broker.DescribeGroup("g").Members).InstanceId);
    }

    [Fact]
    public async Task A_member_is_forgotten_some_time_after_its_session_ended()
    {
        await _test.JoinedAsync("g", "w1", "orders");
        for (var minute = 0; minute < 7; minute++)
            _test.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Null(_test.Broker.FindGroupConsumer("g", "w1"));
    }

    [Fact]
    public async Task A_member_with_an_open_connection_is_alive_however_long_it_is_silent()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        var open = member.KeepAlive();
        for (var minute = 0; minute < 10; minute++)
            _test.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(_test.Broker.DescribeGroup("g").Members);

        open.Dispose();
        _test.Clock.Advance(TimeSpan.FromSeconds(44));
        Assert.Single(_test.Broker.DescribeGroup("g").Members);
        _test.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(_test.Broker.DescribeGroup("g").Members);
    }

    [Fact]
    public async Task Two_callers_with_one_name_share_the_membership()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");

        var again = _test.Join("g", "w1", "range", "orders");

        Assert.Same(member, again);
        Assert.Same(member, _test.Broker.FindGroupConsumer("g", "w1"));
        Assert.True(await again.ReadyAsync(TimeSpan.Zero, default));
        Assert.Null(_test.Broker.FindGroupConsumer("g", "w2"));
        Assert.Null(_test.Broker.FindGroupConsumer("other", "w1"));
    }

    [Fact]
    public async Task A_member_whose_name_another_client_took_is_told_so_and_does_not_take_it_back()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        var taker = new JoinGroupRequest
        {
            Group = "g",
            MemberId = "",
            InstanceId = "w1",
            ProtocolType = "consumer",
            Protocols = [new GroupProtocol("range", new ConsumerSubscription(["orders"], null, []).ToBytes())],
            SessionTimeoutMs = 10_000,
            RebalanceTimeoutMs = 10_000,
        };
        var taken = await _test.Broker.Groups.JoinAsync(taker);
        Assert.Null(taken.Error);
        Assert.True(member.RebalanceWanted.IsCompleted);

        var refusal = await Assert.ThrowsAsync<BrokerException>(() => member.ReadyAsync(GroupMembers.Long, default).AsTask());

        Assert.Equal(ErrorCode.FencedInstanceId, refusal.Code);
        Assert.Equal(ErrorCode.UnknownMemberId, Assert.Single(await member.CommitAsync("orders", 0, 5)).Reason);
        Assert.Null(_test.Broker.Groups.Heartbeat("g", taken.MemberId, "w1", taken.Generation));

        // Asking for the name anew is another matter: that one takes it.
        var again = await _test.JoinedAsync("g", "w1", "orders");
        Assert.Equal(4, again.Assignment.Partitions.Count);
        Assert.Equal(ErrorCode.FencedInstanceId, _test.Broker.Groups.Heartbeat("g", taken.MemberId, "w1", taken.Generation));
    }

    [Fact]
    public async Task The_first_rebalance_waits_for_more_members_when_it_is_told_to()
    {
        await using var test = await TestBroker.StartAsync(groups: new GroupOptions { InitialRebalanceDelay = TimeSpan.FromSeconds(3) });
        await test.CreateAsync("orders", 4);
        var first = test.Join("g", "w1", "range", "orders");
        var second = test.Join("g", "w2", "range", "orders");
        var calls = new[] { first.ReadyAsync(GroupMembers.Long, default).AsTask(), second.ReadyAsync(GroupMembers.Long, default).AsTask() };
        await TestWait.UntilAsync(() => test.Broker.ListGroups(null, 1) is [{ Members: 2 }]);

        // The second one came while the first one waited, so the wait is extended once.
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.DoesNotContain(calls, c => c.IsCompleted);
        test.Clock.Advance(TimeSpan.FromSeconds(3));

        Assert.All(await Task.WhenAll(calls), Assert.True);
        Assert.Equal((1, 1), (first.Assignment.Generation, second.Assignment.Generation));
        Assert.Equal((2, 2), (first.Assignment.Partitions.Count, second.Assignment.Partitions.Count));
    }

    [Fact]
    public async Task Members_without_a_name_are_told_apart()
    {
        var first = await _test.JoinedAsync("g", null, "orders");
        var second = _test.Join("g", null, "range", "orders");
        await GroupMembers.AllReadyAsync(first, second);

        Assert.NotEqual(first.MemberId, second.MemberId);
        Assert.StartsWith("http-", first.MemberId);
    }

    [Fact]
    public async Task Other_topics_are_assigned_at_the_next_sign_of_life()
    {
        await _test.CreateAsync("payments", 2);
        var member = await _test.JoinedAsync("g", "w1", "orders");

        member.Subscribe(["payments"], null);
        Assert.True(member.RebalanceWanted.IsCompleted);
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));

        Assert.Equal(["payments-0", "payments-1"], member.Names());
    }

    [Fact]
    public async Task A_topic_that_appears_grows_or_goes_is_balanced_anew()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders", "later");

        await _test.CreateAsync("later", 1);
        await member.RebalanceWanted;
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(5, member.Assignment.Partitions.Count);

        await _test.AlterAsync("later", 3);
        await member.RebalanceWanted;
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(7, member.Assignment.Partitions.Count);

        await _test.Broker.DeleteTopicAsync("later", default);
        await member.RebalanceWanted;
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(4, member.Assignment.Partitions.Count);

        await _test.CreateAsync("not-wanted");
        Assert.False(member.RebalanceWanted.IsCompleted);
    }

    [Fact]
    public async Task A_pattern_takes_in_every_public_topic_that_it_matches_now_and_later()
    {
        await _test.CreateAsync("order-items");
        await _test.CreateAsync("__orders-hidden");
        var member = _test.Broker.JoinGroup(new GroupJoin { Group = "g", InstanceId = "w1", TopicPattern = "order.*" });
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(["order-items-0", "orders-0", "orders-1", "orders-2", "orders-3"], member.Names());

        await _test.CreateAsync("order-notes");
        await _test.CreateAsync("reorders");

        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(["order-items-0", "order-notes-0", "orders-0", "orders-1", "orders-2", "orders-3"], member.Names());
    }

    [Fact]
    public async Task A_member_with_nothing_in_common_with_the_others_is_refused()
    {
        await _test.JoinedAsync("g", "w1", "orders");

        var refusal = await Assert.ThrowsAsync<BrokerException>(() => _test.Join("g", "w2", "roundrobin", "orders").ReadyAsync(GroupMembers.Long, default).AsTask());

        Assert.Equal(ErrorCode.InconsistentGroupProtocol, refusal.Code);
    }

    [Fact]
    public void Joins_that_make_no_sense_are_refused_at_once()
    {
        Assert.Equal(ErrorCode.InvalidGroupId, Refusal(new GroupJoin { Group = "a\nb" }));
        Assert.Equal(ErrorCode.InvalidGroupId, Refusal(new GroupJoin { Group = "" }));
        Assert.Equal(ErrorCode.InvalidGroupId, Refusal(new GroupJoin { Group = new string('ä', 16_001) }));
        Assert.Equal(ErrorCode.InvalidSessionTimeout, Refusal(new GroupJoin { Group = "g", SessionTimeout = TimeSpan.FromMilliseconds(999) }));
        Assert.Equal(ErrorCode.InvalidSessionTimeout, Refusal(new GroupJoin { Group = "g", SessionTimeout = TimeSpan.FromMinutes(31) }));
        Assert.Equal(ErrorCode.InvalidRequest, Refusal(new GroupJoin { Group = "g", TopicPattern = "(" }));
        Assert.Equal(ErrorCode.InvalidRequest, Refusal(new GroupJoin { Group = "g", Assignors = ["uniform"] }));
        Assert.Equal(ErrorCode.InvalidRequest, Refusal(new GroupJoin { Group = "g", Assignors = [] }));
        Assert.Equal(ErrorCode.InvalidRequest, Refusal(new GroupJoin { Group = "g", InstanceId = "" }));
        Assert.Equal(ErrorCode.InvalidTopic, Refusal(new GroupJoin { Group = "g", Topics = ["a b"] }));
        Assert.Empty(_test.Broker.ListGroups(null, 10));

        ErrorCode Refusal(GroupJoin join) => Assert.Throws<BrokerException>(() => _test.Broker.JoinGroup(join)).Code;
    }

    [Fact]
    public async Task A_named_member_is_found_again_after_a_restart_with_its_place_and_no_rebalance()
    {
        var member = _test.Join("g", "w1", "range", "orders");
        var other = _test.Join("g", "w2", "range", "orders");
        await GroupMembers.AllReadyAsync(member, other);
        await member.CommitAsync([new OffsetCommit(member.Assignment.Partitions[0], 7, "seen")], -1, default);
        var (id, assignment) = (member.MemberId, member.Assignment);
        await _test.RestartAsync();

        var again = _test.Broker.FindGroupConsumer("g", "w1");

        Assert.NotNull(again);
        Assert.Equal((id, assignment.Generation), (again.MemberId, again.Assignment.Generation));
        Assert.Equal(assignment.Partitions, again.Assignment.Partitions);
        Assert.True(await again.ReadyAsync(TimeSpan.Zero, default));
        Assert.Equal(assignment.Generation, again.Assignment.Generation);
        Assert.Same(again, _test.Join("g", "w1", "range", "orders"));
        Assert.Equal((7, "seen"), _test.Broker.CommittedOffset("g", assignment.Partitions[0]) is { } found ? (found.Offset, found.Metadata) : default);
        Assert.Empty(await again.CommitAsync([new OffsetCommit(assignment.Partitions[0], 8)], assignment.Generation, default));
        Assert.Equal(2, _test.Broker.DescribeGroup("g").Members.Count);

        // The other one never comes back; its session began with the start.
        for (var s = 0; s < 50; s += 5)
        {
            Assert.Equal(s < 45, _test.Broker.DescribeGroup("g").Members.Count == 2);
            again.KeepAlive().Dispose();
            _test.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.True(await again.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(4, again.Assignment.Partitions.Count);
    }

    [Fact]
    public async Task A_pattern_is_remembered_over_a_restart()
    {
        var member = _test.Broker.JoinGroup(new GroupJoin { Group = "g", InstanceId = "w1", TopicPattern = "order.*" });
        Assert.True(await member.ReadyAsync(GroupMembers.Long, default));
        await _test.RestartAsync();

        var again = _test.Broker.FindGroupConsumer("g", "w1")!;
        await _test.CreateAsync("orders2");
        Assert.True(await again.ReadyAsync(GroupMembers.Long, default));

        Assert.Contains(new TopicPartition("orders2", 0), again.Assignment.Partitions);
    }
}
