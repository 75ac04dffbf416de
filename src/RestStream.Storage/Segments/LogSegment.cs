using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// One segment: its files, its indexes and what is known about it. The writer alone changes <see cref="Size"/>; readers look at <see cref="PublishedSize"/>.
/// Files are opened at the first use. A retired segment (dropped by retention) stays readable for those who still have it until <see cref="Dispose"/>.
/// </summary>
internal sealed class LogSegment(IFileSystem files, string directory, long baseOffset, long size) : IDisposable
{
    /// <summary>Unindexed bytes from which on an index counts as cut short and is rebuilt, in index intervals. Generous: a foreign log may have used another interval.</summary>
    private const int DoubtfulIntervals = 16;

    private const long UnknownTimestamp = long.MinValue;

    private readonly Lock _lock = new();
    private IFile? _log;
    private SegmentIndexes? _indexes;
    private SegmentIndexes? _cachedIndexes;
    private bool _cachedIndexesUsed;
    private long _size = size;
    private long _publishedSize = size;
    private long _reserved;
    private long _recordCount = -1;
    private long _largestTimestamp = UnknownTimestamp;
    private bool _disposed;
    private string _suffix = "";

    public long BaseOffset { get; } = baseOffset;

    /// <summary>Bytes of whole batches in the file.</summary>
    public long Size
    {
        get => Volatile.Read(ref _size);
        set => Volatile.Write(ref _size, value);
    }

    /// <summary>Bytes that readers may see.</summary>
    public long PublishedSize
    {
        get => Volatile.Read(ref _publishedSize);
        set => Volatile.Write(ref _publishedSize, value);
    }

    /// <summary>Byte ranges that hold no readable batch; walkers jump over them. Replaced as a whole.</summary>
    public SegmentHole[] Holes { get; set; } = [];

    /// <summary>Aborted transactions whose marker lies here; null until loaded.</summary>
    public List<AbortedTransaction>? Aborted { get; set; }

    /// <summary>Largest timestamp of the first batch, on which rolling by time is based; -1 unknown.</summary>
    public long FirstBatchTimestamp { get; set; } = -1;

    /// <summary>Records in a closed segment, markers included; -1 until somebody counted them.</summary>
    public long RecordCount { get => Volatile.Read(ref _recordCount); set => Volatile.Write(ref _recordCount, value); }

    /// <summary>Indexes in memory differ from the files.</summary>
    public bool IndexesDirty { get; set; }

    public bool Retired { get; private set; }

    public string Name => SegmentNames.File(BaseOffset, SegmentNames.LogSuffix);

    public string PathOf(string suffix) => Path.Combine(directory, SegmentNames.File(BaseOffset, suffix));

