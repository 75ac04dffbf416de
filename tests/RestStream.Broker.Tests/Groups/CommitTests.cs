using RestStream.Broker.Groups;
using RestStream.Broker.Topics;

namespace RestStream.Broker.Tests.Groups;

public sealed class CommitTests : IAsyncLifetime
{
    private TestBroker _test = null!;

    public async Task InitializeAsync()
    {
        _test = await TestBroker.StartAsync();
        await _test.CreateAsync("orders", 2);
    }

    public async Task DisposeAsync() => await _test.DisposeAsync();

    [Fact]
    public async Task A_committed_offset_is_there_at_once_and_after_a_restart()
    {
        await _test.CommitAsync("g", "orders", 1, 42, "note");
        var committed = _test.Broker.CommittedOffset("g", new("orders", 1));

        await _test.RestartAsync();

        Assert.Equal(new CommittedOffset(new("orders", 1), 42, "note", _test.Clock.GetUtcNow().ToUnixTimeMilliseconds()), committed);
        Assert.Equal(committed, _test.Broker.CommittedOffset("g", new("orders", 1)));
        Assert.Null(_test.Broker.CommittedOffset("g", new("orders", 0)));
        Assert.Equal([committed!.Value], _test.Broker.CommittedOffsets("g"));
        Assert.Equal(new GroupListing("g", GroupState.Empty, "", 0), Assert.Single(_test.Broker.ListGroups(null, 10)));
    }

    [Fact]
    public async Task An_operator_may_set_an_offset_back_but_not_while_there_are_members()
    {
        await _test.CommitAsync("g", "orders", 0, 42);
        await _test.CommitAsync("g", "orders", 0, 7);
        Assert.Equal(7, _test.Committed("g", "orders"));

        var member = await _test.JoinedAsync("g", "w1", "orders");
        Assert.Equal(ErrorCode.NonEmptyGroup, (await Assert.ThrowsAsync<BrokerException>(() => _test.CommitAsync("g", "orders", 0, 1))).Code);
        await member.LeaveAsync();
        await _test.CommitAsync("g", "orders", 0, 1);
        Assert.Equal(1, _test.Committed("g", "orders"));
    }

    [Fact]
    public async Task A_repeated_or_earlier_commit_of_a_member_is_passed_over_in_silence()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        Assert.Empty(await member.CommitAsync("orders", 0, 10));

        Assert.Empty(await member.CommitAsync("orders", 0, 10));
        Assert.Empty(await member.CommitAsync("orders", 0, 3));

