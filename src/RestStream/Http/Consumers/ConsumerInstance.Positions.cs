using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Hosting;
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

    /// <summary>Commits everything that was polled, and what was seeked to. Not what a poll that waits has found so far: it may yet come to nothing.</summary>
    /// <exception cref="HttpError"><see cref="Fault.NotOwner"/>: others have gone on with a partition, or may have. The rest is committed.</exception>
    public async Task CommitAllAsync()
    {
        await EnterGateAsync(wake: false);
        try
        {
            ThrowIfRefused(await StorePositionsAsync());
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Commits these next offsets; durable when it returns.</summary>
    /// <exception cref="HttpError"><see cref="Fault.NotOwner"/>: others have gone on with a partition, or may have. The rest is committed.</exception>
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
            ThrowIfRefused(await StoreAsync(offsets));
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// With auto-commit: commits what was handed out. What is refused now is tried again the next time, and neither a poll nor a farewell (<paramref name="last"/>) fails because
    /// the group is others'. False: some of it was refused to the member that the instance was.
    /// </summary>
    /// <exception cref="BrokerException">It is the last time, and the log cannot be written.</exception>
    private async Task<bool> AutoCommitAsync(bool last)
    {
        if (!Config.AutoCommit)
            return true;
        try
        {
            var refused = await StorePositionsAsync();
            _refusalLogged = false;
            return refused.Count == 0;
        }
        catch (BrokerException refusal) when (!last || refusal.Code == ErrorCode.NonEmptyGroup)
        {
            if (!_refusalLogged)
                logger.AutoCommitRefused(Name, Group, refusal.Message);
            _refusalLogged = true;
            return true;
        }
    }

    /// <summary>Commits the positions that are not stored yet; answers what was refused.</summary>
    private async Task<IReadOnlyList<RefusedCommit>> StorePositionsAsync()
    {
        var offsets = new List<OffsetCommit>();
        foreach (var (partition, position) in _positions)
        {
            var handedOut = _waiting is not null && _waiting.Moves.TryGetValue(partition, out var move) && move.After == position ? move.Before : position;
            if (Exists(partition) && (!_stored.TryGetValue(partition, out var stored) || stored != handedOut))
                offsets.Add(new OffsetCommit(partition, handedOut, MayGoBack: true));
        }

        return offsets.Count > 0 ? await StoreAsync(offsets) : [];
    }

    private async Task<IReadOnlyList<RefusedCommit>> StoreAsync(IReadOnlyList<OffsetCommit> offsets)
    {
        IReadOnlyList<RefusedCommit> refused = [];
        if (_membership is { } member && _assignment.Generation >= 0)
        {
            refused = await member.CommitAsync(offsets, _assignment.Generation, CancellationToken.None);
            if (refused is [{ Reason: ErrorCode.UnknownMemberId }, ..])
                refused = await StoreAfterEndAsync(offsets);
        }
        else
        {
            await broker.CommitOffsetsAsync(Group, offsets, CancellationToken.None);
        }

        foreach (var commit in offsets.Where(o => !refused.Any(r => r.Partition == o.Partition)))
            _stored[commit.Partition] = commit.Offset;
        return refused;
    }

    /// <summary>The membership is over, which a client that is slow does not know. While the group is empty nobody has its partitions, and it commits where nobody has gone on.</summary>
    private async Task<IReadOnlyList<RefusedCommit>> StoreAfterEndAsync(IReadOnlyList<OffsetCommit> offsets)
    {
        var untouched = offsets.Where(o => IsUntouched(o.Partition)).ToList();
        try
        {
            await broker.CommitOffsetsAsync(Group, untouched, CancellationToken.None);
        }
        catch (BrokerException others) when (others.Code == ErrorCode.NonEmptyGroup)
        {
            untouched = [];
        }

        return [.. offsets.Except(untouched).Select(o => new RefusedCommit(o.Partition, o.Offset, ErrorCode.UnknownMemberId))];
    }

    /// <summary>What the group has committed is what this instance knows of: nobody else has gone on from there.</summary>
    private bool IsUntouched(TopicPartition partition) => broker.CommittedOffset(Group, partition)?.Offset == (_stored.TryGetValue(partition, out var stored) ? stored : null);

    private void ThrowIfRefused(IReadOnlyList<RefusedCommit> refused)
    {
        if (refused.Count == 0)
            return;
        var why = refused[0].Reason switch
        {
            ErrorCode.UnknownMemberId => $"The instance has lost its place in the group (no call for {members.SessionTimeout}, or it was removed), and others are there now, or have committed there. Poll: it takes a place again, and goes on where nobody else has.",
            ErrorCode.IllegalGeneration => "The group was rebalanced since these records were polled, and another member may have read there. Poll for the new assignment.",
            _ => "The partition is gone. Poll for the new assignment.",
        };
        throw Profile.Refuse(Fault.NotOwner, $"Not committed: {string.Join(", ", refused.Select(r => r.Partition))}. {why}");
    }

    private long Find(SeekPlace place) => place.To switch
    {
        SeekTo.Offset => place.Number,
        SeekTo.Beginning => EndOf(place.Partition, earliest: true),
        SeekTo.End => EndOf(place.Partition, earliest: false),
        _ => broker.FindOffset(place.Partition, place.Number)?.Offset ?? EndOf(place.Partition, earliest: false),
    };
}
