using RestStream.Broker;
using RestStream.Broker.Groups;

namespace RestStream.Connect.Tasks;

// Its membership: the share of partitions, and commits.
internal sealed partial class SinkTaskLoop
{
    /// <summary>How long one look at the group waits; then the loop sees whether something else is wanted.</summary>
    private static readonly TimeSpan s_joinWait = TimeSpan.FromSeconds(1);

    private bool CommitIsDue => _context.CommitRequested || UntilCommit <= TimeSpan.Zero;

    private bool AllIsCommitted => _partitions.All(p => p.Delivered == p.Committed);

    private TimeSpan UntilCommit => Services.Options.OffsetFlushInterval - Services.Time.GetElapsedTime(_lastCommit);

    /// <summary>Gives up what it has and takes its share of the next generation, unless that is not ready yet.</summary>
    private async Task RebalanceAsync()
    {
        await GiveUpAsync();
        _joined = false;
        var consumer = _member!.Consumer;
        try
        {
            if (!await consumer.ReadyAsync(s_joinWait, StopToken))
                return;
        }
        catch (BrokerException e) when (e.Code is ErrorCode.DiskFull or ErrorCode.ThrottlingQuotaExceeded)
        {
            // The generation could not be written; it can when there is room.
            TryingAgain(e, s_joinWait);
            await Task.Delay(s_joinWait, Services.Time, StopToken);
            return;
        }

        var assignment = consumer.Assignment;
        var partitions = await _member.OpenAsync(assignment, AbortToken);
        (_generation, _joined, _partitions) = (assignment.Generation, true, partitions);
        Metrics.PartitionCount = partitions.Count;
        TopicPartition[] ids = [.. partitions.Select(p => p.Id)];
        _context.Assign(ids);
        if (ids.Length > 0)
        {
            await _task!.OpenAsync(ids, PluginAbortToken);
            Guard();
        }

        ApplyChanges();
        OpenFetch();
    }

    /// <summary>Commits, and closes all partitions. What was read and not put, or put and not safe, is read again by who has them next.</summary>
    private async Task GiveUpAsync()
    {
        if (_partitions.Count == 0)
            return;
        TopicPartition[] ids = [.. _partitions.Select(p => p.Id)];
        try
        {
            await CommitAsync(closing: true);
            Guard();
            await _task!.CloseAsync(ids, PluginAbortToken);
            Guard();
        }
        finally
        {
            _partitions = [];
            _context.Assign([]);
            Metrics.PartitionCount = 0;
            Interlocked.Exchange(ref Metrics.ActiveRecords, 0);
            DropBatch();
            _fetch?.Dispose();
            _fetch = null;
        }
    }

    /// <summary>
    /// Asks the task up to where everything is safe and stores that. When the task cannot say, it gets everything behind the last commit again (as in Kafka), unless the partitions are given up anyway.
    /// When the log cannot store it now, the next commit tries again.
    /// </summary>
    private async Task CommitAsync(bool closing)
    {
        var requested = _context.CommitRequested;
        _context.CommitBegins();
        _lastCommit = Services.Time.GetTimestamp();

        // Also at the end of a failed task, and when the plugin hides it: nothing behind a lost dead letter.
        if (_deadLetters.HasFailed)
            await _deadLetters.FlushAsync();
        var partitions = _partitions;
        if (AllIsCommitted && !((requested || _halfPut) && partitions.Count > 0))
            return;

        IReadOnlyDictionary<TopicPartition, long> safe;
        try
        {
            safe = await _task!.FlushAsync(partitions.ToDictionary(p => p.Id, p => p.Delivered), PluginAbortToken);
        }
        catch (Exception e) when (e is not (OperationCanceledException or FatalException))
        {
            Metrics.CommitFailures++;
            Logger.CommitFailed(Definition.Id.Connector, Definition.Id.Task, Secrets.Scrub(e.Message));
            if (!closing)
                Rewind();
            return;
        }

        Guard();
        await _deadLetters.FlushAsync();
        await StoreAsync(Chosen(safe, partitions));
    }

    /// <summary>What the task answered, as far as it can be: never more than was handed to it, never of a partition that it does not have.</summary>
    private List<(SinkPartition Partition, long Offset)> Chosen(IReadOnlyDictionary<TopicPartition, long> safe, IReadOnlyList<SinkPartition> partitions)
    {
        var chosen = new List<(SinkPartition, long)>(safe.Count);
        foreach (var (id, offset) in safe)
        {
            if (partitions.FirstOrDefault(p => p.Id == id) is not { } partition)
                Logger.OffsetIgnored(Definition.Id.Connector, Definition.Id.Task, offset, id.ToString(), "is not assigned to it");
            else if ((_halfPut ? partition.Position : partition.Delivered) is var given && (offset > given || offset < 0))
                Logger.OffsetIgnored(Definition.Id.Connector, Definition.Id.Task, offset, id.ToString(), $"lies beyond what it was given, {given}");
            else if (offset != partition.Committed)
                chosen.Add((partition, offset));
        }

        return chosen;
    }

    private async Task StoreAsync(List<(SinkPartition Partition, long Offset)> chosen)
    {
        if (chosen.Count == 0)
            return;
        var started = Services.Time.GetTimestamp();
        IReadOnlyList<RefusedCommit> refused;
        try
        {
            OffsetCommit[] commits = [.. chosen.Select(c => new OffsetCommit(c.Partition.Log, c.Offset, MayGoBack: c.Partition.WentBack))];
            refused = await WriteAsync(() => _member!.Consumer.CommitAsync(commits, _generation, CancellationToken.None));
        }
        catch (BrokerException e) when (e.Code is ErrorCode.DiskFull or ErrorCode.ThrottlingQuotaExceeded)
        {
            Metrics.CommitFailures++;
            Logger.CommitFailed(Definition.Id.Connector, Definition.Id.Task, e.Message);
            return;
        }

        Metrics.CommitTime.Add(Services.Time.GetElapsedTime(started).TotalMilliseconds);
        Metrics.CommitSequence++;
        foreach (var (partition, offset) in chosen)
        {
            if (refused.Any(r => r.Partition == partition.Log))
            {
                // Another member has it by now; the rebalance says so too.
                Metrics.CommitSkips++;
                continue;
            }

            if (offset > partition.Committed)
                Interlocked.Add(ref Metrics.ActiveRecords, -Math.Min(Interlocked.Read(ref Metrics.ActiveRecords), offset - partition.Committed));
            (partition.Committed, partition.Delivered, partition.WentBack) = (offset, Math.Max(partition.Delivered, offset), false);
        }

        Metrics.CommitSuccesses++;
    }

    /// <summary>Everything behind the last commit is read again.</summary>
    private void Rewind()
    {
        foreach (var partition in _partitions)
            (partition.Position, partition.Delivered) = (partition.Committed, partition.Committed);
        DropBatch();
        OpenFetch();
    }
}
