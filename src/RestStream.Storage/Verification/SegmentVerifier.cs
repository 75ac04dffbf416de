using RestStream.Storage.Records;

namespace RestStream.Storage.Verification;

/// <summary>
/// Reads every batch and record of one .log and tells what is wrong. Goes on behind damage with the next batch whose CRC is right,
/// as the log itself does.
/// </summary>
internal sealed class SegmentVerifier
{
    // Above what any topic can be set to accept, below what hurts this process.
    private const int MaxDecompressedBytes = 256 * 1024 * 1024;

    public required string File { get; init; }
    public required long BaseOffset { get; init; }

    /// <summary>The newest segment of its partition: what is broken at its end was never finished.</summary>
    public required bool IsNewest { get; init; }

    /// <summary>Compaction leaves gaps.</summary>
    public required bool AllowGaps { get; init; }

    /// <summary>Null when there is no usable checkpoint; then epochs must only not fall.</summary>
    public required IReadOnlyList<(int Epoch, long StartOffset)>? LeaderEpochs { get; init; }

    public required List<VerifyFinding> Findings { get; init; }
    public OffsetIndexCheck? OffsetIndex { get; init; }
    public TimeIndexCheck? TimeIndex { get; init; }

    /// <summary>Last leader epoch of the segment before; afterwards of this one.</summary>
    public int LastEpoch { get; set; } = -1;

