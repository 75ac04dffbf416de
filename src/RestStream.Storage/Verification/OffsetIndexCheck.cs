using System.Buffers.Binary;

namespace RestStream.Storage.Verification;

/// <summary>Holds a .index against the batches of its segment, which are told in the order of their positions.</summary>
internal sealed class OffsetIndexCheck
{
    private const int EntryBytes = 8;

    private readonly string _file;
    private readonly List<VerifyFinding> _findings;

    // In the order of positions, so that one entry that points far away does not hide those behind it.
    private readonly Entry[] _entries;
    private int _next;

    /// <summary>Reads the file. With <paramref name="beingWritten"/> it may be preallocated: zeros at its end are no entries.</summary>
    public OffsetIndexCheck(string file, long baseOffset, bool beingWritten, List<VerifyFinding> findings)
    {
        _file = file;
        _findings = findings;
        var bytes = LogFileReader.ReadAll(file);
        if (bytes.Length % EntryBytes != 0)
            findings.Add(new(file, bytes.Length - (bytes.Length % EntryBytes), -1, FindingKind.IndexLength, $"{bytes.Length} bytes are no multiple of {EntryBytes}."));

        var count = bytes.Length / EntryBytes;
        while (beingWritten && count > 0 && BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((count - 1) * EntryBytes)) == 0)
            count--;
        _entries = new Entry[count];
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.AsSpan(i * EntryBytes, EntryBytes);
            _entries[i] = new Entry(i, baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry), BinaryPrimitives.ReadInt32BigEndian(entry[4..]));
            if (i > 0 && (_entries[i].Offset <= _entries[i - 1].Offset || _entries[i].Position <= _entries[i - 1].Position))
                Add(_entries[i], FindingKind.IndexOrder, $"does not ascend: the entry before has offset {_entries[i - 1].Offset} at position {_entries[i - 1].Position}.");
        }
        Array.Sort(_entries, (a, b) => a.Position.CompareTo(b.Position));
    }

    public void Batch(long position, long lastOffset)
    {
        for (; _next < _entries.Length && _entries[_next].Position <= position; _next++)
        {
            var entry = _entries[_next];
            if (entry.Position < position)
                Add(entry, FindingKind.IndexPosition, "points to where no batch starts.");
            else if (entry.Offset != lastOffset)
                Add(entry, FindingKind.IndexOffset, $"points to a batch that ends at offset {lastOffset}.");
        }
    }

    /// <summary>Nothing can be said of entries into damaged bytes.</summary>
    public void Damage(long from, long to)
    {
        for (; _next < _entries.Length && _entries[_next].Position < to; _next++)
        {
            if (_entries[_next].Position < from)
                Add(_entries[_next], FindingKind.IndexPosition, "points to where no batch starts.");
        }
    }

    public void End()
    {
        for (; _next < _entries.Length; _next++)
            Add(_entries[_next], FindingKind.IndexPosition, "points behind the last batch.");
    }

    private void Add(Entry entry, FindingKind kind, string what) =>
        _findings.Add(new(_file, (long)entry.Number * EntryBytes, entry.Offset, kind, $"Entry {entry.Number} (offset {entry.Offset} at position {entry.Position}) {what}"));

    private readonly record struct Entry(int Number, long Offset, int Position);
}
