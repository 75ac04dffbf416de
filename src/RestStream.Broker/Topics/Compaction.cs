using Microsoft.Extensions.Logging;
using RestStream.Storage;
using RestStream.Storage.Cleaning;

namespace RestStream.Broker.Topics;

/// <summary>
/// Compacts partitions whose <c>cleanup.policy</c> says so, internal ones too: every now and then looks which are due, and makes one pass after the other, the dirtiest first.
/// A partition that fails is logged and left alone until a restart, as Kafka does, and the others go on; want of room is tried again.
/// The metadata topic is not touched: it keeps itself small.
/// </summary>
internal sealed class Compaction(EmbeddedBroker broker, LogDirectory directory, BrokerOptions options, BrokerInstruments instruments, TimeProvider clock, ILogger logger)
{
    private readonly HashSet<Partition> _uncleanable = [];

    /// <summary>One round at a time: two passes would share the disk, need the memory twice, and must never be over the same partition.</summary>
    private readonly SemaphoreSlim _round = new(1);

    /// <summary>Runs until cancelled, which also ends a pass in work.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.CompactionCheckInterval, clock, cancellationToken);
                await RoundAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Makes passes until no partition is due.</summary>
    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        await _round.WaitAsync(cancellationToken);
        try
        {
            var later = new HashSet<Partition>();
            var passes = 0;
            while (directory.WritesStoppedReason is null && await FindDirtiestAsync(later, cancellationToken) is var (partition, plan))
            {
                if (!await CleanAsync(partition, plan, cancellationToken))
                    later.Add(partition);
                passes++;
            }

            logger.CompactionRoundEnded(passes);
        }
        finally
        {
            _round.Release();
        }
    }

    private async Task<(Partition, CleaningPlan)?> FindDirtiestAsync(HashSet<Partition> later, CancellationToken cancellationToken)
    {
        (Partition Partition, CleaningPlan Plan)? dirtiest = null;
        var compacted = broker.Topics.SelectMany(t => t.Partitions).Where(p => p.Log.Config.CleanupCompact).ToHashSet();
        _uncleanable.IntersectWith(compacted);
        instruments.Uncleanable(_uncleanable.Count);
        foreach (var partition in compacted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (later.Contains(partition) || _uncleanable.Contains(partition))
                continue;
            try
            {
                await directory.RollForCompactionAsync(partition.Log);
                if (directory.PlanCleaning(partition.Log) is { IsDue: true } plan && plan.DirtyRatio > (dirtiest?.Plan.DirtyRatio ?? -1))
                    dirtiest = (partition, plan);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Failed(e, partition);
            }
        }

        return dirtiest;
    }

    /// <summary>False when this partition must not be tried again in this round.</summary>
    private async Task<bool> CleanAsync(Partition partition, CleaningPlan plan, CancellationToken cancellationToken)
    {
        try
        {
            var result = await directory.CleanAsync(plan, options.CompactionMemoryBytes, cancellationToken);
            instruments.Cleaned(result);
            if (result.RecordsKept < result.RecordsRead)
                partition.ForgetEncoded();
            logger.Compacted(partition.Id, result.CleanedTo, result.BytesRead, result.BytesWritten, result.RecordsRead - result.RecordsKept, result.RecordsRead);
            return result.CleanedTo > plan.FirstDirtyOffset;
        }
        catch (StorageException e) when (e.Error == StorageError.DiskFull)
        {
            logger.CompactionNeedsRoom(e, partition.Id);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, it concerns this partition only, and nothing of it was dropped.
            Failed(e, partition);
        }

        return false;
    }

    private void Failed(Exception error, Partition partition)
    {
        if (error is StorageException { Error: StorageError.PartitionDeleted })
            return;
        if (_uncleanable.Add(partition))
            logger.CompactionFailed(error, partition.Id);
        instruments.Uncleanable(_uncleanable.Count);
    }
}
