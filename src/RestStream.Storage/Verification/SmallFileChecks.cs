using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RestStream.Storage.Records;

namespace RestStream.Storage.Verification;

/// <summary>Checks of the files beside the segments.</summary>
internal static partial class SmallFileChecks
{
    private const int SnapshotHeaderBytes = 10, SnapshotCrcStart = 6, SnapshotEntryBytes = 46;
    private const int TransactionEntryBytes = 34;

    public static void Snapshot(string file, List<VerifyFinding> findings)
    {
        var bytes = LogFileReader.ReadAll(file);
        if (bytes.Length < SnapshotHeaderBytes)
        {
            Add(bytes.Length, $"{bytes.Length} bytes are too few for the header of {SnapshotHeaderBytes}.");
            return;
        }
        var version = BinaryPrimitives.ReadInt16BigEndian(bytes);
        if (version != 1)
            Add(0, $"Version is {version}, only 1 is known.");
        var (stored, computed) = (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(2)), Crc32C.Compute(bytes.AsSpan(SnapshotCrcStart)));
        if (stored != computed)
            Add(2, $"The CRC is {stored}, that of the bytes {computed}.");
        var count = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(SnapshotCrcStart));
        if (count * (long)SnapshotEntryBytes != bytes.Length - SnapshotHeaderBytes)
            Add(SnapshotCrcStart, $"{count} producers need {SnapshotHeaderBytes + (count * (long)SnapshotEntryBytes)} bytes, there are {bytes.Length}.");

        void Add(long position, string message) => findings.Add(new(file, position, -1, FindingKind.ProducerSnapshot, message));
    }

    /// <summary>The segment has offsets from <paramref name="baseOffset"/> up to, not including, <paramref name="endOffset"/>.</summary>
    public static void Transactions(string file, long baseOffset, long endOffset, List<VerifyFinding> findings)
    {
        var bytes = LogFileReader.ReadAll(file);
        var whole = bytes.Length - (bytes.Length % TransactionEntryBytes);
        if (whole != bytes.Length)
            Add(whole, -1, $"{bytes.Length} bytes are no multiple of {TransactionEntryBytes}.");
        var previous = long.MinValue;
        for (var at = 0; at < whole; at += TransactionEntryBytes)
        {
            var entry = bytes.AsSpan(at, TransactionEntryBytes);
            var version = BinaryPrimitives.ReadInt16BigEndian(entry);
            var firstOffset = BinaryPrimitives.ReadInt64BigEndian(entry[10..]);
            var lastOffset = BinaryPrimitives.ReadInt64BigEndian(entry[18..]);
            if (version != 0)
                Add(at, lastOffset, $"Version is {version}, only 0 is known.");
            if (firstOffset > lastOffset)
                Add(at, lastOffset, $"The transaction begins at offset {firstOffset}, behind its end at {lastOffset}.");
            if (lastOffset < baseOffset || lastOffset >= endOffset)
                Add(at, lastOffset, $"The transaction ends at offset {lastOffset}; the segment has {baseOffset} to {endOffset - 1}.");
            if (lastOffset <= previous)
                Add(at, lastOffset, $"The transaction ends at offset {lastOffset}, the one before at {previous}.");
            previous = lastOffset;
        }

        void Add(long position, long offset, string message) => findings.Add(new(file, position, offset, FindingKind.TransactionIndex, message));
    }

    /// <summary>Null when the text is no such checkpoint.</summary>
    public static IReadOnlyList<(int Epoch, long StartOffset)>? LeaderEpochs(string file, List<VerifyFinding> findings)
    {
        if (!File.Exists(file))
        {
            findings.Add(new(file, 0, -1, FindingKind.EpochCheckpoint, "The file is missing; it is rebuilt from the batches at the next start."));
            return null;
        }
        var lines = CheckpointLines(file, columns: 2, FindingKind.EpochCheckpoint, findings);
        if (lines is null)
            return null;
        var epochs = new List<(int, long)>();
        foreach (var columns in lines)
        {
            if (!int.TryParse(columns[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
                || !long.TryParse(columns[1], NumberStyles.None, CultureInfo.InvariantCulture, out var startOffset))
            {
                findings.Add(new(file, 0, -1, FindingKind.EpochCheckpoint, $"'{string.Join(' ', columns)}' is no epoch and offset."));
                return null;
            }
            if (epochs.Count > 0 && (epoch <= epochs[^1].Item1 || startOffset <= epochs[^1].Item2))
            {
                findings.Add(new(file, 0, startOffset, FindingKind.EpochCheckpoint, $"'{epoch} {startOffset}' follows '{epochs[^1].Item1} {epochs[^1].Item2}'; both must ascend."));
                return null;
            }
            epochs.Add((epoch, startOffset));
        }
        return epochs;
    }

    public static void Metadata(string file, List<VerifyFinding> findings)
    {
        if (File.Exists(file) && !MetadataText().IsMatch(Encoding.UTF8.GetString(LogFileReader.ReadAll(file))))
            findings.Add(new(file, 0, -1, FindingKind.PartitionMetadata, "The text is not 'version: 0' and 'topic_id: ' with 22 characters."));
    }

    /// <summary>The offsets of a checkpoint in the root of a data directory; empty when it has none or is broken.</summary>
    public static IReadOnlyDictionary<TopicPartition, long> Offsets(string file, List<VerifyFinding> findings)
    {
        var offsets = new Dictionary<TopicPartition, long>();

        // 0 bytes until Kafka first writes it.
        if (!File.Exists(file) || new FileInfo(file).Length == 0)
            return offsets;
        foreach (var columns in CheckpointLines(file, columns: 3, FindingKind.Checkpoint, findings) ?? [])
        {
            if (!int.TryParse(columns[1], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                || !long.TryParse(columns[2], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            {
                findings.Add(new(file, 0, -1, FindingKind.Checkpoint, $"'{string.Join(' ', columns)}' is no topic, partition and offset."));
                continue;
            }
            offsets[new TopicPartition(columns[0], partition)] = offset;
        }
        return offsets;
    }

    private static List<string[]>? CheckpointLines(string file, int columns, FindingKind kind, List<VerifyFinding> findings)
    {
        var lines = Encoding.UTF8.GetString(LogFileReader.ReadAll(file)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string? problem = null;
        if (lines.Length == 0 || lines[0] != "0")
            problem = "The first line is not version 0.";
        else if (lines.Length < 2 || !int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count != lines.Length - 2)
            problem = $"The second line is not the number of entries, {lines.Length - 2}.";
        var entries = lines.Skip(2).Select(line => line.Split(' ')).ToList();
        if (problem is null && entries.Find(entry => entry.Length != columns) is { } wrong)
            problem = $"'{string.Join(' ', wrong)}' has not {columns} columns.";
        if (problem is null)
            return entries;
        findings.Add(new(file, 0, -1, kind, problem));
        return null;
    }

    [GeneratedRegex(@"\Aversion: 0\ntopic_id: [A-Za-z0-9_-]{22}\n?\z")]
    private static partial Regex MetadataText();
}
