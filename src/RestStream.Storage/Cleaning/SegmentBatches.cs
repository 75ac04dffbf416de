using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// The batches of one closed segment, whole, one after the other, each with its checksum checked. What cannot be right ends in <see cref="CorruptBatchException"/>:
/// whoever copies a log must not leave out what it cannot read.
/// </summary>
/// <param name="segment">Not the one that is written to.</param>
/// <param name="fromPosition">Where a batch starts.</param>
/// <param name="nextBase">Where the next segment begins.</param>
internal sealed class SegmentBatches(LogSegment segment, long fromPosition, long nextBase) : IDisposable
{
    private const int WindowBytes = 1024 * 1024;

    private readonly FileWindow _window = new(segment.Log, segment.Size, WindowBytes);
    private long _next = fromPosition;
    private long _minOffset = segment.BaseOffset;
    private BatchBuffer? _large;

    public RecordBatchHeader Header { get; private set; }

    public bool MoveNext(out ReadOnlySpan<byte> batch)
    {
        batch = default;
        if (_next >= segment.Size)
            return false;
        var bytes = _window.Get(_next, RecordBatchHeader.Size);
        if (bytes.Length < RecordBatchHeader.Size)
            throw Corrupt($"only {bytes.Length} bytes of a header");
        var header = RecordBatchHeader.Read(bytes);
        // The base offset has no checksum. Where nothing was compacted yet batches follow each other without a gap, so a wrong one collides with its neighbours.
        if (!HeaderWalk.IsSound(header, _minOffset, segment.Size - _next) || header.NextOffset > nextBase)
            throw Corrupt("the header cannot be right");
        batch = header.TotalBytes <= _window.Capacity ? _window.Get(_next, (int)header.TotalBytes) : ReadLarge((int)header.TotalBytes);
        if (batch.Length < header.TotalBytes || !RecordBatch.IsCrcValid(batch))
            throw Corrupt("the checksum is wrong");
        Header = header;
        _minOffset = header.NextOffset;
        _next += header.TotalBytes;
        return true;
    }

    public void Dispose()
    {
        _window.Dispose();
        _large?.Dispose();
        _large = null;
    }

    private ReadOnlySpan<byte> ReadLarge(int bytes)
    {
        _large ??= BatchBuffer.Rent(bytes);
        _large.Length = 0;
        _large.EnsureCapacity(bytes);
        _large.Length = segment.Log.Read(_large.Whole[..bytes], _next);
        return _large.Span;
    }

    private CorruptBatchException Corrupt(string why) => new($"{segment.Name} at {_next}: {why}");
}
