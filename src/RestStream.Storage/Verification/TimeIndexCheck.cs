using System.Buffers.Binary;

namespace RestStream.Storage.Verification;

/// <summary>Holds a .timeindex against the batches of its segment, which are told in the order of their offsets.</summary>
internal sealed class TimeIndexCheck
{
    private const int EntryBytes = 12;

    private readonly string _file;
    private readonly List<VerifyFinding> _findings;

    // In the order of offsets, so that one entry with a far offset does not hide those behind it.
    private readonly Entry[] _entries;
    private readonly bool _beingWritten;
    private readonly long _lastTimestamp = -1;
    private int _next;
    private long _largest = -1;
    private bool _damaged;

    /// <summary>Reads the file. With <paramref name="beingWritten"/> it may be preallocated and may lack its last entry.</summary>
    public TimeIndexCheck(string file, long baseOffset, bool beingWritten, List<VerifyFinding> findings)
    {
        _file = file;
        _findings = findings;
        _beingWritten = beingWritten;
        var bytes = LogFileReader.ReadAll(file);
        if (bytes.Length % EntryBytes != 0)
        {
            findings.Add(new(file, bytes.Length - (bytes.Length % EntryBytes), -1, FindingKind.IndexLength, $"{bytes.Length} bytes are no multiple of {EntryBytes}."));
            _damaged = true;
        }

        var count = bytes.Length / EntryBytes;
        while (beingWritten && count > 0 && !bytes.AsSpan((count - 1) * EntryBytes, EntryBytes).ContainsAnyExcept((byte)0))
            count--;
        _entries = new Entry[count];
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.AsSpan(i * EntryBytes, EntryBytes);
            _entries[i] = new Entry(i, BinaryPrimitives.ReadInt64BigEndian(entry), baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry[8..]));
            if (i > 0 && (_entries[i].Timestamp <= _entries[i - 1].Timestamp || _entries[i].Offset < _entries[i - 1].Offset))
                Add(_entries[i], FindingKind.TimeIndexOrder, $"does not ascend: the entry before has timestamp {_entries[i - 1].Timestamp} at offset {_entries[i - 1].Offset}.");
            _lastTimestamp = _entries[i].Timestamp;
        }
        Array.Sort(_entries, (a, b) => a.Offset.CompareTo(b.Offset));
    }

    public void Batch(long baseOffset, long lastOffset, long maxTimestamp)
    {
        _largest = Math.Max(_largest, maxTimestamp);
        for (; _next < _entries.Length && _entries[_next].Offset <= lastOffset; _next++)
        {
            var entry = _entries[_next];
            if (entry.Offset < lastOffset)
            {
                // Behind damage nobody knows where the lost batches ended.
                if (entry.Offset >= baseOffset || !_damaged)
                    Add(entry, FindingKind.TimeIndexOffset, $"has an offset at which no batch ends; the next ends at {lastOffset}.");
            }
            else if (_damaged ? entry.Timestamp < maxTimestamp : entry.Timestamp != _largest || entry.Timestamp != maxTimestamp)
            {
                Add(entry, FindingKind.TimeIndexTimestamp, $"belongs to a batch whose largest timestamp is {maxTimestamp}, and the segment's up to there is {_largest}.");
            }
        }
    }

    /// <summary>A batch is lost, and with it perhaps the largest timestamp.</summary>
    public void Damage() => _damaged = true;

    public void End()
    {
        if (_damaged)
            return;
        for (; _next < _entries.Length; _next++)
            Add(_entries[_next], FindingKind.TimeIndexOffset, "has an offset behind the last batch.");
        if (!_beingWritten && _largest != _lastTimestamp && _largest >= 0)
        {
            _findings.Add(new(_file, Math.Max(0, (_entries.Length - 1) * (long)EntryBytes), -1, FindingKind.TimeIndexTimestamp,
                $"The last entry has timestamp {_lastTimestamp}, but the largest of this finished segment is {_largest}."));
        }
    }

    private void Add(Entry entry, FindingKind kind, string what) =>
        _findings.Add(new(_file, (long)entry.Number * EntryBytes, entry.Offset, kind, $"Entry {entry.Number} (timestamp {entry.Timestamp} at offset {entry.Offset}) {what}"));

    private readonly record struct Entry(int Number, long Timestamp, long Offset);
}
