using System.Globalization;
using RestStream.Storage.Files;

namespace RestStream.Storage;

/// <summary>
/// Kafka's checkpoint files in the root of a data directory: text <c>0\n&lt;n&gt;\n</c>, then <c>topic partition offset\n</c> a line.
/// Each is replaced whole: written beside, flushed, renamed, the directory flushed.
/// </summary>
internal sealed class Checkpoints(IFileSystem files, string directory, Func<IReadOnlyCollection<PartitionLog>> logs)
{
    public const string RecoveryPoints = "recovery-point-offset-checkpoint";
    public const string LogStarts = "log-start-offset-checkpoint";
    public const string HighWatermarks = "replication-offset-checkpoint";

    /// <summary>The logs that were compacted and the first offset of each that was not yet. Without it, what compaction left out would be taken for lost.</summary>
    public const string Cleaned = "cleaner-offset-checkpoint";

    private readonly Lock _lock = new();

    /// <summary>Writes all three for the logs as they are now.</summary>
    public void Write()
    {
        lock (_lock)
        {
            // Asked for under the lock: a list from before a deletion must not be written after one from behind it.
            var now = logs();
            Write(RecoveryPoints, now.Select(log => (log.Id, log.RecoveryPoint)));
            WriteLogStarts(now, null, 0);
            Write(HighWatermarks, now.Select(log => (log.Id, log.HighWatermark)));
        }
    }

    /// <summary>Writes how far each log is compacted.</summary>
    public void WriteCleaned()
    {
        lock (_lock)
            Write(Cleaned, logs().Select(log => (log.Id, log.FirstDirtyOffset)).Where(log => log.FirstDirtyOffset >= 0));
    }

    /// <summary>Notes that a log is going to start at an offset.</summary>
    public void WriteLogStart(PartitionLog moving, long start)
    {
        lock (_lock)
            WriteLogStarts(logs(), moving, start);
    }

    /// <summary>What a checkpoint file says; empty when there is none or it cannot be read (it is set aside as <c>.corrupt</c> then).</summary>
    public static Dictionary<TopicPartition, long> Read(IFileSystem files, string directory, string name)
    {
        var path = Path.Combine(directory, name);
        if (AtomicFile.ReadText(files, path) is not { } text)
            return [];
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var offsets = new Dictionary<TopicPartition, long>();
        if (lines.Length == 0)
            return offsets;
        var whole = lines[0] == "0" && lines.Length >= 2 && int.TryParse(lines[1], CultureInfo.InvariantCulture, out var count) && count == lines.Length - 2;
        foreach (var line in whole ? lines.AsSpan(2) : [])
        {
            var words = line.Split(' ');
            if (words.Length != 3 || !int.TryParse(words[1], CultureInfo.InvariantCulture, out var partition)
                || !long.TryParse(words[2], CultureInfo.InvariantCulture, out var offset))
            {
                whole = false;
                break;
            }
            offsets[new TopicPartition(words[0], partition)] = offset;
        }
        if (whole)
            return offsets;
        AtomicFile.Quarantine(files, path);
        files.FlushDirectory(directory);
        return [];
    }

    private void WriteLogStarts(IReadOnlyCollection<PartitionLog> now, PartitionLog? moving, long start) => Write(LogStarts, now
        .Select(log => (log.Id, Start: log == moving ? start : log.LogStartOffset, First: log.FirstSegmentBase))
        .Where(log => log.Start > log.First)
        .Select(log => (log.Id, log.Start)));

    private void Write(string name, IEnumerable<(TopicPartition Id, long Offset)> offsets)
    {
        var lines = offsets.Select(o => string.Create(CultureInfo.InvariantCulture, $"{o.Id.Topic} {o.Id.Partition} {o.Offset}\n")).ToList();
        AtomicFile.WriteText(files, Path.Combine(directory, name), string.Create(CultureInfo.InvariantCulture, $"0\n{lines.Count}\n") + string.Concat(lines));
    }
}
