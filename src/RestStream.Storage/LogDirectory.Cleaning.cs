using RestStream.Storage.Cleaning;
using RestStream.Storage.Commits;
using RestStream.Storage.Files;

namespace RestStream.Storage;

public sealed partial class LogDirectory
{
    /// <summary>What there is to compact in a partition now; null when its policy is not to, or when it cannot be.</summary>
    public CleaningPlan? PlanCleaning(PartitionLog log) => log.PlanCleaning(NowMs);

    /// <summary>
    /// Closes the active segment when it holds records that <c>max.compaction.lag.ms</c> wants compacted: in a partition that nobody writes to, nothing else would. Cheap when it does not.
    /// </summary>
    public async Task RollForCompactionAsync(PartitionLog log)
    {
        if (!log.MustRollForCompaction(NowMs))
            return;
        // On the committer's thread, so that no group in work has reserved room in the segment.
        var roll = new CommitterAction(log.RollActive);
        _committer.Enqueue(roll);
        await roll.Task;
    }

    /// <summary>
    /// Makes one compaction pass, on a thread of its own. Reading and writing go on meanwhile; readers find the same records, less those that a newer one of the same key supersedes.
    /// A crash at any point leaves every partition whole, and at worst the pass to be made again.
    /// </summary>
    /// <param name="plan">From <see cref="PlanCleaning"/>.</param>
    /// <param name="offsetMapBytes">Most memory for keys: 24 bytes each. What does not fit waits for the next pass.</param>
    /// <param name="cancellationToken">Ends the pass between two batches.</param>
    /// <exception cref="StorageException">
    /// <see cref="StorageError.DamagedRange"/>: a batch cannot be read, so nothing was dropped; <see cref="StorageError.DiskFull"/>: nothing was changed;
    /// <see cref="StorageError.WritesStopped"/>; <see cref="StorageError.PartitionDeleted"/>.
    /// </exception>
    /// <exception cref="NotSupportedException">This machine lacks a codec.</exception>
    public Task<CleaningResult> CleanAsync(CleaningPlan plan, long offsetMapBytes, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => Clean(plan, offsetMapBytes, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private CleaningResult Clean(CleaningPlan plan, long offsetMapBytes, CancellationToken cancellationToken)
    {
        var log = plan.Log;
        try
        {
            // What a copy replaces must be durable without the journal, and known to be: a start after a crash would fill the gaps from it.
            FlushUpTo(log, plan.FirstUncleanableOffset);
            _checkpoints.Write();
            if (log.FirstDirtyOffset < 0)
            {
                log.FirstDirtyOffset = plan.FirstDirtyOffset;
                _checkpoints.WriteCleaned();
            }
            var result = new LogCleaner(log, plan, offsetMapBytes, CheckRoom, NowMs, cancellationToken).Run();
            if (!result.Interrupted)
            {
                log.FirstDirtyOffset = result.CleanedTo;
                _checkpoints.WriteCleaned();
            }
            return result;
        }
        catch (Exception error) when (error is ObjectDisposedException or IOException && log.Commit.Deleted)
        {
            throw new StorageException(StorageError.PartitionDeleted, $"Partition {log.Id} was deleted.", error);
        }
        catch (IOException error) when (log.HasFailed)
        {
            StopWrites($"Compacting {log.Id} failed half way", error);
            throw new StorageException(StorageError.WritesStopped, WritesStoppedReason!, error);
        }
        catch (IOException error) when (DiskErrors.IsDiskFull(error))
        {
            throw new StorageException(StorageError.DiskFull, $"No room to compact {log.Id}: the copy of its segments needs some until the old ones go. Nothing was changed.", error);
        }
    }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Compaction leaves the room that appends, deletions and the journal are refused for.</summary>
    private void CheckRoom(long bytes)
    {
        if (_files.FreeBytes(_options.Path) - bytes < _options.MinFreeBytes)
            throw DiskErrors.Full("Less would be free than the settings demand.");
    }
}
