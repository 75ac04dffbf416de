using Microsoft.Extensions.Logging;
using RestStream.Broker.Fetching;
using RestStream.Storage;

namespace RestStream.Broker.Topics;

/// <summary>
/// Applies retention to all partitions, one after the other, every now and then. A partition that fails is logged and tried again in the next pass.
/// Ages are judged by the machine's clock, so when that runs ahead of the monotonic one by more than a moment, retention by time is held for a while.
/// </summary>
internal sealed class Retention(EmbeddedBroker broker, LogDirectory directory, EncodedCache cache, BrokerOptions options, TimeProvider clock, ILogger logger)
{
    /// <summary>A clock ahead by more than this since the last pass has jumped; slewing and drift stay far below. A machine that slept looks the same and waits the same.</summary>
    private static readonly TimeSpan Jump = TimeSpan.FromMinutes(5);

    private DateTimeOffset _wall = clock.GetUtcNow();
    private long _monotonic = clock.GetTimestamp();
    private long? _heldSince;

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.RetentionCheckInterval, clock, cancellationToken);
                await PassAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    public async Task PassAsync(CancellationToken cancellationToken)
    {
        var hold = ClockInDoubt();
        var partitions = 0;
        foreach (var topic in broker.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                cancellationToken.ThrowIfCancellationRequested();
                partitions++;
                partition.HoldTimeRetention(hold);
                await ApplyAsync(partition);
            }
        }

        cache.DropIdle();
        logger.RetentionPassEnded(partitions);
    }

    private async Task ApplyAsync(Partition partition)
    {
        try
        {
            var records = await directory.ApplyRetentionAsync(partition.Log);
            if (records > 0)
                logger.RetentionDeleted(records, partition.Id);
        }
        catch (StorageException e) when (e.Error == StorageError.PartitionDeleted)
        {
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            logger.RetentionFailed(e, partition.Id);
        }
    }

    private bool ClockInDoubt()
    {
        var wall = clock.GetUtcNow();
        var monotonic = clock.GetTimestamp();
        var jump = (wall - _wall) - clock.GetElapsedTime(_monotonic, monotonic);
        (_wall, _monotonic) = (wall, monotonic);
        if (jump > Jump && options.ClockJumpHold > TimeSpan.Zero)
        {
            _heldSince = monotonic;
            logger.ClockJumped(jump, options.ClockJumpHold);
        }
        else if (_heldSince is { } since && (jump < -Jump || clock.GetElapsedTime(since, monotonic) >= options.ClockJumpHold))
        {
            // Set back, or nobody set it back for long enough.
            _heldSince = null;
            logger.ClockTrusted();
        }

        return _heldSince is not null;
    }
}