    /// <summary>The open <c>.log</c>.</summary>
    /// <exception cref="ObjectDisposedException">The segment was deleted or the log closed.</exception>
    public IFile Log
    {
        get
        {
            if (Volatile.Read(ref _log) is { } open)
                return open;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _log ??= files.OpenToKeep(PathOf(SegmentNames.LogSuffix) + _suffix, create: false);
            }
        }
    }

    /// <summary>Makes the empty <c>.log</c>.</summary>
    public void CreateFile()
    {
        var log = files.OpenToKeep(PathOf(SegmentNames.LogSuffix), create: true);
        if (log.Length > 0)
            log.SetLength(0);
        _log = log;
        Aborted = [];
        _indexes = new SegmentIndexes();
    }

    /// <summary>The indexes if they are in memory.</summary>
    public SegmentIndexes? IndexesInMemory
    {
        get
        {
            if (Volatile.Read(ref _indexes) is { } own)
                return own;
            if (Volatile.Read(ref _cachedIndexes) is not { } cached)
                return null;
            Volatile.Write(ref _cachedIndexesUsed, true);
            return cached;
        }
    }

    /// <summary>Largest timestamp in a closed segment whose indexes were in memory once, else null.</summary>
    public long? LargestTimestamp => Volatile.Read(ref _largestTimestamp) is var known && known != UnknownTimestamp ? known : null;

    /// <summary>Keeps indexes in memory: for good (the active segment, or not yet written), or while they are used (<see cref="DropIdleIndexes"/>).</summary>
    public void KeepIndexes(SegmentIndexes indexes, bool forGood)
    {
        if (!forGood)
            Volatile.Write(ref _largestTimestamp, indexes.Largest.Timestamp);
        Volatile.Write(ref _cachedIndexesUsed, true);
        Volatile.Write(ref _cachedIndexes, forGood ? null : indexes);
        Volatile.Write(ref _indexes, forGood ? indexes : null);
    }

    /// <summary>Lets go of indexes that can be read again from their files and that nobody looked at since the last call.</summary>
    public void DropIdleIndexes()
    {
        if (!Volatile.Read(ref _cachedIndexesUsed))
            Volatile.Write(ref _cachedIndexes, null);
        Volatile.Write(ref _cachedIndexesUsed, false);
    }

    /// <summary>Takes in a batch that is about to be written at <paramref name="position"/>.</summary>
    public void Index(in RecordBatchHeader header, long position, int intervalBytes)
    {
        if (position == 0)
            FirstBatchTimestamp = header.MaxTimestamp;
        _indexes!.Add(header, BaseOffset, position, intervalBytes);
        IndexesDirty = true;
    }

    /// <summary>Makes sure that the blocks up to this length are there, in steps that grow with the segment.</summary>
    public void Reserve(long length)
    {
        if (length <= _reserved)
            return;
        var target = length + Math.Clamp(length / 4, 64 * 1024, 4 * 1024 * 1024);
        Log.Reserve(target);
        _reserved = target;
    }

    /// <summary>Gives reserved blocks behind the end back.</summary>
    public void Trim()
    {
        if (_reserved > Size)
            Log.SetLength(Size);
        _reserved = 0;
    }

    /// <summary>Writes the index files from memory and, when asked, makes them durable.</summary>
    public void WriteIndexes()
    {
        if (!IndexesDirty || IndexesInMemory is not { } indexes)
            return;
        WriteWhole(SegmentNames.IndexSuffix, indexes.Offsets.ToBytes());
        WriteWhole(SegmentNames.TimeIndexSuffix, indexes.Times.ToBytes());
        if (Aborted is { Count: > 0 } aborted)
            WriteWhole(SegmentNames.TransactionIndexSuffix, TransactionIndex.ToBytes(aborted));
        else if (Aborted is not null && files.FileExists(PathOf(SegmentNames.TransactionIndexSuffix)))
            files.DeleteFile(PathOf(SegmentNames.TransactionIndexSuffix));
        IndexesDirty = false;
    }

    /// <summary>
    /// Reads the index files and checks them against each other and the log as far as that is cheap. Null when in doubt: the caller scans the segment.
    /// Also tells where the chain of headers ends, which for an intact segment is <paramref name="size"/>.
    /// </summary>
    public SegmentIndexes? TryLoadIndexes(long size, int intervalBytes, out long endOffset)
    {
        endOffset = BaseOffset;
        // By its own name: once the segment was replaced, the plain one is its successor's.
        var (offsetsPath, timesPath) = (PathOf(SegmentNames.IndexSuffix) + _suffix, PathOf(SegmentNames.TimeIndexSuffix) + _suffix);
        if (!files.FileExists(offsetsPath) || !files.FileExists(timesPath))
            return null;
        var offsets = OffsetIndex.TryParse(AtomicFile.Read(files, offsetsPath), size);
        var times = TimeIndex.TryParse(AtomicFile.Read(files, timesPath));
        if (offsets is null || times is null || (offsets.Count > 0 && times.Count == 0))
            return null;
        var lastTime = times.Last;
        var timeFloor = times.Count > 0 ? offsets.Floor(lastTime.RelativeOffset) : -1;
        var from = timeFloor >= 0 ? offsets[timeFloor].Position : 0;
        var indexes = new SegmentIndexes(offsets, times);
        var timeSeen = times.Count == 0;
        using var window = new FileWindow(Log, size, 64 * 1024);
        var walk = new HeaderWalk(window, Holes, from, BaseOffset);
        while (walk.MoveNext())
        {
            var relative = (int)Math.Min(int.MaxValue, walk.Header.LastOffset - BaseOffset);
            if (walk.Position == offsets.LastPosition && offsets.Count > 0 && relative != offsets[offsets.Count - 1].RelativeOffset)
                return null;
            if (walk.Position - offsets.LastPosition > (long)intervalBytes * DoubtfulIntervals)
                return null;
            timeSeen |= relative == lastTime.RelativeOffset && walk.Header.MaxTimestamp == lastTime.Timestamp;
            indexes.SeeTimestamp(walk.Header.MaxTimestamp, relative);
            endOffset = walk.Header.NextOffset;
        }
        return walk.IsBroken || !timeSeen ? null : indexes;
    }

    /// <summary>Renames the files to <c>.deleted</c> and returns their new paths. Those who hold the segment can go on reading.</summary>
    /// <param name="keepSnapshot">The producers' state at the base offset is still the start of a segment.</param>
    public List<string> Retire(bool keepSnapshot = false)
    {
        var renamed = new List<string>();
        lock (_lock)
        {
            Retired = true;
            foreach (var suffix in (ReadOnlySpan<string>)[SegmentNames.LogSuffix, .. SegmentNames.Companions])
            {
                var path = PathOf(suffix);
                if (!files.FileExists(path) || (keepSnapshot && suffix == SegmentNames.SnapshotSuffix))
                    continue;
                files.Rename(path, path + SegmentNames.DeletedSuffix);
                renamed.Add(path + SegmentNames.DeletedSuffix);
            }
            _suffix = SegmentNames.DeletedSuffix;
        }
        return renamed;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _log?.Dispose();
        }
    }

    private void WriteWhole(string suffix, byte[] content)
    {
        using var file = files.Open(PathOf(suffix), create: true);
        if (content.Length > 0)
            file.Write(content, 0);
        file.SetLength(content.Length);
        file.Flush();
    }
}

/// <summary>Bytes from <paramref name="From"/> to <paramref name="To"/> (exclusive) of a segment hold nothing readable.</summary>
internal readonly record struct SegmentHole(long From, long To);
