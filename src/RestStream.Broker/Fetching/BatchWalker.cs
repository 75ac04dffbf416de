using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Fetching;

/// <summary>Walks the batches of one read of a log. Lengths are checked, contents are not.</summary>
internal ref struct BatchWalker(ReadOnlySpan<byte> bytes, long from)
{
    private ReadOnlySpan<byte> _rest = bytes;
    private long _from = from;

    public BatchAt Current { get; private set; }

    public readonly BatchWalker GetEnumerator() => this;

    /// <exception cref="DamagedBatchException">The length cannot be right.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        if (_rest.Length < RecordBatchHeader.Size)
            throw new DamagedBatchException(new DamagedRange(_from, _from + 1, "", -1, "the batch header is cut short"));
        var header = RecordBatchHeader.Read(_rest);
        if (header.TotalBytes < RecordBatchHeader.Size || header.TotalBytes > _rest.Length || header.LastOffsetDelta < 0)
            throw new DamagedBatchException(new DamagedRange(_from, _from + 1, "", -1, "the batch header is nonsense"));
        Current = new BatchAt(_rest[..(int)header.TotalBytes], header.BaseOffset, _from, header.NextOffset);
        _rest = _rest[(int)header.TotalBytes..];
        _from = header.NextOffset;
        return true;
    }
}

/// <summary>One batch; it answers for all positions from <see cref="From"/> (the end of the one before, or where the read began) up to <see cref="Next"/>.</summary>
internal readonly ref struct BatchAt(ReadOnlySpan<byte> bytes, long baseOffset, long from, long next)
{
    public ReadOnlySpan<byte> Bytes { get; } = bytes;
    public long From { get; } = from;
    public long Next { get; } = next;

    public DamagedRange ToDamage(string reason) => new(baseOffset, Math.Max(Next, baseOffset + 1), "", -1, reason);
}

/// <summary>A batch that the log handed out turned out to be damaged when it was decoded.</summary>
internal sealed class DamagedBatchException(DamagedRange range, Exception? inner = null)
    : Exception($"Offsets {range.From} to {range.To - 1}: {range.Reason}", inner)
{
    public DamagedRange Range { get; } = range;

    /// <summary>Tells the log, which then skips the range and shows it in health and metrics.</summary>
    public void Report(PartitionLog log)
    {
        var segment = log.Segments.LastOrDefault(s => s.BaseOffset <= Range.From);
        log.ReportDamage(Range with { Segment = segment is null ? "" : $"{segment.BaseOffset:D20}.log" });
    }
}
