using System.Buffers;
using System.Buffers.Text;
using System.Text;
using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>
/// JSON as Jackson writes it, byte for byte: no spaces, Java's numbers, only what must be is escaped in texts, and surrogates (System.Text.Json's writer differs in the last two). Collects one value
/// and hands it on whole: one that cannot be written leaves nothing behind. Reused from record to record; not thread safe.
/// </summary>
internal sealed class JsonOutput
{
    // A buffer that one huge record needed is not kept.
    private const int KeptCapacity = 1 << 20;

    private static readonly SearchValues<char> s_escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(c => (char)c), '"', '\\', .. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    private byte[] _buffer = new byte[512];
    private int _length;

    /// <summary>What was written since <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Clear()
    {
        _length = 0;
        if (_buffer.Length > KeptCapacity)
            _buffer = new byte[512];
    }

    /// <summary>A punctuation mark.</summary>
    public void Mark(char mark)
    {
        if (_length == _buffer.Length)
            Grow(1);
        _buffer[_length++] = (byte)mark;
    }

    /// <summary>JSON that is ready.</summary>
    public void Raw(ReadOnlySpan<byte> json)
    {
        json.CopyTo(Space(json.Length));
        _length += json.Length;
    }

    public void Null() => Raw("null"u8);

    public void Boolean(bool value) => Raw(value ? "true"u8 : "false"u8);

    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, Space(JavaText.MaxNumberLength), out var written);
        _length += written;
    }

    public void Number(double value)
    {
        if (double.IsFinite(value))
            _length += JavaText.Write(value, Space(JavaText.MaxNumberLength));
        else
            Text(JavaText.ToString(value));
    }

    public void Number(float value)
    {
        if (float.IsFinite(value))
            _length += JavaText.Write(value, Space(JavaText.MaxNumberLength));
        else
            Text(JavaText.ToString(value));
    }

    public void Number(BigDecimal value)
    {
        var text = value.ToString();
        _length += Encoding.ASCII.GetBytes(text, Space(text.Length));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Mark('"');
        Base64.EncodeToUtf8(value, Space(Base64.GetMaxEncodedToUtf8Length(value.Length)), out _, out var written);
        _length += written;
        Mark('"');
    }

    public void Text(ReadOnlySpan<char> value)
    {
        Mark('"');
        while (true)
        {
            var clean = value.IndexOfAny(s_escaped);
            if (clean < 0)
                clean = value.Length;
            if (clean > 0)
                _length += Encoding.UTF8.GetBytes(value[..clean], Space(Encoding.UTF8.GetMaxByteCount(clean)));
            if (clean == value.Length)
                break;
            Escape(value[clean]);
            value = value[(clean + 1)..];
        }

        Mark('"');
    }

    private void Escape(char c)
    {
        var text = Space(6);
        text[0] = (byte)'\\';
        var letter = c switch
        {
            '"' or '\\' => c,
            '\b' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\f' => 'f',
            '\r' => 'r',
            _ => 'u',
        };
        text[1] = (byte)letter;
        if (letter == 'u')
            Utf8Formatter.TryFormat((ushort)c, text[2..], out _, new StandardFormat('X', 4));
        _length += letter == 'u' ? 6 : 2;
    }

    private Span<byte> Space(int size)
    {
        if (_buffer.Length - _length < size)
            Grow(size);
        return _buffer.AsSpan(_length);
    }

    private void Grow(int size) => Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + size));
}
