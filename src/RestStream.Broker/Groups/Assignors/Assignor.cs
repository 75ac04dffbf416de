using RestStream.Storage;

namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// Divides the partitions of the subscribed topics among the members of a group, as the assignor of the same name of Kafka's consumer does (without racks).
/// Every partition with a subscriber goes to exactly one of them. Without state: what members owned is part of the question. Safe on any thread.
/// </summary>
internal abstract class Assignor
{
    private static readonly Assignor[] All = [new RangeAssignor(), new RoundRobinAssignor(), new StickyAssignor(cooperative: false), new StickyAssignor(cooperative: true)];

    /// <summary>The names that <see cref="Find"/> knows, the default first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(a => a.Name)];

    /// <summary>What Kafka calls it in <c>partition.assignment.strategy</c> on the wire.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Members keep reading during the rebalance what they owned before it. A partition that goes to another member is then free only one rebalance later,
    /// which is wanted as soon as members have given up what they no longer own.
    /// </summary>
    public virtual bool Cooperative => false;

    /// <summary>Null when no assignor has the name.</summary>
    public static Assignor? Find(string name) => Array.Find(All, a => a.Name == name);

    /// <summary>One entry per member, empty for one that gets nothing; partitions in the order of topic (ordinal) and number.</summary>
    /// <param name="partitionCounts">Partitions of every topic that exists; subscriptions to others count for nothing until they do.</param>
    /// <param name="members">In any order: the same members get the same.</param>
    public abstract IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> Assign(IReadOnlyDictionary<string, int> partitionCounts, IReadOnlyList<MemberSubscription> members);
}

/// <summary>A member as assignors see it.</summary>
/// <param name="MemberId">The coordinator's id of it.</param>
/// <param name="InstanceId">Kafka's <c>group.instance.id</c> of a static member; null otherwise.</param>
/// <param name="Topics">What it wants.</param>
/// <param name="Owned">What it had in <paramref name="Generation"/>.</param>
/// <param name="Generation">The last generation it took part in; -1: none.</param>
internal sealed record MemberSubscription(string MemberId, string? InstanceId, IReadOnlyList<string> Topics, IReadOnlyList<TopicPartition> Owned, int Generation);
