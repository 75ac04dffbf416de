using System.Buffers;
using System.Text.Unicode;

namespace RestStream.Http.Records;

/// <summary>What some bytes are, as far as showing them in JSON goes.</summary>
internal enum JsonKind : byte
{
    /// <summary>Not JSON: broken, nested too deep, or more than one value.</summary>
    None,

    /// <summary>One whole JSON value.</summary>
    Value,

    /// <summary>One whole JSON value with a raw CR or LF between its tokens.</summary>
    ValueWithLineBreaks,

    /// <summary>The JSON value <c>null</c>.</summary>
    Null,
}

/// <summary>
/// Checks that bytes are exactly one JSON text (RFC 8259), white space around it allowed, without reading any number or string:
/// <c>1e400</c>, duplicate keys and lone escaped surrogates are grammatical and stay as they are. Written by hand because every record that is read passes here;
/// a general reader is four times slower.
/// </summary>
internal static class JsonSyntax
{
    /// <summary>Deepest nesting that is taken for JSON. 64 is what most parsers allow by default.</summary>
    public const int MaxDepth = 64;

    /// <summary>What ends a run of plain characters in a string: the quote, the backslash, and what must not be there raw.</summary>
    private static readonly SearchValues<byte> s_endsRun = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    /// <summary>Valid JSON whose strings are valid UTF-8.</summary>
    public static JsonKind Inspect(ReadOnlySpan<byte> text)
    {
        var lineBreaks = false;
        var at = SkipWhiteSpace(text, 0, ref lineBreaks);
        if (at < text.Length && text[at] == (byte)'n')
        {
            if (!TrySkipLiteral(text, ref at))
                return JsonKind.None;
            return SkipWhiteSpace(text, at, ref lineBreaks) == text.Length ? JsonKind.Null : JsonKind.None;
        }

        if (!TrySkipValue(text, ref at, ref lineBreaks) || SkipWhiteSpace(text, at, ref lineBreaks) != text.Length || !Utf8.IsValid(text))
            return JsonKind.None;
        return lineBreaks ? JsonKind.ValueWithLineBreaks : JsonKind.Value;
    }

    /// <summary>Moves past one value. One bit of <c>objects</c> per open level says whether it is an object.</summary>
    private static bool TrySkipValue(ReadOnlySpan<byte> text, ref int at, ref bool lineBreaks)
    {
        ulong objects = 0;
        var depth = 0;
        while (true)
        {
            if (at >= text.Length)
                return false;
            switch (text[at])
            {
                case (byte)'{':
                    if (++depth > MaxDepth)
                        return false;
                    objects = (objects << 1) | 1;
                    at = SkipWhiteSpace(text, at + 1, ref lineBreaks);
                    if (at < text.Length && text[at] == (byte)'}')
                        break;
                    if (!TrySkipName(text, ref at, ref lineBreaks))
                        return false;
                    continue;
                case (byte)'[':
                    if (++depth > MaxDepth)
                        return false;
                    objects <<= 1;
                    at = SkipWhiteSpace(text, at + 1, ref lineBreaks);
                    if (at < text.Length && text[at] == (byte)']')
                        break;
                    continue;
                case (byte)'"':
                    if (!TrySkipString(text, ref at))
                        return false;
                    break;
                case (byte)'t' or (byte)'f' or (byte)'n':
                    if (!TrySkipLiteral(text, ref at))
                        return false;
                    break;
                default:
                    if (!TrySkipNumber(text, ref at))
                        return false;
                    break;
            }

            // Behind a value, or before the bracket that closes an empty one.
            while (true)
            {
                if (depth == 0)
                    return true;
                at = SkipWhiteSpace(text, at, ref lineBreaks);
                if (at >= text.Length)
                    return false;
                var isObject = (objects & 1) != 0;
                var next = text[at++];
                if (next == (byte)',')
                {
                    // An empty container came here with its closing bracket, so a comma is behind a value.
                    at = SkipWhiteSpace(text, at, ref lineBreaks);
                    if (isObject && !TrySkipName(text, ref at, ref lineBreaks))
                        return false;
                    break;
                }

                if (next != (isObject ? (byte)'}' : (byte)']'))
                    return false;
                objects >>= 1;
                depth--;
            }
        }
    }

    /// <summary>A member's name and colon, up to the first byte of its value.</summary>
    private static bool TrySkipName(ReadOnlySpan<byte> text, ref int at, ref bool lineBreaks)
    {
        if (at >= text.Length || text[at] != (byte)'"' || !TrySkipString(text, ref at))
            return false;
        at = SkipWhiteSpace(text, at, ref lineBreaks);
        if (at >= text.Length || text[at] != (byte)':')
            return false;
        at = SkipWhiteSpace(text, at + 1, ref lineBreaks);
        return true;
    }

    private static bool TrySkipString(ReadOnlySpan<byte> text, ref int at)
    {
        at++;
        while (true)
        {
            var run = text[at..].IndexOfAny(s_endsRun);
            if (run < 0)
                return false;
            at += run;
            if (text[at] == (byte)'"')
            {
                at++;
                return true;
            }

            if (text[at] != (byte)'\\' || at + 1 >= text.Length)
                return false;
            switch (text[at + 1])
            {
                case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                    at += 2;
                    break;
                case (byte)'u' when at + 6 <= text.Length && char.IsAsciiHexDigit((char)text[at + 2]) && char.IsAsciiHexDigit((char)text[at + 3])
                    && char.IsAsciiHexDigit((char)text[at + 4]) && char.IsAsciiHexDigit((char)text[at + 5]):
                    at += 6;
                    break;
                default:
                    return false;
            }
        }
    }

    private static bool TrySkipLiteral(ReadOnlySpan<byte> text, ref int at)
    {
        var literal = text[at] switch
        {
            (byte)'t' => "true"u8,
            (byte)'f' => "false"u8,
            _ => "null"u8,
        };
        if (!text[at..].StartsWith(literal))
            return false;
        at += literal.Length;
        return true;
    }

    private static bool TrySkipNumber(ReadOnlySpan<byte> text, ref int at)
    {
        var i = at;
        if (text[i] == (byte)'-')
            i++;
        if (i < text.Length && text[i] == (byte)'0')
            i++;
        else if (!TrySkipDigits(text, ref i))
            return false;

        if (i < text.Length && text[i] == (byte)'.')
        {
            i++;
            if (!TrySkipDigits(text, ref i))
                return false;
        }

        if (i < text.Length && (text[i] | 0x20) == 'e')
        {
            i++;
            if (i < text.Length && text[i] is (byte)'+' or (byte)'-')
                i++;
            if (!TrySkipDigits(text, ref i))
                return false;
        }

        at = i;
        return true;
    }

    /// <summary>At least one digit.</summary>
    private static bool TrySkipDigits(ReadOnlySpan<byte> text, ref int at)
    {
        var first = at;
        while (at < text.Length && (uint)(text[at] - '0') <= 9)
            at++;
        return at > first;
    }

    private static int SkipWhiteSpace(ReadOnlySpan<byte> text, int at, ref bool lineBreaks)
    {
        for (; at < text.Length && text[at] <= (byte)' '; at++)
        {
            switch (text[at])
            {
                case (byte)' ' or (byte)'\t':
                    break;
                case (byte)'\n' or (byte)'\r':
                    lineBreaks = true;
                    break;
                default:
                    return at;
            }
        }

        return at;
    }
}
