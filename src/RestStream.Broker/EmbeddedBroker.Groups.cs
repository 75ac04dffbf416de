using RestStream.Broker.Groups;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>Consumer groups: all of it is the coordinator's.</summary>
public sealed partial class EmbeddedBroker
{
    public IGroupConsumer JoinGroup(GroupJoin join) => _groups.Consumer(join);

    public IGroupConsumer? FindGroupConsumer(string group, string instanceId) => _groups.FindConsumer(group, instanceId);

    public IReadOnlyList<GroupListing> ListGroups(string? after, int limit) => _groups.List(after, limit);

    public GroupDescription DescribeGroup(string group) => _groups.Existing(group).Describe();

    public Task DeleteGroupAsync(string group, CancellationToken cancellationToken) => _groups.DeleteAsync(group, cancellationToken);

    public IReadOnlyList<CommittedOffset> CommittedOffsets(string group) => _groups.Find(group)?.CommittedOffsets() ?? [];

    public CommittedOffset? CommittedOffset(string group, TopicPartition partition) => _groups.Find(group)?.CommittedOffset(partition);

    public Task CommitOffsetsAsync(string group, IReadOnlyList<OffsetCommit> offsets, CancellationToken cancellationToken) => _groups.CommitAsync(group, offsets, cancellationToken);

    public Task DeleteOffsetsAsync(string group, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) =>
        _groups.DeleteOffsetsAsync(group, partitions, cancellationToken);
}
