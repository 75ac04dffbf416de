using Microsoft.Extensions.Logging;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>Turns what the log reports into log lines and counts. Called on any thread, the committer's too: quick, never throws.</summary>
internal sealed class StorageEvents(ILogger logger, BrokerMetrics metrics)
{
    public void Handle(StorageEvent e)
    {
        metrics.CountEvent(e.Kind);
        switch (e.Kind)
        {
            case StorageEventKind.Recovered:
                logger.Recovered(e.Message);
                break;
            case StorageEventKind.TornTailCut or StorageEventKind.BatchRepaired or StorageEventKind.IndexRebuilt or StorageEventKind.DirectorySetAside:
                logger.Repaired(e.Partition, e.Message);
                break;
            case StorageEventKind.DamageFound:
                logger.DamageFound(e.Partition, e.Message);
                break;
            case StorageEventKind.SegmentRolled or StorageEventKind.SegmentDeleted:
                logger.SegmentChanged(e.Partition, e.Message);
                break;
            case StorageEventKind.DiskFull:
                logger.DiskFull(e.Message);
                break;
            case StorageEventKind.DiskFullEnded:
                logger.DiskFullEnded(e.Message);
                break;
            case StorageEventKind.WritesStopped:
                logger.WritesStopped(e.Error, e.Message);
                break;
            case StorageEventKind.SlowFlush:
                logger.SlowFlush(e.Message);
                break;
        }
    }
}
