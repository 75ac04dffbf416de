using System.Buffers;
using System.Text;

namespace RestStream.Connect.Converters;

/// <summary>A character set by Java's name, which replaces as Java does what has no form in it: by <c>?</c> in bytes and by U+FFFD in texts. Nothing is refused.</summary>
internal sealed class JavaEncoding
{
    private const byte SurrogateLead = 0xED;
    private const char ByteOrderMark = '\uFEFF';

    private readonly Encoding _encoding;

    // Java's UTF-16 writes big-endian behind a mark and reads either way; UTF-16BE and UTF-16LE do without.
    private readonly bool _marked;

    private JavaEncoding(Encoding encoding, bool marked = false)
    {
        _encoding = Encoding.GetEncoding(encoding.CodePage, new QuestionMark(), new DecoderReplacementFallback("\uFFFD"));
        _marked = marked;
    }

    public static JavaEncoding Utf8 { get; } = new(Encoding.UTF8);

    /// <exception cref="ConnectException">There is no such character set.</exception>
    public static JavaEncoding Find(string name)
    {
        try
        {
            return name.ToUpperInvariant() switch
            {
                "UTF-8" or "UTF8" => Utf8,
                "UTF-16" => new JavaEncoding(Encoding.BigEndianUnicode, marked: true),
                "ISO8859_1" or "ISO8859-1" or "LATIN1" => new JavaEncoding(Encoding.Latin1),
                "ASCII" => new JavaEncoding(Encoding.ASCII),
                _ => new JavaEncoding(CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name)),
            };
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new ConnectException($"Unsupported encoding {name}", e);
        }
    }

    /// <summary>Appends the bytes of a text.</summary>
    public void Write(string text, IBufferWriter<byte> output)
    {
        if (_marked && text.Length > 0)
            _encoding.GetBytes([ByteOrderMark], output);
        _encoding.GetBytes(text.AsSpan(), output);
    }

    /// <summary>The text of bytes.</summary>
    public string Read(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xFE, 0xFF, ..] when _marked => _encoding.GetString(bytes[2..]),
        [0xFF, 0xFE, ..] when _marked => Encoding.Unicode.GetString(bytes[2..]),
        _ when _encoding.CodePage != Encoding.UTF8.CodePage || System.Text.Unicode.Utf8.IsValid(bytes) => _encoding.GetString(bytes),
        _ => ReadBrokenUtf8(bytes),
    };

    // A surrogate in three bytes, which is no UTF-8, is one U+FFFD with Java and three with .NET; what else may be wrong both replace alike.
    private string ReadBrokenUtf8(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        var start = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != SurrogateLead || bytes[i..] is not [_, >= 0xA0 and <= 0xBF, >= 0x80 and <= 0xBF, ..])
                continue;
            text.Append(_encoding.GetString(bytes[start..i])).Append('\uFFFD');
            start = i + 3;
            i += 2;
        }

        return text.Append(_encoding.GetString(bytes[start..])).ToString();
    }

    /// <summary>One question mark for a character that has no bytes, also when it is a pair of surrogates.</summary>
    private sealed class QuestionMark : EncoderFallback
    {
        public override int MaxCharCount => 1;

        public override EncoderFallbackBuffer CreateFallbackBuffer() => new Buffer();

        private sealed class Buffer : EncoderFallbackBuffer
        {
            private bool _pending;

            public override int Remaining => _pending ? 1 : 0;

            public override bool Fallback(char charUnknown, int index) => _pending = true;

            public override bool Fallback(char charUnknownHigh, char charUnknownLow, int index) => _pending = true;

            public override char GetNextChar()
            {
                var next = _pending ? '?' : '\0';
                _pending = false;
                return next;
            }

            public override bool MovePrevious() => false;

            public override void Reset() => _pending = false;
        }
    }
}
