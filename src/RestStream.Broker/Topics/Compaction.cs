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
    private readonly HashSet<PartitionLog> _uncleanable = [];

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

    /// <summary>Makes passes until no partition is due. One at a time: two would only share the disk and need the memory twice.</summary>
    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        var later = new HashSet<PartitionLog>();
        var passes = 0;
        while (directory.WritesStoppedReason is null && await FindDirtiestAsync(later, cancellationToken) is { } plan)
        {
            if (!await CleanAsync(plan, cancellationToken))
                later.Add(plan.Log);
            passes++;
        }

        logger.CompactionRoundEnded(passes);
    }

    private async Task<CleaningPlan?> FindDirtiestAsync(HashSet<PartitionLog> later, CancellationToken cancellationToken)
    {
        CleaningPlan? dirtiest = null;
        var logs = broker.Topics.SelectMany(t => t.Partitions).Select(p => p.Log).Where(l => l.Config.CleanupCompact).ToHashSet();
        _uncleanable.IntersectWith(logs);
        instruments.Uncleanable(_uncleanable.Count);
        foreach (var log in logs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (later.Contains(log) || _uncleanable.Contains(log))
                continue;
            try
            {
                await directory.RollForCompactionAsync(log);
                if (directory.PlanCleaning(log) is { IsDue: true } plan && plan.DirtyRatio > (dirtiest?.DirtyRatio ?? -1))
                    dirtiest = plan;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Failed(e, log);
            }
        }

        return dirtiest;
    }

    /// <summary>False when this partition must not be tried again in this round.</summary>
    private async Task<bool> CleanAsync(CleaningPlan plan, CancellationToken cancellationToken)
    {
        var log = plan.Log;
        try
        {
            var result = await directory.CleanAsync(plan, options.CompactionMemoryBytes, cancellationToken);
            instruments.Cleaned(result);
            logger.Compacted(log.Id, result.CleanedTo, result.BytesRead, result.BytesWritten, result.RecordsRead - result.RecordsKept, result.RecordsRead);
            return result.CleanedTo > plan.FirstDirtyOffset;
        }
        catch (StorageException e) when (e.Error == StorageError.DiskFull)
        {
            logger.CompactionNeedsRoom(e, log.Id);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, it concerns this partition only, and nothing of it was dropped.
            Failed(e, log);
        }

        return false;
    }

    private void Failed(Exception error, PartitionLog log)
    {
        if (error is StorageException { Error: StorageError.PartitionDeleted })
            return;
        if (_uncleanable.Add(log))
            logger.CompactionFailed(error, log.Id);
        instruments.Uncleanable(_uncleanable.Count);
    }
}