    public long Batches { get; private set; }
    public long Records { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>The offset behind the last good batch; the base offset when there is none.</summary>
    public long EndOffset { get; private set; }

    // Where the next batch may begin: behind the one before, and, when that one's own offset was wrong, where it would have ended had it been right. -1 = not known.
    private long _expected;
    private long _alternative = -1;

    public void Run()
    {
        using var log = new LogFileReader(File);
        Bytes = log.Length;
        EndOffset = _expected = BaseOffset;
        for (long position = 0; position < log.Length;)
        {
            if (log.TryReadFrame(position, out var header) && log.IsCrcValid(position, header))
            {
                CheckBatch(position, header, log.Get(position, (int)header.TotalBytes));
                position += header.TotalBytes;
                continue;
            }

            var next = SkipDamage(log, position);
            if (next < 0)
                break;
            position = next;
        }
        OffsetIndex?.End();
        TimeIndex?.End();
    }

    /// <summary>Reports the damage at a position and returns where to go on, -1 at the end.</summary>
    private long SkipDamage(LogFileReader log, long position)
    {
        var framed = log.TryReadFrame(position, out var header);
        var problem = framed
            ? $"The batch's CRC is not {header.Crc}."
            : log.Length - position < RecordBatchHeader.Size
                ? $"{log.Length - position} bytes are too few for a batch's header."
                : $"A batch of {header.TotalBytes} bytes cannot be here, {log.Length - position} bytes before the end.";

        // A right length leads to the next batch, even to another damaged one; else every byte is tried.
        var after = position + header.TotalBytes;
        var next = framed && (after == log.Length ? !IsNewest : log.TryReadFrame(after, out var follower) && LogFileReader.IsPlausible(follower, EndOffset))
            ? after
            : log.FindBatch(position + 1, EndOffset);

        var kind = next < 0 && IsNewest ? FindingKind.TornTail : framed ? FindingKind.Checksum : FindingKind.BatchLength;
        var consequence = kind == FindingKind.TornTail
            ? $"No batch follows: the last {log.Length - position} bytes were never finished and are cut at the next start."
            : next < 0 ? "No batch follows." : $"The next batch is at position {next}.";
        Findings.Add(new(File, position, EndOffset, kind, $"{problem} {consequence}"));

        OffsetIndex?.Damage(position, next < 0 ? position : next);
        if (kind != FindingKind.TornTail)
            TimeIndex?.Damage();
        _expected = _alternative = -1;
        return next;
    }

    private void CheckBatch(long position, RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        CheckOffsets(position, header);
        CheckEpoch(position, header);
        if ((header.Attributes & ~0x7F) != 0 || header.Codec > CompressionCodec.Zstd)
            Add(position, header, FindingKind.Attributes, $"Attributes 0x{(ushort)header.Attributes:x4} have bits that mean nothing.");
        if (header.Magic == RecordBatchHeader.CurrentMagic)
            CheckRecords(position, header, batch);
        else
            Add(position, header, FindingKind.Magic, $"Magic is {header.Magic}, not {RecordBatchHeader.CurrentMagic}. It is outside the CRC.");
        OffsetIndex?.Batch(position, header.LastOffset);
        TimeIndex?.Batch(header.BaseOffset, header.LastOffset, header.MaxTimestamp);

        Batches++;
        EndOffset = Math.Max(EndOffset, header.NextOffset);
    }

    private void CheckOffsets(long position, RecordBatchHeader header)
    {
        // Never negative in a whole batch; what follows is counted from the records then.
        var length = header.LastOffsetDelta + 1L;
        if (header.LastOffsetDelta < 0 || (!AllowGaps && header.LastOffsetDelta != header.RecordsCount - 1))
            Add(position, header, FindingKind.LastOffsetDelta, $"The last offset is {header.LastOffset}, but there are {header.RecordsCount} records from {header.BaseOffset} on.");

        var expected = _expected;
        if (expected < 0 || header.BaseOffset == expected || header.BaseOffset == _alternative)
        {
            if (expected < 0 && header.BaseOffset < EndOffset)
                Add(position, header, FindingKind.OffsetOrder, $"Offset {header.BaseOffset} follows {EndOffset - 1}.");
            _alternative = header.RecordsCount != length ? header.BaseOffset + header.RecordsCount : -1;
        }
        else
        {
            if (position == 0)
            {
                if (header.BaseOffset < BaseOffset || !AllowGaps)
                    Add(position, header, FindingKind.BaseOffset, $"The first batch begins at offset {header.BaseOffset}, the file is named after {BaseOffset}.");
            }
            else if (header.BaseOffset < expected)
            {
                Add(position, header, FindingKind.OffsetOrder, $"Offset {header.BaseOffset} follows {expected - 1}.");
            }
            else if (!AllowGaps)
            {
                Add(position, header, FindingKind.OffsetGap, $"Offset {header.BaseOffset} follows {expected - 1}. That is normal only in a compacted topic.");
            }
            _alternative = expected + length;
        }
        _expected = header.BaseOffset + length;
    }

    private void CheckEpoch(long position, RecordBatchHeader header)
    {
        var known = -1;
        foreach (var (epoch, startOffset) in LeaderEpochs ?? [])
        {
            if (startOffset <= header.BaseOffset)
                known = epoch;
        }
        if (known >= 0 && header.PartitionLeaderEpoch != known)
            Add(position, header, FindingKind.LeaderEpoch, $"Leader epoch {header.PartitionLeaderEpoch}; the checkpoint has {known} for this offset. It is outside the CRC.");
        else if (known < 0 && header.PartitionLeaderEpoch < LastEpoch)
            Add(position, header, FindingKind.LeaderEpoch, $"Leader epoch {header.PartitionLeaderEpoch} follows {LastEpoch}. It is outside the CRC.");
        else
            LastEpoch = header.PartitionLeaderEpoch;
    }

    private void CheckRecords(long position, RecordBatchHeader header, ReadOnlySpan<byte> batch)
    {
        var latest = long.MinValue;
        try
        {
            using var reader = new RecordReader(batch, MaxDecompressedBytes);
            while (reader.MoveNext())
            {
                Records++;
                latest = Math.Max(latest, reader.Current.Timestamp);
            }
        }
        catch (Exception e) when (e is CorruptBatchException or NotSupportedException)
        {
            Add(position, header, FindingKind.Records, e.Message);
            return;
        }
        if (latest > header.MaxTimestamp)
            Add(position, header, FindingKind.MaxTimestamp, $"A record has timestamp {latest}, the batch's largest is said to be {header.MaxTimestamp}.");
    }

    private void Add(long position, RecordBatchHeader header, FindingKind kind, string message) => Findings.Add(new(File, position, header.BaseOffset, kind, message));
}
