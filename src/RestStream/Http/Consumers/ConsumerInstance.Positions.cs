using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>Where to seek to.</summary>
internal enum SeekTo : byte
{
    /// <summary>The number is an offset.</summary>
    Offset,
    Beginning,
    End,

    /// <summary>The number is epoch ms: the first record at or after it, the end when there is none.</summary>
    Time,
}

internal readonly record struct SeekPlace(TopicPartition Partition, SeekTo To, long Number = 0);

// Positions and commits.
internal sealed partial class ConsumerInstance
{
    /// <summary>The next poll reads from these places; one that waits just now ends without records.</summary>
    /// <exception cref="HttpError"><see cref="Fault.NotAssigned"/>; nothing is moved then.</exception>
    public async Task SeekAsync(IReadOnlyList<SeekPlace> places)
    {
        await EnterGateAsync();
        try
        {
            // After a restart the group's answer is what the client knows already.
            if (_loaded && _membership is { } member)
                await JoinAsync(member, members.JoinWait, CancellationToken.None);
            foreach (var place in places)
            {
                if (!Assigned.Contains(place.Partition))
                    throw Profile.Refuse(Fault.NotAssigned, $"No current assignment for partition {place.Partition}");
            }

            // A poll that waits has begun from the old places.
            _polls++;
            foreach (var place in places)
                _positions[place.Partition] = Find(place);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Commits everything that was polled, and what was seeked to.</summary>
    public async Task CommitAllAsync()
    {
        await EnterGateAsync(wake: false);
        try
        {
            await StorePositionsAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Commits these next offsets; durable when it returns.</summary>
    /// <exception cref="HttpError"><see cref="Fault.NotOwner"/>: a partition is another member's now.</exception>
    public async Task CommitAsync(IReadOnlyList<OffsetCommit> offsets)
    {
        await EnterGateAsync(wake: false);
        try
        {
            foreach (var commit in offsets)
            {
                if (!broker.TryGetIntake(commit.Partition.Topic, out var intake))
                    throw BrokerException.UnknownTopic(commit.Partition.Topic);
                if (commit.Partition.Partition >= intake.Partitions)
                    throw BrokerException.UnknownPartition(commit.Partition, intake.Partitions);
            }

            if (_membership is { } member && _assignment.Generation < 0)
                await JoinAsync(member, members.JoinWait, CancellationToken.None);
            var refused = await StoreAsync(offsets);
            foreach (var commit in offsets.Where(o => !refused.Any(r => r.Partition == o.Partition)))
                _stored[commit.Partition] = commit.Offset;
            if (refused.Count > 0)
            {
                throw Profile.Refuse(
                    Fault.NotOwner,
                    $"Not committed: {string.Join(", ", refused.Select(r => r.Partition))}. The group was rebalanced, and another member has read there since. Poll for the new assignment.");
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Commits the positions that are not stored yet. What another member has taken over since is its business.</summary>
    private async Task StorePositionsAsync()
    {
        var offsets = new List<OffsetCommit>();
        foreach (var (partition, position) in _positions)
        {
            if (Exists(partition) && (!_stored.TryGetValue(partition, out var stored) || stored != position))
                offsets.Add(new OffsetCommit(partition, position, MayGoBack: true));
        }

        if (offsets.Count == 0)
            return;
        await StoreAsync(offsets);
        foreach (var commit in offsets)
            _stored[commit.Partition] = commit.Offset;
    }

    private async Task<IReadOnlyList<RefusedCommit>> StoreAsync(IReadOnlyList<OffsetCommit> offsets)
    {
        if (_membership is { } member && _assignment.Generation >= 0)
            return await member.CommitAsync(offsets, _assignment.Generation, CancellationToken.None);
        await broker.CommitOffsetsAsync(Group, offsets, CancellationToken.None);
        return [];
    }

    private long Find(SeekPlace place) => place.To switch
    {
        SeekTo.Offset => place.Number,
        SeekTo.Beginning => EndOf(place.Partition, earliest: true),
        SeekTo.End => EndOf(place.Partition, earliest: false),
        _ => broker.FindOffset(place.Partition, place.Number)?.Offset ?? EndOf(place.Partition, earliest: false),
    };
}
