namespace RestStream.Broker.Groups.Assignors;

/// <summary>
/// Kafka's order of members (AbstractPartitionAssignor.MemberInfo): static ones first, by instance id, so that they get the same after a restart under a new member id; then the others by member id.
/// </summary>
internal sealed class MemberOrder : IComparer<MemberSubscription>
{
    public static MemberOrder Instance { get; } = new();

    public int Compare(MemberSubscription? x, MemberSubscription? y) => (x!.InstanceId, y!.InstanceId) switch
    {
        (null, null) => string.CompareOrdinal(x.MemberId, y.MemberId),
        (null, _) => 1,
        (_, null) => -1,
        var (left, right) => string.CompareOrdinal(left, right),
    };
}
