using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>Tells good batches from damaged ones in the bytes of a segment, and finds the next good one behind damage.</summary>
internal sealed class BatchScanner(IFile file, long end) : IDisposable
{
    /// <summary>Bytes after the length field that the header itself takes.</summary>
    public const int MinBatchLength = RecordBatchHeader.Size - RecordBatchHeader.LogOverhead;

    private const int WindowBytes = 1024 * 1024, MagicPosition = 16;

    private readonly FileWindow _window = new(file, end, WindowBytes);

    public long End
    {
        get => _window.End;
        set => _window.End = value;
    }

    /// <summary>
    /// Whether a batch with a right checksum starts here. Base offset, leader epoch and magic lie outside the checksum: a caller judges them by the neighbours.
    /// </summary>
    public bool IsGood(long position, out RecordBatchHeader header, out string problem)
    {
        header = default;
        var bytes = _window.Get(position, RecordBatchHeader.Size);
        if (bytes.Length < RecordBatchHeader.Size)
        {
            problem = $"only {bytes.Length} bytes of a header";
            return false;
        }
        header = RecordBatchHeader.Read(bytes);
        if (header.BatchLength < MinBatchLength)
        {
            problem = $"batch length {header.BatchLength} is too small";
            return false;
        }
        if (header.TotalBytes > End - position)
        {
            problem = $"batch length {header.BatchLength} reaches beyond the end of the file";
            return false;
        }
        var crc = ComputeCrc(position, header.TotalBytes);
        problem = crc == header.Crc ? "" : $"checksum is {crc:x8}, stored {header.Crc:x8}";
        return crc == header.Crc && header.LastOffsetDelta >= 0;
    }

    /// <summary>Whether the batch that starts here would be good if it ended at <paramref name="batchEnd"/>, which tells that only its length is damaged.</summary>
    public bool IsGoodUntil(long position, long batchEnd)
    {
        var bytes = _window.Get(position, RecordBatchHeader.Size);
        if (bytes.Length < RecordBatchHeader.Size || batchEnd - position < RecordBatchHeader.Size)
            return false;
        var header = RecordBatchHeader.Read(bytes);
        return header.TotalBytes != batchEnd - position && header.LastOffsetDelta >= 0 && ComputeCrc(position, batchEnd - position) == header.Crc;
    }

    /// <summary>
    /// Position of the first good batch at or behind <paramref name="from"/> whose offsets lie in the range, or -1. Tries every byte, so nothing that can still be read is given up.
    /// </summary>
    public long FindNext(long from, long minOffset, long maxOffset)
    {
        while (from + RecordBatchHeader.Size <= End)
        {
            var bytes = _window.GetRest(from, RecordBatchHeader.Size);
            if (bytes.Length < RecordBatchHeader.Size)
                return -1;
            var candidates = bytes.Length - RecordBatchHeader.Size + 1;
            var found = bytes.Slice(MagicPosition, candidates).IndexOf((byte)RecordBatchHeader.CurrentMagic);
            if (found < 0)
            {
                from += candidates;
                continue;
            }
            from += found;
            var header = RecordBatchHeader.Read(bytes[found..]);
            if (IsPlausible(header, from, minOffset, maxOffset) && ComputeCrc(from, header.TotalBytes) == header.Crc)
                return from;
            from++;
        }
        return -1;
    }

    /// <summary>The bytes of a batch; empty when it is larger than the window (which no control batch is).</summary>
    public ReadOnlySpan<byte> Bytes(long position, in RecordBatchHeader header) =>
        header.TotalBytes <= _window.Capacity ? _window.Get(position, (int)header.TotalBytes) : default;

    /// <summary>Call after writing to the file.</summary>
    public void Forget() => _window.Forget();

    public void Dispose() => _window.Dispose();

    private bool IsPlausible(in RecordBatchHeader header, long position, long minOffset, long maxOffset) =>
        header.BatchLength >= MinBatchLength
        && header.TotalBytes <= End - position
        && (header.Attributes & ~0x7F) == 0
        && header.LastOffsetDelta >= 0
        && header.RecordsCount >= 0
        && header.BaseOffset >= minOffset
        && header.BaseOffset <= maxOffset - 1 - header.LastOffsetDelta;

    private uint ComputeCrc(long position, long totalBytes)
    {
        var from = position + RecordBatch.CrcStart;
        var left = totalBytes - RecordBatch.CrcStart;
        if (totalBytes <= _window.Capacity)
            return Crc32C.Compute(_window.Get(position, (int)totalBytes)[RecordBatch.CrcStart..]);
        var crc = 0u;
        while (left > 0)
        {
            var piece = _window.Get(from, (int)Math.Min(left, _window.Capacity));
            if (piece.Length == 0)
                break;
            crc = Crc32C.Append(crc, piece);
            from += piece.Length;
            left -= piece.Length;
        }
        return crc;
    }
}
