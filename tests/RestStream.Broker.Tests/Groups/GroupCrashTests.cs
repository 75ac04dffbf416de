using RestStream.Broker.Groups;
using RestStream.Storage;
using RestStream.TestKit;
using RestStream.TestKit.Disks;

namespace RestStream.Broker.Tests.Groups;

/// <summary>The machine stops at every single step that commits and rebalances take on the disk, with the page cache lost or kept.</summary>
public sealed class GroupCrashTests
{
    private const string Topic = "t";
    private static readonly TopicPartition s_first = new(Topic, 0), s_second = new(Topic, 1);

    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_acknowledged_commit_is_there_after_a_crash_at_any_step(bool powerCut)
    {
        var prepared = await PrepareAsync();
        var crashes = 0;
        for (var step = 1; ; step++)
        {
            var disk = prepared.Restart();
            var (acknowledged, attempted, done) = await CrashAsync(disk, step);
            var after = powerCut ? disk.Reboot(step) : disk.Restart();
            await CheckAsync(after, acknowledged, attempted, $"step {step}");
            if (done)
                break;
            crashes++;
        }

        Assert.InRange(crashes, 10, 1000);
    }

    [Fact]
    public async Task An_offset_above_what_a_power_cut_left_of_an_unflushed_topic_goes_back_to_its_end()
    {
        var disk = new SimulatedDisk();
        var before = await TestBroker.StartAsync(files: disk, clock: _clock, folder: "/data");
        await before.CreateAsync("kept", 1);
        await before.CreateAsync(Topic, 1, ("reststream.durability", "os"));
        foreach (var topic in new[] { "kept", Topic })
        {
            for (var i = 0; i < 10; i++)
                await before.ProduceAsync(topic, 0, $"{i}");
            await before.CommitAsync("g", topic, 0, 10, "note");
        }

        var cut = disk.Reboot(seed: 1);
        await using var after = await TestBroker.StartAsync(files: cut, clock: _clock, folder: "/data");

        var end = after.Broker.DescribeTopic(Topic).Partitions[0].HighWatermark;
        Assert.InRange(end, 0, 9);
        Assert.Equal(end, after.Committed("g", Topic));
        Assert.Equal("note", after.Broker.CommittedOffset("g", s_first)!.Value.Metadata);
        Assert.Equal(10, after.Committed("g", "kept"));
        await after.RestartAsync();
        Assert.Equal((end, 10), (after.Committed("g", Topic), after.Committed("g", "kept")));
        await before.DisposeAsync();
    }

    [Fact]
    public async Task A_full_disk_refuses_commits_and_rebalances_and_both_go_on_when_there_is_room()
    {
        var disk = new SimulatedDisk();
        await using var test = await TestBroker.StartAsync(files: disk, clock: _clock, folder: "/data");
        await test.CreateAsync(Topic, 2);
        var member = await test.JoinedAsync("g", "w1", Topic);
        Assert.Empty(await member.CommitAsync([new OffsetCommit(s_first, 0)], -1, default));

        // So much room is reserved already that it takes many commits to find the disk full.
        disk.CapacityBytes = 1;
        using var room = new Room(disk);
        var acknowledged = 0L;
        await Assert.ThrowsAsync<BrokerException>(() => FillAsync(4000));
        var refusal = await Assert.ThrowsAsync<BrokerException>(() => FillAsync(0));
        var second = test.Join("g", "w2", "range", Topic);
        var rebalance = await Assert.ThrowsAsync<BrokerException>(() => GroupMembers.AllReadyAsync(member, second));

        Assert.Equal((ErrorCode.DiskFull, ErrorCode.DiskFull), (refusal.Code, rebalance.Code));
        Assert.True(acknowledged > 0);
        Assert.Equal(acknowledged, test.Committed("g", Topic));

        room.Dispose();
        await ReadyOnceThereIsRoomAsync();
        Assert.Equal([s_first], member.Assignment.Partitions);
        Assert.Empty(await member.CommitAsync([new OffsetCommit(s_first, acknowledged + 1)], -1, default));
        Assert.Equal(acknowledged + 1, test.Committed("g", Topic));

        // A join that was under way when the room came may still be told of the full disk; whoever asks again is served.
        async Task ReadyOnceThereIsRoomAsync()
        {
            for (var attempts = 1; ; attempts++)
            {
                try
                {
                    await GroupMembers.AllReadyAsync(member, second);
                    return;
                }
                catch (BrokerException full) when (full.Code == ErrorCode.DiskFull && attempts <= 3)
                {
                }
            }
        }

        async Task FillAsync(int metadata)
        {
            for (var left = 100_000; left > 0; left--)
            {
                await member.CommitAsync([new OffsetCommit(s_first, acknowledged + 1, new string('x', metadata))], -1, default);
                acknowledged++;
            }
        }
    }

