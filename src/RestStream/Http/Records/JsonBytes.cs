using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace RestStream.Http.Records;

/// <summary>JSON being written into one pooled buffer that grows. Dispose gives the buffer back.</summary>
internal ref struct JsonBytes(int capacity)
{
    private const byte Quote = (byte)'"';

    /// <summary>What must be escaped in a JSON string; everything else, DEL and all of UTF-8 included, may stand there raw.</summary>
    private static readonly SearchValues<byte> s_escaped = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), Quote, (byte)'\\']);

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);
    private int _length;

    public readonly int Length => _length;

    public readonly byte[] ToArray()
    {
        var exact = GC.AllocateUninitializedArray<byte>(_length);
        _bytes.AsSpan(0, _length).CopyTo(exact);
        return exact;
    }

    public readonly void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    /// <summary>Bytes as they are.</summary>
    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Repeats what was written from <paramref name="start"/> on.</summary>
    public void Repeat(int start, int length)
    {
        var room = Room(length);
        _bytes.AsSpan(start, length).CopyTo(room);
        _length += length;
    }

    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, Room(20), out var written);
        _length += written;
    }

    /// <summary>Valid UTF-8 as a JSON string.</summary>
    public void String(scoped ReadOnlySpan<byte> utf8)
    {
        Byte(Quote);
        while (true)
        {
            var plain = utf8.IndexOfAny(s_escaped);
            if (plain < 0)
                break;
            Raw(utf8[..plain]);
            Escape(utf8[plain]);
            utf8 = utf8[(plain + 1)..];
        }

        Raw(utf8);
        Byte(Quote);
    }

    /// <summary>Any bytes as a JSON string in standard base64 with padding.</summary>
    public void Base64String(scoped ReadOnlySpan<byte> bytes)
    {
        Byte(Quote);
        Base64.EncodeToUtf8(bytes, Room(Base64.GetMaxEncodedToUtf8Length(bytes.Length)), out _, out var written);
        _length += written;
        Byte(Quote);
    }

    private void Byte(byte value)
    {
        Room(1)[0] = value;
        _length++;
    }

    private void Escape(byte value)
    {
        switch (value)
        {
            case Quote: Raw("\\\""u8); break;
            case (byte)'\\': Raw("\\\\"u8); break;
            case (byte)'\b': Raw("\\b"u8); break;
            case (byte)'\f': Raw("\\f"u8); break;
            case (byte)'\n': Raw("\\n"u8); break;
            case (byte)'\r': Raw("\\r"u8); break;
            case (byte)'\t': Raw("\\t"u8); break;
            default:
                Raw("\\u00"u8);
                Utf8Formatter.TryFormat(value, Room(2), out var written, new StandardFormat('x', 2));
                _length += written;
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Room(int bytes)
    {
        if (bytes > _bytes.Length - _length)
            Grow(bytes);
        return _bytes.AsSpan(_length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int bytes)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_length + bytes), (int)Math.Min(Array.MaxLength, _bytes.Length * 2L)));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
