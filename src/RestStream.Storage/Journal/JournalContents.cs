using System.Buffers.Binary;
using System.Globalization;
using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Storage.Journal;

/// <summary>
/// What the journal of an earlier run holds: read once at the start, before partitions are recovered. Keeps positions, not batches.
/// Reading ends at the first entry that is not whole: it was never acknowledged.
/// </summary>
internal sealed class JournalContents : IDisposable
{
    /// <summary>Read at a time: stays in the processor's cache, and a journal of gigabytes needs no memory of that size.</summary>
    private const int ReadBytes = 1024 * 1024;

    private readonly Dictionary<(Guid TopicId, int Partition), PartitionParts> _partitions = [];
    private readonly List<(int Number, IFile Handle, long Length)> _files = [];

    /// <summary>Numbers and lengths of the files, oldest first.</summary>
    public IReadOnlyList<(int Number, long Length)> Files => [.. _files.Select(f => (f.Number, f.Length))];

    public long ScannedBytes { get; private set; }

    /// <summary>Files that ended before their end mark although a later file follows: something in them cannot be read any more.</summary>
    public IReadOnlyList<string> Damaged => _damaged;
    private readonly List<string> _damaged = [];

    /// <summary>The partition's part of the journal; empty when it has none.</summary>
    public PartitionParts Of(Guid topicId, int partition) => _partitions.GetValueOrDefault((topicId, partition)) ?? PartitionParts.None;

    /// <param name="files">The disk.</param>
    /// <param name="directory">The journal's directory; exists.</param>
    /// <param name="readEntries">False after a clean stop: the segments have everything.</param>
    public static JournalContents Read(IFileSystem files, string directory, bool readEntries)
    {
        var contents = new JournalContents();
        var numbers = files.List(directory)
            .Where(name => name.EndsWith(".journal", StringComparison.Ordinal))
            .Select(name => int.Parse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture))
            .Order().ToList();
        byte[] buffer = [];
        foreach (var number in numbers)
        {
            var handle = files.Open(Path.Combine(directory, JournalFormat.FileName(number)), create: false);
            contents._files.Add((number, handle, handle.Length));
            if (readEntries && !contents.ReadFile(contents._files.Count - 1, ref buffer) && number != numbers[^1])
                contents._damaged.Add(JournalFormat.FileName(number));
        }
        return contents;
    }

    /// <summary>The batch with this base offset, from the newest entry that has it.</summary>
    public byte[]? BatchAt(PartitionParts parts, long baseOffset)
    {
        if (!parts.Batches.TryGetValue(baseOffset, out var where))
            return null;
        var batch = new byte[where.Length];
        return _files[where.File].Handle.Read(batch, where.Position) == batch.Length && RecordBatch.IsCrcValid(batch) ? batch : null;
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Handle.Dispose();
    }

    /// <summary>True when the file ended with its end mark.</summary>
    private bool ReadFile(int index, ref byte[] buffer)
    {
        var (number, handle, length) = _files[index];
        var (filled, at, position) = (0, 0, 0L);
        for (var entry = 0; ; entry++)
        {
            var expected = JournalFormat.EntryNumber(number, entry);
            if (!Fill(ref buffer, JournalFormat.HeaderBytes)
                || !JournalFormat.TryReadLength(buffer.AsSpan(at, JournalFormat.HeaderBytes), expected, out var entryLength)
                || !Fill(ref buffer, entryLength)
                || JournalFormat.ValidEntry(buffer.AsSpan(at, entryLength), expected) == 0)
                return false;
            ReadOnlySpan<byte> parts = buffer.AsSpan(at + JournalFormat.HeaderBytes, entryLength - JournalFormat.HeaderBytes);
            while (parts.Length > 0)
            {
                var body = JournalFormat.TakePart(ref parts, out var topicId, out var partition, out var kind);
                if (kind == JournalFormat.EndPart)
                    return true;
                if (!_partitions.TryGetValue((topicId, partition), out var found))
                    _partitions[(topicId, partition)] = found = new PartitionParts();
                if (kind == JournalFormat.MarkPart)
                {
                    found.Mark(index, BinaryPrimitives.ReadInt64BigEndian(body));
                }
                else
                {
                    var header = RecordBatchHeader.Read(body);
                    found.Add(header.BaseOffset, header.NextOffset, new(index, position + entryLength - parts.Length - body.Length, body.Length));
                }
            }
            at += entryLength;
            position += entryLength;
            ScannedBytes += entryLength;
        }

        // Brings so many bytes from the position on into the buffer; false when the file has not so many.
        bool Fill(ref byte[] buffer, int count)
        {
            if (filled - at >= count)
                return true;
            if (count > length - position)
                return false;
            if (buffer.Length < count)
                buffer = [.. buffer.AsSpan(at, filled - at), .. new byte[Math.Max(count, ReadBytes) - (filled - at)]];
            else
                buffer.AsSpan(at, filled - at).CopyTo(buffer);
            (at, filled) = (0, filled - at);
            filled += handle.Read(buffer.AsSpan(filled, (int)Math.Min(buffer.Length - filled, length - position - filled)), position + filled);
            return filled >= count;
        }
    }
}

/// <summary>What the journal knows of one partition.</summary>
internal sealed class PartitionParts
{
    public static PartitionParts None { get; } = new();

    public Dictionary<long, BatchPlace> Batches { get; } = [];

    /// <summary>Everything below was acknowledged as durable.</summary>
    public long DurableEnd { get; private set; }

    /// <summary>Per journal file (by index) the end that segments must have flushed before the file may go.</summary>
    public Dictionary<int, long> EndPerFile { get; } = [];

    public void Add(long baseOffset, long end, BatchPlace place)
    {
        Batches[baseOffset] = place;
        EndPerFile[place.File] = end;
        DurableEnd = Math.Max(DurableEnd, end);
    }

    public void Mark(int file, long end)
    {
        DurableEnd = Math.Max(DurableEnd, end);
        EndPerFile[file] = Math.Max(EndPerFile.GetValueOrDefault(file), end);
    }
}

/// <summary>Where in the journal a batch stands: index of the file, position and length in bytes.</summary>
internal readonly record struct BatchPlace(int File, long Position, int Length);
