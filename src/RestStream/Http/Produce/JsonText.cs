using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RestStream.Http.Produce;

/// <summary>What <see cref="Utf8JsonReader"/> leaves open about the text inside JSON.</summary>
internal static class JsonText
{
    /// <summary>Longest name that a message repeats.</summary>
    private const int ShownBytes = 64;

    /// <summary>
    /// Whether every <c>\uXXXX</c> escape in a JSON string that the reader accepted is a character: half a surrogate pair has no UTF-8 form, so nobody could read it back.
    /// </summary>
    /// <param name="content">The string as it stands in the JSON, without its quotes.</param>
    public static bool HasOnlyWholeCharacters(ReadOnlySpan<byte> content)
    {
        while (content.IndexOf((byte)'\\') is >= 0 and var at)
        {
            if (content[at + 1] != 'u')
            {
                content = content[(at + 2)..];
                continue;
            }

            var unit = HexUnit(content[(at + 2)..]);
            content = content[(at + 6)..];
            if (!char.IsSurrogate(unit))
                continue;
            if (!char.IsHighSurrogate(unit) || content is not [(byte)'\\', (byte)'u', ..] || !char.IsLowSurrogate(HexUnit(content[2..])))
                return false;
            content = content[6..];
        }

        return true;
    }

    /// <summary>Appends the text of a JSON string, of which <see cref="HasOnlyWholeCharacters"/> holds, and returns its length in bytes.</summary>
    /// <param name="token">The string with its quotes.</param>
    /// <param name="into">Where the text goes.</param>
    public static int Unescape(ReadOnlySpan<byte> token, PooledBytes into)
    {
        var reader = new Utf8JsonReader(token);
        reader.Read();
        var length = reader.CopyString(into.GetSpan(token.Length));
        into.Advance(length);
        return length;
    }

    /// <summary>Appends the bytes that base64 text stands for; -1 when it is not base64.</summary>
    public static int DecodeBase64(ReadOnlySpan<byte> text, PooledBytes into)
    {
        var room = into.GetSpan(Base64.GetMaxDecodedFromUtf8Length(text.Length));
        if (Base64.DecodeFromUtf8(text, room, out var consumed, out var length) != OperationStatus.Done || consumed != text.Length)
            return -1;
        into.Advance(length);
        return length;
    }

    /// <summary>A name of the client's for a message: cut when long, never failing.</summary>
    public static string Show(ReadOnlySpan<byte> name) =>
        name.Length <= ShownBytes ? Encoding.UTF8.GetString(name) : Encoding.UTF8.GetString(name[..ShownBytes]) + "…";

    /// <summary>What the JSON reader found, without its hints for programmers.</summary>
    public static string Describe(JsonException error, long linesBefore = 0)
    {
        var message = error.Message.AsSpan();
        foreach (var tail in (ReadOnlySpan<string>)[" LineNumber:", " Change the reader options."])
        {
            if (message.IndexOf(tail, StringComparison.Ordinal) is >= 0 and var at)
                message = message[..at];
        }

        return string.Create(CultureInfo.InvariantCulture, $"Not valid JSON at line {linesBefore + error.LineNumber + 1}, byte {error.BytePositionInLine + 1}: {message}");
    }

    private static char HexUnit(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits[..4], out ushort unit, out var consumed, 'x') && consumed == 4 ? (char)unit : '\0';
}
