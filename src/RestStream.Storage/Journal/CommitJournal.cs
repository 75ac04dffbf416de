using System.Buffers.Binary;
using RestStream.Storage.Files;

namespace RestStream.Storage.Journal;

/// <summary>
/// The commit journal's writing end: one write and one flush make a whole group of appends durable, over however many partitions.
/// Files are zero-filled ahead of the writing (a flush of blocks that exist already is cheaper than one that grows a file) and used again, oldest first,
/// once the segments hold what they held. Committer thread only, but for <see cref="LiveBytes"/> and <see cref="Release"/>.
/// Failure policy: <see cref="Prepare"/> may refuse with a full disk and leaves everything as it was; a failure of <see cref="Write"/> is final, the owner stops all writes.
/// </summary>
internal sealed class CommitJournal : IDisposable
{
    /// <summary>Zeros are written ahead in pieces of this size: 4 MiB take about 2 ms, and a small server keeps a small journal.</summary>
    private const int FillBytes = 4 * 1024 * 1024;

    private static readonly byte[] Zeros = new byte[256 * 1024];

    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly int _fileBytes;
    private readonly Lock _lock = new();
    private readonly Queue<JournalFile> _used = new();
    private readonly Queue<JournalFile> _free = new();
    private JournalFile? _current;
    private IFile? _handle;
    private byte[] _entry = new byte[64 * 1024];
    private int _entryLength;

    /// <param name="files">The disk.</param>
    /// <param name="directory">The journal's directory; exists.</param>
    /// <param name="fileBytes">Size of one file; an entry that is larger makes its file larger.</param>
    /// <param name="found">Files of earlier runs, oldest first, with the offsets that segments must reach before each may be used again.</param>
    public CommitJournal(IFileSystem files, string directory, int fileBytes, IEnumerable<JournalFile> found)
    {
        (_files, _directory, _fileBytes) = (files, directory, fileBytes);
        foreach (var file in found)
        {
            NextFileNumber = Math.Max(NextFileNumber, file.Number + 1);
            _used.Enqueue(file);
        }
        Begin();
    }

    private int NextFileNumber { get; set; } = 1;

    /// <summary>Bytes in files that may not be used again yet.</summary>
    public long LiveBytes { get { lock (_lock) return _used.Sum(f => f.Length) + (_current?.Position ?? 0); } }

    /// <summary>Starts a new entry in memory.</summary>
    public void Begin() => _entryLength = JournalFormat.HeaderBytes;

    public void AddBatch(PartitionLog log, ReadOnlySpan<byte> batch)
    {
        var destination = Extend(JournalFormat.PartHeaderBytes + batch.Length);
        JournalFormat.WritePartHeader(destination, log.TopicId, log.Id.Partition, JournalFormat.BatchPart);
        batch.CopyTo(destination[JournalFormat.PartHeaderBytes..]);
    }

    /// <summary>Notes that a partition is durable up to this offset although the journal does not hold it.</summary>
    public void AddMark(PartitionLog log, long durableEnd)
    {
        var destination = Extend(JournalFormat.PartHeaderBytes + 8);
        JournalFormat.WritePartHeader(destination, log.TopicId, log.Id.Partition, JournalFormat.MarkPart);
        BinaryPrimitives.WriteInt64BigEndian(destination[JournalFormat.PartHeaderBytes..], durableEnd);
    }

    public bool IsEmpty => _entryLength == JournalFormat.HeaderBytes;

    /// <summary>Finds room on the disk for the entry as it is now.</summary>
    /// <exception cref="IOException">No room, or no file could be made; nothing has changed.</exception>
    public void Prepare()
    {
        var needed = _entryLength + JournalFormat.HeaderBytes + JournalFormat.PartHeaderBytes;
        if (_current is null || (_current.Position > 0 && _current.Position + needed > Math.Max(_fileBytes, _current.Length)))
            SwitchFile(needed);
        else
            Fill(_handle!, _current, _current.Position + needed);
    }

