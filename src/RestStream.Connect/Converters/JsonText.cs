using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RestStream.Connect.Converters;

/// <summary>Texts of JSON as Jackson takes them: other encodings than UTF-8 are noticed, and an escaped half of a surrogate pair is a character like any other.</summary>
internal static class JsonText
{
    /// <summary>Jackson's word for a value.</summary>
    public static string NodeType(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "OBJECT",
        JsonTokenType.StartArray => "ARRAY",
        JsonTokenType.String => "STRING",
        JsonTokenType.Number => "NUMBER",
        JsonTokenType.True or JsonTokenType.False => "BOOLEAN",
        JsonTokenType.Null => "NULL",
        _ => "MISSING",
    };

    /// <summary>The text or name that the reader stands on. The bytes are valid UTF-8.</summary>
    public static string Read(ref Utf8JsonReader json) => json.ValueIsEscaped ? Unescape(json.ValueSpan) : Encoding.UTF8.GetString(json.ValueSpan);

    /// <summary>JSON in UTF-8 without a byte order mark. UTF-16 and UTF-32 show by their mark, or by the zeros that the first ASCII character has.</summary>
    public static ReadOnlySpan<byte> ToUtf8(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [>= 1 and < 0x80, >= 1 and < 0x80, ..] => bytes,
        [0xEF, 0xBB, 0xBF, ..] => bytes[3..],
        [0, 0, 0xFE, 0xFF, ..] or [0, 0, 0, not 0, ..] => Convert(new UTF32Encoding(bigEndian: true, byteOrderMark: false), bytes),
        [0xFF, 0xFE, 0, 0, ..] or [not 0, 0, 0, 0, ..] => Convert(new UTF32Encoding(bigEndian: false, byteOrderMark: false), bytes),
        [0xFE, 0xFF, ..] or [0, not 0, ..] => Convert(Encoding.BigEndianUnicode, bytes),
        [0xFF, 0xFE, ..] or [not 0, 0, ..] => Convert(Encoding.Unicode, bytes),
        _ => bytes,
    };

    private static byte[] Convert(Encoding from, ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetBytes(from.GetString(bytes).TrimStart('\uFEFF'));

    // The reader has checked the escapes themselves. Utf8JsonReader.GetString refuses lone surrogates.
    private static string Unescape(ReadOnlySpan<byte> escaped)
    {
        var text = new StringBuilder(escaped.Length);
        while (escaped.IndexOf((byte)'\\') is >= 0 and var at)
        {
            text.Append(Encoding.UTF8.GetString(escaped[..at]));
            var letter = (char)escaped[at + 1];
            if (letter == 'u')
                text.Append((char)ushort.Parse(escaped.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            else
                text.Append(letter switch { 'b' => '\b', 't' => '\t', 'n' => '\n', 'f' => '\f', 'r' => '\r', _ => letter });
            escaped = escaped[(at + (letter == 'u' ? 6 : 2))..];
        }

        return text.Append(Encoding.UTF8.GetString(escaped)).ToString();
    }
}
