using RestStream.Broker.Groups;

namespace RestStream.Broker.Tests.Groups;

/// <summary>Joining and waiting as tests do it: nobody runs out of patience, because the clock stands still.</summary>
internal static class GroupMembers
{
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    public static IGroupConsumer Join(this TestBroker test, string group, string? instanceId, string assignor, params string[] topics) => test.Broker.JoinGroup(new GroupJoin
    {
        Group = group,
        InstanceId = instanceId,
        Topics = topics,
        Assignors = [assignor],
    });

    public static async Task<IGroupConsumer> JoinedAsync(this TestBroker test, string group, string? instanceId, params string[] topics)
    {
        var member = test.Join(group, instanceId, "range", topics);
        Assert.True(await member.ReadyAsync(Long, default));
        return member;
    }

    /// <summary>All of them come whenever the group wants them, until it wants nobody any more.</summary>
    public static async Task AllReadyAsync(params IReadOnlyList<IGroupConsumer> members)
    {
        var calls = members.Select(m => m.ReadyAsync(Long, default).AsTask()).ToArray();
        while (true)
        {
            var waiting = calls.Where(c => !c.IsCompleted).ToArray();
            if (waiting.Length > 0)
                await Task.WhenAny([.. waiting, .. members.Where((_, i) => calls[i].IsCompleted).Select(m => m.RebalanceWanted)]);
            else if (!members.Any(m => m.RebalanceWanted.IsCompleted))
                return;
            for (var i = 0; i < calls.Length; i++)
            {
                if (!calls[i].IsCompleted)
                    continue;
                Assert.True(await calls[i]);
                if (members[i].RebalanceWanted.IsCompleted)
                    calls[i] = members[i].ReadyAsync(Long, default).AsTask();
            }
        }
    }

    public static string[] Names(this IGroupConsumer member) => [.. member.Assignment.Partitions.Select(p => p.ToString())];

    public static Task<IReadOnlyList<RefusedCommit>> CommitAsync(this IGroupConsumer member, string topic, int partition, long offset, int generation = -1) =>
        member.CommitAsync([new OffsetCommit(new(topic, partition), offset)], generation, default);

    public static Task CommitAsync(this TestBroker test, string group, string topic, int partition, long offset, string metadata = "") =>
        test.Broker.CommitOffsetsAsync(group, [new OffsetCommit(new(topic, partition), offset, metadata)], default);

    public static long? Committed(this TestBroker test, string group, string topic, int partition = 0) => test.Broker.CommittedOffset(group, new(topic, partition))?.Offset;
}
