namespace RestStream.Connect.Data;

/// <summary>
/// The tokens of a text that <see cref="ValueParser"/> reads: each of <c>: , { } [ ] "</c> is one, and so is what stands between them; a backslash before one makes it
/// part of the text. Looks one token ahead.
/// </summary>
internal sealed class ValueTokens(string text)
{
    private const string Delimiters = ":,{}[]\"";
    private int _position;
    private string? _next;

    public string Text { get; } = text;

    public bool HasNext => _next is not null || _position < Text.Length;

    /// <summary>Where the next token begins; to come back with <see cref="RewindTo"/>.</summary>
    public int Mark() => _position - (_next?.Length ?? 0);

    public void RewindTo(int mark) => (_position, _next) = (mark, null);

    public string Next()
    {
        var token = _next ?? Read();
        _next = null;
        return token;
    }

    /// <summary>The text of the next tokens; null, and nothing is taken, when there are fewer.</summary>
    public string? Next(int count)
    {
        var start = Mark();
        for (var i = 0; i < count; i++)
        {
            if (!HasNext)
            {
                RewindTo(start);
                return null;
            }

            Next();
        }

        return Text[start.._position];
    }

    /// <summary>Takes the next token if it is this one, spaces around it aside. Tokens of nothing but spaces are skipped in any case.</summary>
    public bool TryTake(string expected)
    {
        if (!HasNext)
            return false;
        _next ??= Read();
        while (IsBlank(_next) && _position < Text.Length)
            _next = Read();
        if (!Trim(_next).SequenceEqual(expected))
            return false;
        _next = null;
        return true;
    }

    /// <summary>Java's trim: everything up to the space goes, other white space stays.</summary>
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text)
    {
        while (text is [<= ' ', ..])
            text = text[1..];
        while (text is [.., <= ' '])
            text = text[..^1];
        return text;
    }

    public static bool IsBlank(ReadOnlySpan<char> text) => Trim(text).IsEmpty;

    private string Read()
    {
        var (start, escaped) = (_position, false);
        for (; _position < Text.Length; _position++)
        {
            var c = Text[_position];
            if (c == '\\')
            {
                escaped = !escaped;
                continue;
            }

            if (!escaped && Delimiters.Contains(c))
            {
                if (_position == start)
                    _position++;
                break;
            }

            escaped = false;
        }

        return Text[start.._position];
    }
}
