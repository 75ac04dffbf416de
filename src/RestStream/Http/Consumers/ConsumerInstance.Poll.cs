using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

// Reading.
internal sealed partial class ConsumerInstance
{
    /// <summary>Most records of one poll.</summary>
    private const int MaxRecords = 100_000;

    /// <summary>
    /// What comes next: as soon as <c>fetch.min.bytes</c> are there, or what there is when the time is up. Waits for the group to settle first. A newer poll ends an older one:
    /// its client has given up on it.
    /// </summary>
    /// <param name="encoder">The form of the records.</param>
    /// <param name="onlyTopic">v1: records of this topic only; null = of all.</param>
    /// <param name="wait">Longest wait.</param>
    /// <param name="maxBytes">Most bytes of records; one record always fits.</param>
    /// <param name="cancellationToken">The client went away: the poll never was.</param>
    public async Task<PolledRecords> PollAsync(RecordEncoder encoder, string? onlyTopic, TimeSpan wait, int maxBytes, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        await EnterGateAsync();
        if (_waiting is { } older)
        {
            // What it holds is this poll's now.
            PutBack(older);
            older.Clear();
        }

        var polled = _waiting = new PolledRecords(++_polls);
        try
        {
            if (Subscription.IsNone)
                throw Profile.Refuse(Fault.NothingSubscribed, "The consumer is not subscribed to any topics or assigned any partitions. POST a subscription or assignments first.");
            var stored = await AutoCommitAsync(last: false);
            var enough = Math.Min(Config.FetchMinBytes, maxBytes);
            while (true)
            {
                // Nobody would see what is taken from here on.
                cancellationToken.ThrowIfCancellationRequested();
                var left = wait - clock.GetElapsedTime(started);
                var settling = members.JoinWait - clock.GetElapsedTime(started);
                if (_membership is { } member && !await JoinAsync(member, left > settling ? left : settling, cancellationToken))
                    return polled;
                if (IsOver(polled))
                    return polled;
                if (!stored)
                {
                    // Refused as the member it was; as the one it is again it may commit what nobody else has gone on with.
                    await AutoCommitAsync(last: false);
                    stored = true;
                }

                using var fetch = OpenFetch(onlyTopic);
                if (fetch is not null)
                    Take(fetch, encoder, maxBytes, polled);
                left = wait - clock.GetElapsedTime(started);
                if (polled.Bytes >= enough || left <= TimeSpan.Zero)
                    return polled;
                await WaitAsync(fetch, left, cancellationToken);
                if (IsOver(polled))
                    return polled;
            }
        }
        catch
        {
            PutBack(polled);
            throw;
        }
        finally
        {
            if (ReferenceEquals(_waiting, polled))
                _waiting = null;
            _gate.Release();
        }
    }

    /// <summary>The answer did not reach the connection: its records come again, to a poll that waits just now, too.</summary>
    public async Task UndoAsync(PolledRecords polled)
    {
        await _gate.WaitAsync();
        PutBack(polled);
        if (_aside is { } aside)
            await aside.CancelAsync();
        _gate.Release();
    }

    private bool IsOver(PolledRecords polled) => _closed || Subscription.IsNone || polled.Number != _polls || stopping.IsCancellationRequested;

    /// <summary>Stands again where it was before the poll, in partitions that nothing has moved since.</summary>
    private void PutBack(PolledRecords polled)
    {
        foreach (var (partition, move) in polled.Moves)
        {
            if (_positions.TryGetValue(partition, out var now) && now == move.After)
                _positions[partition] = move.Before;
        }
    }

    /// <summary>Has its place in the group's current generation, and positions for what it owns. False: not in time, or something else changed.</summary>
    private async ValueTask<bool> JoinAsync(IGroupConsumer member, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var aside = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var joining = member.ReadyAsync(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, aside.Token);
        var joined = joining.IsCompleted ? await joining : await AsideAsync(joining.AsTask(), aside, cancellationToken);
        if (!joined || !ReferenceEquals(member, _membership))
            return false;
        _loaded = false;
        var before = _assignment;
        _assignment = member.Assignment;
        if (ReferenceEquals(before, _assignment))
            return true;

        Keep(_assignment.Partitions);
        return true;
    }

