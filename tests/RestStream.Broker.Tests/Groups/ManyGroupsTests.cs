using RestStream.Broker.Groups;

namespace RestStream.Broker.Tests.Groups;

/// <summary>What the whole process holds is measured, so no other test may run meanwhile.</summary>
[Collection(nameof(AppendAllocationTests))]
public sealed class ManyGroupsTests
{
    [Fact]
    public async Task Ten_thousand_groups_with_a_member_and_an_offset_each_cost_a_bounded_part_of_memory()
    {
        const int Groups = 10_000;
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1);
        await test.JoinedAsync("first", "w", "t");
        var (before, timers) = (GC.GetTotalMemory(forceFullCollection: true), test.Clock.ArmedTimers);

        // At most so many at a time, as connections would.
        var members = new IGroupConsumer[Groups - 1];
        await Parallel.ForAsync(0, members.Length, new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (i, _) =>
        {
            members[i] = await test.JoinedAsync($"group-{i}", "w", "t");
            Assert.Empty(await members[i].CommitAsync("t", 0, i));
        });

        var perGroup = (GC.GetTotalMemory(forceFullCollection: true) - before) / Groups;
        Assert.True(perGroup < 8 * 1024, $"{perGroup} bytes a group");
        Assert.Equal(timers, test.Clock.ArmedTimers);
        Assert.Equal(Groups, test.Broker.ListGroups(null, int.MaxValue).Count);
        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => test.CommitAsync("one-too-many", "t", 0, 1))).Code);
        await test.RestartAsync();
        Assert.Equal(Groups, test.Broker.ListGroups(null, int.MaxValue).Count(g => g.Members == 1));
        Assert.Equal(77, test.Committed("group-77", "t"));
        GC.KeepAlive(members);
    }

    [Fact]
    public async Task A_hundred_members_are_balanced_in_one_round_when_another_one_comes()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 200);
        var members = Enumerable.Range(0, 100).Select(i => test.Join("g", $"w{i:D3}", "range", "t")).ToList();
        await GroupMembers.AllReadyAsync(members);
        Assert.All(members, m => Assert.Equal(2, m.Assignment.Partitions.Count));
        var generation = members[0].Assignment.Generation;

        members.Add(test.Join("g", "w100", "range", "t"));
        await GroupMembers.AllReadyAsync(members);

        Assert.All(members, m => Assert.Equal(generation + 1, m.Assignment.Generation));
        Assert.Equal(200, members.SelectMany(m => m.Assignment.Partitions).Distinct().Count());
    }
}
