using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Segments;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// The files that are to take the place of one or several segments, while they are written: <c>.log.cleaned</c> and, at the end, its indexes. Nobody reads them before
/// <see cref="PartitionLog.Replace"/> gave them their names. What a crash leaves of them is deleted at the next start.
/// </summary>
internal sealed class CleanedSegment(IFileSystem files, string directory, long baseOffset, int indexIntervalBytes, Action<long> checkRoom) : IDisposable
{
    private const int WriteBytes = 1024 * 1024;

    private readonly SegmentIndexes _indexes = new();
    private readonly BatchBuffer _pending = BatchBuffer.Rent(WriteBytes + (64 * 1024));
    private readonly IFile _log = CreateEmpty(files, Path.Combine(directory, SegmentNames.File(baseOffset, SegmentNames.LogSuffix)) + SegmentNames.CleanedSuffix);
    private readonly List<string> _suffixes = [SegmentNames.LogSuffix];
    private long _written;
    private int _indexed;
    private long _firstTimestamp = -1;

    public long BaseOffset => baseOffset;

    /// <summary>What was not written yet; append batches here, then call <see cref="Added"/>.</summary>
    public BatchBuffer Pending => _pending;

    public long Size => _written + _pending.Length;

    /// <summary>Records in the batches that were added.</summary>
    public long Records { get; private set; }

    /// <summary>The aborted transactions whose markers lie here.</summary>
    public List<AbortedTransaction> Aborted { get; } = [];

    /// <summary>The suffixes of the files, the log's last: while it has not got its new name, the renaming is not done.</summary>
    public IReadOnlyList<string> Suffixes => _suffixes;

    /// <summary>Takes in what was appended to <see cref="Pending"/> since the last call: one batch, or nothing.</summary>
    public void Added()
    {
        if (_indexed == _pending.Length)
            return;
        var header = RecordBatchHeader.Read(_pending.Span[_indexed..]);
        var position = _written + _indexed;
        if (position + header.TotalBytes > int.MaxValue)
            throw new NotSupportedException($"The cleaned segment at offset {baseOffset} would reach 2 GiB: its codec packs worse here than where the records came from. Choose a smaller segment.bytes.");
        if (position == 0)
            _firstTimestamp = header.MaxTimestamp;
        _indexes.Add(header, baseOffset, position, indexIntervalBytes);
        Records += header.RecordsCount;
        _indexed = _pending.Length;
        if (_pending.Length >= WriteBytes)
            WritePending();
    }

    /// <summary>Writes what is left and makes the log's content durable.</summary>
    public void Finish()
    {
        WritePending();
        _log.Flush();
        _indexes.Finish();
    }

    /// <summary>Writes the index files, durably. The log's directory must be held against deletion.</summary>
    public void WriteIndexes()
    {
        Write(SegmentNames.IndexSuffix, _indexes.Offsets.ToBytes());
        Write(SegmentNames.TimeIndexSuffix, _indexes.Times.ToBytes());
        if (Aborted.Count > 0)
            Write(SegmentNames.TransactionIndexSuffix, TransactionIndex.ToBytes(Aborted));
    }

    /// <summary>The segment as readers see it, once the files have their names.</summary>
    public LogSegment ToSegment()
    {
        var segment = new LogSegment(files, directory, baseOffset, _written) { Aborted = Aborted, FirstBatchTimestamp = _firstTimestamp, RecordCount = Records };
        segment.KeepIndexes(_indexes, forGood: false);
        return segment;
    }

    /// <summary>Deletes the files as far as they still have the names they were made with. The log's directory must be held against deletion.</summary>
    public void Delete()
    {
        // The log last: it is what tells the next start that the others mean nothing.
        foreach (var suffix in _suffixes)
        {
            var path = Path.Combine(directory, SegmentNames.File(baseOffset, suffix));
            foreach (var stage in (ReadOnlySpan<string>)[SegmentNames.SwapSuffix, SegmentNames.CleanedSuffix])
            {
                if (files.FileExists(path + stage))
                    files.DeleteFile(path + stage);
            }
        }
    }

    public void Dispose()
    {
        _log.Dispose();
        _pending.Dispose();
    }

    private void WritePending()
    {
        if (_pending.Length == 0)
            return;
        checkRoom(_pending.Length);
        _log.Write(_pending.Span, _written);
        _written += _pending.Length;
        _pending.Length = _indexed = 0;
    }

    private void Write(string suffix, byte[] content)
    {
        _suffixes.Insert(0, suffix);
        using var file = CreateEmpty(files, Path.Combine(directory, SegmentNames.File(baseOffset, suffix)) + SegmentNames.CleanedSuffix);
        if (content.Length > 0)
            file.Write(content, 0);
        file.Flush();
    }

    private static IFile CreateEmpty(IFileSystem files, string path)
    {
        var file = files.Open(path, create: true);
        if (file.Length > 0)
            file.SetLength(0);
        return file;
    }
}
