using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// Walks from header to header without reading bodies or checking CRCs, jumping over known holes. Ends at the end of the window's file;
/// <see cref="IsBroken"/> when something there cannot be the header that must follow.
/// </summary>
internal ref struct HeaderWalk(FileWindow window, SegmentHole[] holes, long position, long minOffset)
{
    private long _next = position;

    public RecordBatchHeader Header { get; private set; }
    public long Position { get; private set; }
    public bool IsBroken { get; private set; }

    /// <summary>Where the batch behind <see cref="Header"/> starts.</summary>
    public readonly long NextPosition => _next;

    public bool MoveNext()
    {
        foreach (var hole in holes)
        {
            if (_next >= hole.From && _next < hole.To)
                _next = hole.To;
        }
        if (_next >= window.End)
            return false;
        var bytes = window.Get(_next, RecordBatchHeader.Size);
        if (bytes.Length < RecordBatchHeader.Size)
            return Break();
        var header = RecordBatchHeader.Read(bytes);
        if (!IsSound(header, minOffset, window.End - _next))
            return Break();
        Header = header;
        Position = _next;
        minOffset = header.NextOffset;
        _next += header.TotalBytes;
        return true;
    }

    /// <summary>Whether these fields can be a batch that begins at or above <paramref name="minOffset"/> and ends within <paramref name="bytesLeft"/>.</summary>
    public static bool IsSound(in RecordBatchHeader header, long minOffset, long bytesLeft) =>
        header.BatchLength >= BatchScanner.MinBatchLength
        && header.TotalBytes <= bytesLeft
        && header.Magic == RecordBatchHeader.CurrentMagic
        && header.LastOffsetDelta >= 0
        && header.BaseOffset >= minOffset;

    private bool Break()
    {
        IsBroken = true;
        return false;
    }
}
