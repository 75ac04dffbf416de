using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>Both indexes of one segment and the rule by which batches get entries: the same while appending and while rebuilding, so both give the same bytes.</summary>
internal sealed class SegmentIndexes(OffsetIndex offsets, TimeIndex times)
{
    private int _lastIndexedPosition = offsets.LastPosition;

    public SegmentIndexes() : this(new OffsetIndex(), new TimeIndex()) { }

    public OffsetIndex Offsets { get; } = offsets;

    public TimeIndex Times { get; } = times;

    /// <summary>Largest timestamp so far, -1 when there is no batch, and the last offset of the first batch that has it, relative to the base.</summary>
    public TimeIndex.Entry Largest { get; private set; } = times.Last;

    /// <summary>Takes in the next batch. It gets an entry when more than <paramref name="intervalBytes"/> lie between its start and that of the last one with an entry.</summary>
    public void Add(in RecordBatchHeader header, long segmentBase, long position, int intervalBytes)
    {
        var lastOffset = (int)(header.LastOffset - segmentBase);
        SeeTimestamp(header.MaxTimestamp, lastOffset);
        if (position - _lastIndexedPosition <= intervalBytes)
            return;
        Offsets.Append(lastOffset, (int)position);
        Times.AppendIfLater(Largest.Timestamp, Largest.RelativeOffset);
        _lastIndexedPosition = (int)position;
    }

    public void SeeTimestamp(long timestamp, int lastOffset)
    {
        if (timestamp > Largest.Timestamp)
            Largest = new(timestamp, lastOffset);
    }

    /// <summary>The last time entry, forced when a segment is closed.</summary>
    public void Finish() => Times.AppendIfLater(Largest.Timestamp, Largest.RelativeOffset);
}