        Assert.Equal(10, _test.Committed("g", "orders"));
        await _test.RestartAsync();
        Assert.Equal(10, _test.Committed("g", "orders"));
    }

    [Fact]
    public async Task A_member_that_goes_back_on_purpose_is_followed()
    {
        var member = await _test.JoinedAsync("g", "w1", "orders");
        Assert.Empty(await member.CommitAsync("orders", 0, 10));

        Assert.Empty(await member.CommitAsync([new OffsetCommit(new("orders", 0), 3, MayGoBack: true)], member.Assignment.Generation, default));

        Assert.Equal(3, _test.Committed("g", "orders"));
        await _test.RestartAsync();
        Assert.Equal(3, _test.Committed("g", "orders"));
    }

    [Fact]
    public async Task A_partition_that_another_member_owned_since_is_refused_and_the_others_are_taken()
    {
        var first = await _test.JoinedAsync("g", "w1", "orders");
        var before = first.Assignment.Generation;
        var second = _test.Join("g", "w2", "range", "orders");
        await GroupMembers.AllReadyAsync(first, second);
        Assert.Equal(["orders-0"], first.Names());

        var refused = await first.CommitAsync([new(new("orders", 0), 5), new(new("orders", 1), 6), new(new("nowhere", 0), 7)], before, default);

        Assert.Equal(
            [new RefusedCommit(new("orders", 1), 6, ErrorCode.IllegalGeneration), new RefusedCommit(new("nowhere", 0), 7, ErrorCode.UnknownTopicOrPartition)], refused);
        Assert.Equal((5, null), (_test.Committed("g", "orders"), _test.Committed("g", "orders", 1)));

        // The other one never had it then.
        Assert.Equal(ErrorCode.IllegalGeneration, Assert.Single(await second.CommitAsync("orders", 1, 9, before)).Reason);
        Assert.Empty(await second.CommitAsync("orders", 1, 9, second.Assignment.Generation));

        await second.LeaveAsync();
        Assert.True(await first.ReadyAsync(GroupMembers.Long, default));
        Assert.Equal(ErrorCode.IllegalGeneration, Assert.Single(await first.CommitAsync("orders", 1, 10, before)).Reason);
        Assert.Empty(await first.CommitAsync("orders", 0, 10, before));
    }

    [Fact]
    public async Task A_member_may_commit_what_it_has_in_hand_while_the_group_is_called_together()
    {
        var first = await _test.JoinedAsync("g", "w1", "orders");
        var second = _test.Join("g", "w2", "range", "orders");
        var coming = second.ReadyAsync(GroupMembers.Long, default).AsTask();
        await first.RebalanceWanted;
        Assert.Equal(GroupState.PreparingRebalance, _test.Broker.DescribeGroup("g").State);

        Assert.Empty(await first.CommitAsync("orders", 1, 5, first.Assignment.Generation));

        Assert.True(await first.ReadyAsync(GroupMembers.Long, default));
        Assert.True(await coming);
        Assert.Equal(5, _test.Committed("g", "orders", 1));
    }

    [Fact]
    public async Task Commits_that_no_group_could_take_are_refused()
    {
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await RefusalAsync("g", new(new("nowhere", 0), 1)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await RefusalAsync("g", new(new("orders", 2), 1)));
        Assert.Equal(ErrorCode.InvalidRequest, await RefusalAsync("g", new(new("orders", 0), -1)));
        Assert.Equal(ErrorCode.OffsetMetadataTooLarge, await RefusalAsync("g", new(new("orders", 0), 1, new string('x', 4097))));
        Assert.Equal(ErrorCode.OffsetMetadataTooLarge, await RefusalAsync("g", new(new("orders", 0), 1, new string('ä', 2049))));
        Assert.Equal(ErrorCode.InvalidGroupId, await RefusalAsync("a\nb", new(new("orders", 0), 1)));
        Assert.Empty(_test.Broker.ListGroups(null, 10));
        await _test.CommitAsync("g", "orders", 0, 1, new string('ä', 2048));

        async Task<ErrorCode> RefusalAsync(string group, OffsetCommit offset) =>
            (await Assert.ThrowsAsync<BrokerException>(() => _test.Broker.CommitOffsetsAsync(group, [offset], default))).Code;
    }

    [Fact]
    public async Task A_group_may_have_any_text_for_a_name_and_is_there_after_a_restart()
    {
        string[] names = ["connect-a b/50%..", "connect-äöü-漢字-😀", "connect-" + new string('x', 31_992)];
        foreach (var (name, i) in names.Select((name, i) => (name, i)))
            await _test.CommitAsync(name, "orders", 0, i);

        await _test.RestartAsync();

        Assert.Equal([0L, 1L, 2L], names.Select(name => _test.Committed(name, "orders", 0)));
    }

    [Fact]
    public async Task A_deleted_topic_takes_its_offsets_along_and_a_new_one_of_that_name_begins_without()
    {
        await _test.CommitAsync("g", "orders", 0, 5);
        await _test.CreateAsync("other");
        await _test.CommitAsync("g", "other", 0, 6);

        await _test.Broker.DeleteTopicAsync("orders", default);
        Assert.Null(_test.Committed("g", "orders"));
        await _test.CreateAsync("orders", 2);
        Assert.Null(_test.Committed("g", "orders"));
        await _test.RestartAsync();

        Assert.Null(_test.Committed("g", "orders"));
        Assert.Equal(6, _test.Committed("g", "other"));
        await _test.CommitAsync("g", "orders", 0, 1);
        Assert.Equal(1, _test.Committed("g", "orders"));
    }

    [Fact]
    public async Task Offsets_can_be_forgotten_unless_their_topic_is_being_read()
    {
        await _test.CreateAsync("other");
        await _test.CommitAsync("g", "orders", 0, 5);
        await _test.CommitAsync("g", "other", 0, 6);
        var member = await _test.JoinedAsync("g", "w1", "orders");

        await _test.Broker.DeleteOffsetsAsync("g", [new("other", 0)], default);
        var refusal = await Assert.ThrowsAsync<BrokerException>(() => _test.Broker.DeleteOffsetsAsync("g", [new("orders", 0)], default));

        Assert.Equal(ErrorCode.GroupSubscribedToTopic, refusal.Code);
        Assert.Equal((5, null), (_test.Committed("g", "orders"), _test.Committed("g", "other")));
        await member.LeaveAsync();
        await _test.Broker.DeleteOffsetsAsync("g", [new("orders", 0)], default);
        await _test.RestartAsync();
        Assert.Empty(_test.Broker.CommittedOffsets("g"));
        Assert.Equal(ErrorCode.GroupIdNotFound, (await Assert.ThrowsAsync<BrokerException>(() => _test.Broker.DeleteOffsetsAsync("nobody", [new("orders", 0)], default))).Code);
    }

    [Fact]
    public async Task Nobody_but_the_coordinator_changes_the_topic_of_offsets()
    {
        await _test.CommitAsync("g", "orders", 0, 5);
        const string topic = TopicNames.ConsumerOffsets;

        Assert.Equal("compact", _test.Broker.DescribeTopic(topic).OverriddenConfigs["cleanup.policy"]);
        Assert.DoesNotContain(_test.Broker.ListTopics(null, 10, false), t => t.Name == topic);
        await RefusedAsync(() => _test.ProduceAsync(topic, 0, "x").AsTask());
        await RefusedAsync(() => _test.AlterAsync(topic, 10));
        await RefusedAsync(() => _test.Broker.DeleteTopicAsync(topic, default));
        await RefusedAsync(() => _test.CreateAsync(topic));
        await RefusedAsync(() => _test.Broker.TruncateAsync(topic, new Dictionary<int, long> { [0] = 0 }, default));

        async Task RefusedAsync(Func<Task> change) => Assert.Equal(ErrorCode.InvalidTopic, (await Assert.ThrowsAsync<BrokerException>(change)).Code);
    }
}
