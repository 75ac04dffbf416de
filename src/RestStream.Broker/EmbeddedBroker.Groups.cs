using RestStream.Broker.Groups;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>Consumer groups: all of it is the coordinator's.</summary>
public sealed partial class EmbeddedBroker
{
    public IGroupConsumer JoinGroup(GroupJoin join) => throw new NotImplementedException();

    public IGroupConsumer? FindGroupConsumer(string group, string instanceId) => throw new NotImplementedException();

    public IReadOnlyList<GroupListing> ListGroups(string? after, int limit) => throw new NotImplementedException();

    public GroupDescription DescribeGroup(string group) => throw new NotImplementedException();

    public Task DeleteGroupAsync(string group, CancellationToken cancellationToken) => throw new NotImplementedException();

    public IReadOnlyList<CommittedOffset> CommittedOffsets(string group) => throw new NotImplementedException();

    public CommittedOffset? CommittedOffset(string group, TopicPartition partition) => throw new NotImplementedException();

    public Task CommitOffsetsAsync(string group, IReadOnlyList<OffsetCommit> offsets, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task DeleteOffsetsAsync(string group, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) => throw new NotImplementedException();
}
