using System.Globalization;
using System.Text;

namespace RestStream.Storage.Segments;

/// <summary>
/// Which leader epoch began at which offset (<c>leader-epoch-checkpoint</c>). Lines ascend in both columns; an epoch that wrote nothing gives its line to the next.
/// Not thread safe: callers hold the log's write lock.
/// </summary>
internal sealed class LeaderEpochs
{
    public const string FileName = "leader-epoch-checkpoint";

    private readonly List<(int Epoch, long StartOffset)> _entries = [];

    public IReadOnlyList<(int Epoch, long StartOffset)> Entries => _entries;

    /// <summary>The newest epoch, or -1.</summary>
    public int Latest => _entries.Count > 0 ? _entries[^1].Epoch : -1;

    /// <summary>Says that the epoch begins at this offset. Returns whether the list changed.</summary>
    public bool Assign(int epoch, long startOffset)
    {
        if (epoch <= Latest)
            return false;
        while (_entries.Count > 0 && _entries[^1].StartOffset >= startOffset)
            _entries.RemoveAt(_entries.Count - 1);
        _entries.Add((epoch, startOffset));
        return true;
    }

    /// <summary>Drops epochs that begin at or above the new end of the log.</summary>
    public bool TruncateEnd(long endOffset)
    {
        var removed = _entries.RemoveAll(entry => entry.StartOffset >= endOffset && entry.StartOffset > 0);
        return removed > 0;
    }

    /// <summary>Drops epochs that ended below the new start; the one that holds the start now begins there.</summary>
    public bool TruncateStart(long startOffset)
    {
        var holding = _entries.FindLastIndex(entry => entry.StartOffset <= startOffset);
        if (holding < 0 || _entries[holding].StartOffset == startOffset)
            return holding > 0 && RemoveFirst(holding);
        var epoch = _entries[holding].Epoch;
        RemoveFirst(holding);
        _entries[0] = (epoch, startOffset);
        return true;
    }

    public byte[] ToBytes()
    {
        var text = new StringBuilder("0\n").Append(_entries.Count.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach (var (epoch, startOffset) in _entries)
            text.Append(CultureInfo.InvariantCulture, $"{epoch} {startOffset}\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Null when the text is not such a checkpoint.</summary>
    public static LeaderEpochs? TryParse(ReadOnlySpan<byte> bytes)
    {
        var epochs = new LeaderEpochs();
        foreach (var columns in CheckpointText.Lines(bytes, columns: 2) ?? [])
        {
            if (!int.TryParse(columns[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
                || !long.TryParse(columns[1], NumberStyles.None, CultureInfo.InvariantCulture, out var startOffset)
                || (epochs._entries.Count > 0 && (epoch <= epochs.Latest || startOffset < epochs._entries[^1].StartOffset)))
            {
                return null;
            }
            epochs._entries.Add((epoch, startOffset));
        }
        return CheckpointText.Lines(bytes, columns: 2) is null ? null : epochs;
    }

    private bool RemoveFirst(int count)
    {
        _entries.RemoveRange(0, count);
        return true;
    }
}