    /// <summary>A topic, and a group of which the log knows already.</summary>
    private async Task<SimulatedDisk> PrepareAsync()
    {
        var disk = new SimulatedDisk();
        await using var test = await TestBroker.StartAsync(files: disk, clock: _clock, folder: "/data");
        await test.CreateAsync(Topic, 2);
        await test.CommitAsync("g", Topic, 0, 1);
        await test.StopAsync();
        return disk;
    }

    /// <summary>Runs the story until the disk stops; says what was acknowledged and what was asked for, per partition.</summary>
    private async Task<(Dictionary<TopicPartition, long> Acknowledged, Dictionary<TopicPartition, long> Attempted, bool Done)> CrashAsync(SimulatedDisk disk, int step)
    {
        var acknowledged = new Dictionary<TopicPartition, long> { [s_first] = 1 };
        var attempted = new Dictionary<TopicPartition, long>(acknowledged);
        var test = await TestBroker.StartAsync(files: disk, clock: _clock, folder: "/data");
        disk.CrashAt(disk.Operations + step, seed: step);
        var done = false;
        try
        {
            var one = await test.JoinedAsync("g", "one", Topic);
            await CommitAsync(one, s_first, 10);
            await CommitAsync(one, s_second, 20);
            var two = test.Join("g", "two", "range", Topic);
            await GroupMembers.AllReadyAsync(one, two);
            await CommitAsync(one, s_first, 11);
            await CommitAsync(two, s_second, 21);
            await two.LeaveAsync();
            Assert.True(await one.ReadyAsync(GroupMembers.Long, default));
            await CommitAsync(one, s_second, 22);
            await one.LeaveAsync();
            done = test.Broker.Health.WritesStoppedReason is null;
        }
        catch (Exception e) when (e is BrokerException or StorageException or IOException or SimulatedCrash)
        {
        }

        try
        {
            await test.StopAsync();
        }
        catch (Exception e) when (e is StorageException or IOException or SimulatedCrash or AggregateException)
        {
        }

        return (acknowledged, attempted, done);

        async Task CommitAsync(IGroupConsumer member, TopicPartition partition, long offset)
        {
            attempted[partition] = offset;
            Assert.Empty(await member.CommitAsync([new OffsetCommit(partition, offset)], -1, default));
            acknowledged[partition] = offset;
        }
    }

    private async Task CheckAsync(SimulatedDisk disk, Dictionary<TopicPartition, long> acknowledged, Dictionary<TopicPartition, long> attempted, string step)
    {
        await using var test = await TestBroker.StartAsync(files: disk, clock: _clock, folder: "/data");
        Assert.Empty(test.Broker.Health.Damaged);
        foreach (var (partition, asked) in attempted)
        {
            var found = test.Committed("g", Topic, partition.Partition) ?? -1;
            Assert.True(found == acknowledged.GetValueOrDefault(partition, -1) || found == asked, $"{step}: {partition} has {found}, {acknowledged.GetValueOrDefault(partition, -1)} was acknowledged.");
        }

        // Life goes on, with members that come back under their names and with new ones.
        var members = new[] { "one", "two", "three" }.Select(name => test.Join("g", name, "range", Topic)).ToList();
        await GroupMembers.AllReadyAsync(members);
        Assert.Equal([s_first, s_second], members.SelectMany(m => m.Assignment.Partitions).OrderBy(p => p.Partition));
        var owner = members.Single(m => m.Assignment.Partitions.Contains(s_first));
        Assert.Empty(await owner.CommitAsync([new OffsetCommit(s_first, 100)], -1, default));
        Assert.Equal(100, test.Committed("g", Topic));
    }

    /// <summary>Makes room on the disk again, after a failed test too, or it could not stop.</summary>
    private sealed class Room(SimulatedDisk disk) : IDisposable
    {
        public void Dispose() => disk.CapacityBytes = long.MaxValue;
    }
}