    /// <summary>Writes the entry; durable only when <paramref name="flush"/>. What it holds keeps its file from being used again until <see cref="Release"/>.</summary>
    public void Write(bool flush)
    {
        var file = _current!;
        var entry = _entry.AsSpan(0, _entryLength);
        JournalFormat.Seal(entry, JournalFormat.EntryNumber(file.Number, file.Entries));
        _handle!.Write(entry, file.Position);
        lock (_lock)
        {
            file.Entries++;
            file.Position += entry.Length;
        }
        if (flush)
            _handle.Flush();
    }

    /// <summary>The current file keeps batches of this partition up to <paramref name="end"/>.</summary>
    public void Covers(PartitionLog log, long end)
    {
        lock (_lock)
            _current!.Ends[log] = end;
    }

    /// <summary>Gives files free whose batches are all flushed in their segments (<paramref name="flushedUpTo"/> answers how far each is), oldest first, as far as they are in a row.</summary>
    public void Release(Func<PartitionLog, long> flushedUpTo)
    {
        lock (_lock)
        {
            while (_used.TryPeek(out var oldest) && oldest.Ends.All(end => flushedUpTo(end.Key) >= end.Value))
            {
                _used.Dequeue();
                oldest.Ends.Clear();
                _free.Enqueue(oldest);
            }
        }
    }

    public void Dispose() => _handle?.Dispose();

    private Span<byte> Extend(int bytes)
    {
        if (_entry.Length - _entryLength < bytes)
            Array.Resize(ref _entry, checked((int)Math.Min(Array.MaxLength, Math.Max(_entry.Length * 2L, _entryLength + (long)bytes))));
        var piece = _entry.AsSpan(_entryLength, bytes);
        _entryLength += bytes;
        return piece;
    }

    private void SwitchFile(int needed)
    {
        var next = new JournalFile(NextFileNumber);
        var path = Path.Combine(_directory, JournalFormat.FileName(next.Number));
        JournalFile? reused;
        lock (_lock)
            _free.TryPeek(out reused);

        IFile handle;
        if (reused is not null)
        {
            _files.Rename(Path.Combine(_directory, JournalFormat.FileName(reused.Number)), path);
            lock (_lock)
                _free.Dequeue();
            handle = _files.Open(path, create: false);
            next.Length = handle.Length;
        }
        else
        {
            handle = _files.Open(path, create: true);
        }
        NextFileNumber++;

        try
        {
            Fill(handle, next, needed);
            handle.Flush();
            _files.FlushDirectory(_directory);
        }
        catch (IOException)
        {
            handle.Dispose();
            _files.DeleteFile(path);
            throw;
        }

        if (_current is not null)
            WriteEnd();
        lock (_lock)
        {
            if (_current is not null)
                _used.Enqueue(_current);
            _current = next;
        }
        _handle?.Dispose();
        _handle = handle;
    }

    /// <summary>Ends a file so that a reader can tell a full one from one whose last entries were lost. Prepare always leaves room for it.</summary>
    private void WriteEnd()
    {
        Span<byte> end = stackalloc byte[JournalFormat.HeaderBytes + JournalFormat.PartHeaderBytes];
        JournalFormat.WritePartHeader(end[JournalFormat.HeaderBytes..], Guid.Empty, 0, JournalFormat.EndPart);
        JournalFormat.Seal(end, JournalFormat.EntryNumber(_current!.Number, _current.Entries));
        _handle!.Write(end, _current.Position);
        _handle.Flush();
    }

    private void Fill(IFile handle, JournalFile file, long upTo)
    {
        if (upTo <= file.Length)
            return;
        var target = Math.Max(upTo, Math.Min(_fileBytes, (upTo + FillBytes - 1) / FillBytes * FillBytes));
        try
        {
            for (var position = file.Length; position < target; position += Zeros.Length)
                handle.Write(Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, target - position)), position);
        }
        catch (IOException)
        {
            handle.SetLength(file.Length);
            throw;
        }
        file.Length = target;
    }
}

/// <summary>One journal file: how much of it is used, and which segments must be flushed how far before it may be used again.</summary>
internal sealed class JournalFile(int number)
{
    public int Number { get; } = number;
    public long Length { get; set; }
    public long Position { get; set; }
    public int Entries { get; set; }
    public Dictionary<PartitionLog, long> Ends { get; } = [];
}
