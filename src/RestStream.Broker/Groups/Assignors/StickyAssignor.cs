using RestStream.Storage;

namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// As balanced as the subscriptions allow, and of all such assignments one that moves the fewest partitions away from the members that owned them.
/// Kafka's assignor of this name looks for improvements of a single step only and may miss a better balance; ours is never behind it, and a member moves less or as much.
/// <para>The cooperative kind has the same goal, but a partition that another member may still be reading is left out this time; that member learns from its assignment that it has to give
/// the partition up. Because what all members then have is a part of the goal, the next rebalance reaches it without a further move: two rounds always do.</para>
/// </summary>
internal sealed class StickyAssignor(bool cooperative) : Assignor
{
    public override string Name => cooperative ? "cooperative-sticky" : "sticky";

    public override bool Cooperative => cooperative;

    public override IReadOnlyDictionary<string, IReadOnlyList<TopicPartition>> Assign(IReadOnlyDictionary<string, int> partitionCounts, IReadOnlyList<MemberSubscription> members)
    {
        var holdings = new Holdings(partitionCounts, members);
        if (holdings.SubscriptionsAreEqual)
            EvenSpread.Fill(holdings);
        else
            new Balancer(holdings).Fill();

        return holdings.ToAssignment(withholdOwned: cooperative);
    }
}
