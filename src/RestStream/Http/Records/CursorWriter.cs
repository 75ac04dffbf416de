using System.Buffers.Text;
using System.Text;

namespace RestStream.Http.Records;

/// <summary>
/// Writes cursors of one reader. What does not change (the incarnation, topics, partition numbers) is kept as bytes, so that a cursor for every event costs
/// some copying and no allocation.
/// </summary>
internal sealed class CursorWriter
{
    private readonly byte[] _head;
    private readonly byte[][] _before;

    /// <summary>Most bytes that a cursor takes.</summary>
    public int MaxBytes { get; }

    /// <param name="head">What stands before the first comma: the incarnation of the topics (<c>@k3f9a1</c>), and before it what else the reader needs.</param>
    /// <param name="items">The partitions in their order; a topic is written where it is not null.</param>
    public CursorWriter(string head, IReadOnlyList<(string? Topic, int Partition)> items)
    {
        _head = Encoding.UTF8.GetBytes(head);
        _before = new byte[items.Count][];
        MaxBytes = _head.Length;
        for (var i = 0; i < _before.Length; i++)
        {
            var topic = items[i].Topic is { } name ? name + "/" : "";
            _before[i] = Encoding.UTF8.GetBytes($",{topic}{items[i].Partition}:");
            MaxBytes += _before[i].Length + 19;
        }
    }

    /// <summary>Writes the cursor with these next offsets and returns how many bytes it took. <paramref name="destination"/> has <see cref="MaxBytes"/>.</summary>
    public int Write(Span<byte> destination, ReadOnlySpan<long> next)
    {
        _head.CopyTo(destination);
        var length = _head.Length;
        for (var i = 0; i < _before.Length; i++)
        {
            _before[i].CopyTo(destination[length..]);
            length += _before[i].Length;
            Utf8Formatter.TryFormat(next[i], destination[length..], out var digits);
            length += digits;
        }

        return length;
    }

    public string ToText(ReadOnlySpan<long> next)
    {
        var bytes = new byte[MaxBytes];
        return Encoding.UTF8.GetString(bytes, 0, Write(bytes, next));
    }
}