    /// <summary>Waits for more records, or for another assignment.</summary>
    private async Task WaitAsync(IFetch? fetch, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var aside = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var grown = fetch?.WaitAsync(wait, aside.Token).AsTask() ?? Task.Delay(wait, clock, aside.Token);
        await AsideAsync(FirstAsync(grown, _membership?.RebalanceWanted), aside, cancellationToken);
        await aside.CancelAsync();

        // The fetch may be closed only when its wait is over.
        await grown.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        static async Task<bool> FirstAsync(Task grown, Task? rebalance) => await Task.WhenAny(grown, rebalance ?? grown) == grown;
    }

    /// <summary>
    /// Lets other calls in while <paramref name="wait"/> goes on, which <paramref name="aside"/> ends. False when one of them changed something, or the server stops.
    /// </summary>
    private async Task<bool> AsideAsync(Task<bool> wait, CancellationTokenSource aside, CancellationToken cancellationToken)
    {
        _aside = aside;
        _gate.Release();
        try
        {
            return await wait;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await _gate.WaitAsync(CancellationToken.None);
            if (ReferenceEquals(_aside, aside))
                _aside = null;
        }
    }

    /// <summary>A reader over what is assigned and exists; null when that is nothing.</summary>
    private IFetch? OpenFetch(string? onlyTopic)
    {
        var places = new List<FetchPosition>();
        foreach (var partition in Assigned)
        {
            if ((onlyTopic is null || partition.Topic == onlyTopic) && Exists(partition))
                places.Add(new FetchPosition(partition, Position(partition)));
        }

        return places.Count > 0 ? broker.OpenFetch(places) : null;
    }

    private bool Exists(TopicPartition partition) => broker.TryGetIntake(partition.Topic, out var intake) && partition.Partition < intake.Partitions;

    /// <summary>Takes what is there now. Positions move only over what is taken.</summary>
    private void Take(IFetch fetch, RecordEncoder encoder, int maxBytes, PolledRecords polled)
    {
        foreach (var place in fetch.Positions)
            polled.Moves.TryAdd(place.Partition, (place.Offset, place.Offset));
        var slices = new List<EncodedSlice>();
        while (true)
        {
            try
            {
                fetch.Read(encoder, MaxRecords - polled.Records, (int)(maxBytes - polled.Bytes), slices);
                polled.Add(slices);
                break;
            }
            catch (BrokerException gap) when (gap.Code == ErrorCode.OffsetOutOfRange && gap.Partition is { } partition)
            {
                fetch.Seek(IndexOf(fetch, partition), Beginning(partition));
            }
            catch (BrokerException gone) when (gone.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated)
            {
                // Deleted under the reader; the next look finds what is left.
                break;
            }
            catch (BrokerException) when (polled.Records > 0)
            {
                // What was gathered is an answer; the next poll comes upon it again.
                break;
            }
        }

        foreach (var place in fetch.Positions)
        {
            polled.Moves[place.Partition] = polled.Moves[place.Partition] with { After = place.Offset };
            if (Exists(place.Partition))
                _positions[place.Partition] = place.Offset;
            else
                _positions.Remove(place.Partition);
        }
    }

    private static int IndexOf(IFetch fetch, TopicPartition partition)
    {
        for (var i = 0; i < fetch.Positions.Count; i++)
        {
            if (fetch.Positions[i].Partition == partition)
                return i;
        }

        throw new InvalidOperationException($"{partition} is not read here.");
    }

    /// <summary>Where the instance stands: where it was, else what the group committed, else by <c>auto.offset.reset</c>.</summary>
    private long Position(TopicPartition partition)
    {
        if (_positions.TryGetValue(partition, out var position))
            return position;
        if (broker.CommittedOffset(Group, partition) is not { } committed)
            return Beginning(partition);
        _stored[partition] = committed.Offset;
        return committed.Offset;
    }

    /// <exception cref="HttpError"><see cref="Fault.NoOffset"/>.</exception>
    private long Beginning(TopicPartition partition) => Config.Reset switch
    {
        OffsetReset.Earliest => EndOf(partition, earliest: true),
        OffsetReset.Latest => EndOf(partition, earliest: false),
        _ => throw Profile.Refuse(
            Fault.NoOffset, $"Group '{Group}' has no offset in {partition} that can be read, and auto.offset.reset is none. Commit one, or POST positions."),
    };

    private long EndOf(TopicPartition partition, bool earliest)
    {
        const long latestTimestamp = -1, earliestTimestamp = -2;
        return broker.FindOffset(partition, earliest ? earliestTimestamp : latestTimestamp)?.Offset ?? 0;
    }
}
