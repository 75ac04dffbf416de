using RestStream.Broker.Groups;

namespace RestStream.Broker.Tests.Groups;

public sealed class GroupTests : IAsyncLifetime
{
    private TestBroker _test = null!;

    public async Task InitializeAsync()
    {
        _test = await TestBroker.StartAsync(groups: new GroupOptions { MaxGroups = 3, MaxGroupSize = 2 });
        await _test.CreateAsync("orders", 2);
    }

    public async Task DisposeAsync() => await _test.DisposeAsync();

    [Fact]
    public async Task A_description_shows_members_with_what_they_want_and_have()
    {
        var first = await _test.JoinedAsync("g", "w1", "orders");
        var second = _test.Join("g", null, "range", "orders");
        await GroupMembers.AllReadyAsync(first, second);

        var group = _test.Broker.DescribeGroup("g");

        Assert.Equal(("g", GroupState.Stable, "consumer", "range", 2, first.MemberId), (group.Group, group.State, group.ProtocolType, group.Protocol, group.Generation, group.LeaderId));
        Assert.Equal([(first.MemberId, "w1", "http"), (second.MemberId, null, "http")], group.Members.Select(m => (m.MemberId, m.InstanceId, m.ClientId)));
        Assert.Equal([("orders", "orders-0"), ("orders", "orders-1")], group.Members.Select(m => (m.Topics.Single(), m.Assignment.Single().ToString())).OrderBy(m => m.Item2));
        Assert.Equal(ErrorCode.GroupIdNotFound, Assert.Throws<BrokerException>(() => _test.Broker.DescribeGroup("nobody")).Code);
        Assert.Equal(ErrorCode.InvalidGroupId, Assert.Throws<BrokerException>(() => _test.Broker.DescribeGroup("no\nbody")).Code);
    }

    [Fact]
    public async Task Groups_are_listed_in_order_page_by_page()
    {
        await _test.CommitAsync("b", "orders", 0, 1);
        await _test.JoinedAsync("a", "w1", "orders");
        await _test.CommitAsync("B", "orders", 0, 1);

        Assert.Equal(["B", "a", "b"], _test.Broker.ListGroups(null, 10).Select(g => g.Group));
        Assert.Equal(["a"], _test.Broker.ListGroups("B", 1).Select(g => g.Group));
        Assert.Equal(["b"], _test.Broker.ListGroups("aa", 10).Select(g => g.Group));
        Assert.Equal(new GroupListing("a", GroupState.Stable, "consumer", 1), _test.Broker.ListGroups("B", 1)[0]);
    }

    [Fact]
    public async Task A_deleted_group_is_gone_with_its_offsets_and_may_begin_anew()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        await member.CommitAsync("orders", 0, 5);
        Assert.Equal(ErrorCode.NonEmptyGroup, (await Assert.ThrowsAsync<BrokerException>(() => _test.Broker.DeleteGroupAsync("g", default))).Code);
        await member.LeaveAsync();

        await _test.Broker.DeleteGroupAsync("g", default);

        Assert.Empty(_test.Broker.ListGroups(null, 10));
        Assert.Equal(ErrorCode.GroupIdNotFound, (await Assert.ThrowsAsync<BrokerException>(() => _test.Broker.DeleteGroupAsync("g", default))).Code);
        await _test.RestartAsync();
        Assert.Empty(_test.Broker.ListGroups(null, 10));
        var again = await _test.JoinedAsync("g", "w1", "orders");
        Assert.Equal(1, again.Assignment.Generation);
        Assert.Null(_test.Committed("g", "orders"));
    }

    [Fact]
    public async Task No_more_groups_and_members_than_the_settings_allow()
    {
        await _test.CommitAsync("a", "orders", 0, 1);
        await _test.CommitAsync("b", "orders", 0, 1);
        var first = await _test.JoinedAsync("c", "w1", "orders");

        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => _test.CommitAsync("d", "orders", 0, 1))).Code);
        Assert.Equal(ErrorCode.LimitReached, Assert.Throws<BrokerException>(() => _test.Join("d", "w1", "range", "orders")).Code);
        await _test.CommitAsync("a", "orders", 0, 2);

        await GroupMembers.AllReadyAsync(first, _test.Join("c", "w2", "range", "orders"));
        Assert.Equal(
            ErrorCode.GroupMaxSizeReached,
            (await Assert.ThrowsAsync<BrokerException>(() => _test.Join("c", "w3", "range", "orders").ReadyAsync(GroupMembers.Long, default).AsTask())).Code);
    }

    [Fact]
    public async Task Offsets_of_an_empty_group_are_forgotten_a_week_after_its_last_member_left()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        await member.CommitAsync("orders", 0, 5);
        DaysPass(8, member);
        await member.LeaveAsync();

        DaysPass(6);
        Assert.Equal(5, _test.Committed("g", "orders"));
        DaysPass(2);

        await TestWait.UntilAsync(() => _test.Broker.ListGroups(null, 10).Count == 0);
        Assert.Null(_test.Committed("g", "orders"));
        await _test.RestartAsync();
        Assert.Empty(_test.Broker.ListGroups(null, 10));
    }

    [Fact]
    public async Task Offsets_of_a_group_that_never_had_members_are_forgotten_a_week_after_their_commit()
    {
        await _test.CommitAsync("g", "orders", 0, 5);
        DaysPass(4);
        await _test.CommitAsync("g", "orders", 1, 6);
        DaysPass(4);
        await TestWait.UntilAsync(() => _test.Committed("g", "orders") is null);
        Assert.Equal(6, _test.Committed("g", "orders", 1));

        DaysPass(4);

        await TestWait.UntilAsync(() => _test.Broker.ListGroups(null, 10).Count == 0);
    }

    [Fact]
    public async Task Members_forget_only_topics_that_they_no_longer_read()
    {
        await _test.CreateAsync("former");
        await _test.CommitAsync("g", "former", 0, 5);
        var member = await _test.JoinedAsync("g", "w1", "orders");
        await member.CommitAsync("orders", 0, 5);

        DaysPass(8, member);

        await TestWait.UntilAsync(() => _test.Committed("g", "former") is null);
        Assert.Equal(5, _test.Committed("g", "orders"));
    }

    /// <summary>In steps in which the member, if there is one, lives on.</summary>
    private void DaysPass(int days, IGroupConsumer? member = null)
    {
        using var alive = member?.KeepAlive();
        for (var hour = 0; hour < days * 24; hour += 12)
            _test.Clock.Advance(TimeSpan.FromHours(12));
        _test.Broker.Groups.ExpireOffsets();
    }
}
