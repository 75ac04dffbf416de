using System.Globalization;
using System.Text;

namespace RestStream.Broker.Groups.Patterns;

/// <summary>
/// Says a pattern of Java's dialect in .NET's. The two differ in quiet ways: <c>\d</c>, <c>\w</c> and <c>(?i)</c> are ASCII in Java, <c>\h</c> and <c>\Q..\E</c> do not exist in .NET,
/// classes nest and intersect. So nothing is passed through: every construct is read as Java reads it and written anew, with flags worked in; what has no counterpart is refused.
/// Groups capture nothing, since only the answer yes or no counts.
/// </summary>
internal sealed class JavaPattern(string text)
{
    /// <summary>Java allows more; a name has no more than 249 characters.</summary>
    private const int MostRepetitions = 1000;

    private readonly StringBuilder _output = new();
    private readonly Stack<(bool IgnoreCase, bool DotMatchesAll)> _groups = new();
    private int _position;
    private bool _ignoreCase;
    private bool _dotMatchesAll;
    private bool _looksAround;

    /// <summary>Whether what was written last may be repeated.</summary>
    private bool _repeatable;

    private bool AtEnd => _position == text.Length;

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    public (string Pattern, bool LooksAround) Translate()
    {
        while (!AtEnd)
            TranslateNext();
        if (_groups.Count > 0)
            throw Refusal("a group is not closed");
        return (_output.ToString(), _looksAround);
    }

    private void TranslateNext()
    {
        var c = text[_position++];
        switch (c)
        {
            case '\\':
                TranslateEscape();
                break;
            case '[':
                Write(ParseClass());
                break;
            case '(':
                OpenGroup();
                break;
            case ')' when _groups.TryPop(out var outer):
                (_ignoreCase, _dotMatchesAll) = outer;
                Write(")", repeatable: true);
                break;
            case ')':
                throw Refusal("a ')' has no '('");
            case '|':
                Write("|", repeatable: false);
                break;
            case '*' or '+' or '?' or '{':
                TranslateRepetition(c);
                break;

            // Topic names hold no line breaks, so the ways in which Java's ^ and $ see them make no difference.
            case '^':
                Write(@"\A", repeatable: false);
                break;
            case '$':
                Write(@"\z", repeatable: false);
                break;
            case '.':
                Write(_dotMatchesAll ? CharSet.Range(char.MinValue, char.MaxValue) : ~CharSet.Of("\n\r\u0085\u2028\u2029"));
                break;
            default:
                Write(Literal(c));
                break;
        }
    }

    private void TranslateEscape()
    {
        switch (Peek())
        {
            case 'Q':
                _position++;
                for (var end = EndOfQuote(); _position < end;)
                    Write(Literal(text[_position++]));
                Skip(@"\E");
                break;
            case 'A' or 'z' or 'Z':
                Write(Next() == 'A' ? @"\A" : @"\z", repeatable: false);
                break;
            case 'b' or 'B':
                var word = CharSet.WordCharacters.ToPattern();
                var (same, other) = Next() == 'b' ? ("!", "=") : ("=", "!");
                _looksAround = true;
                Write($"(?:(?<={word})(?{same}{word})|(?<!{word})(?{other}{word}))", repeatable: false);
                break;
            default:
                Write(ParseEscape());
                break;
        }
    }

    private int EndOfQuote()
    {
        var end = text.IndexOf(@"\E", _position, StringComparison.Ordinal);
        return end < 0 ? text.Length : end;
    }

    private void OpenGroup()
    {
        var outer = (_ignoreCase, _dotMatchesAll);
        if (!Skip("?"))
        {
            Open("(?:");
        }
        else if (Array.Find(["=", "!", "<=", "<!", ">"], Skip) is { } kind)
        {
            _looksAround = true;
            Open("(?" + kind);
        }
        else if (Skip("<"))
        {
            while (Next() is var c && c != '>')
            {
                if (!char.IsAsciiLetterOrDigit(c))
                    throw Refusal("the name of a group has letters and digits only");
            }
            Open("(?:");
        }
        else
        {
            ParseFlags();
            if (Skip(":"))
                Open("(?:");
            else if (!Skip(")"))
                throw Refusal("this kind of group is not known");
        }

        void Open(string group)
        {
            _groups.Push(outer);
            Write(group, repeatable: false);
        }
    }

    /// <summary>Flags hold to the end of the group they stand in. d, m and u make no difference to topic names.</summary>
    private void ParseFlags()
    {
        for (var on = true; !AtEnd && Peek() is not (':' or ')');)
        {
            switch (Next())
            {
                case '-' when on:
                    on = false;
                    break;
                case 'i':
                    _ignoreCase = on;
                    break;
                case 's':
                    _dotMatchesAll = on;
                    break;
                case 'd' or 'm' or 'u':
                    break;
                default:
                    throw Refusal("of the flags only i, s, m, d and u can be used");
            }
        }
        _repeatable = false;
    }

    private void TranslateRepetition(char kind)
    {
        if (!_repeatable)
            throw Refusal($"there is nothing for '{kind}' to repeat; write \\{kind} for the character");
        var repetition = kind.ToString();
        if (kind == '{')
        {
            var least = Number();
            var most = !Skip(",") ? least : Peek() == '}' ? (int?)null : Number();
            if (!Skip("}") || most < least)
                throw Refusal("a repetition is {n}, {n,} or {n,m} with n not above m");
            repetition = most is null ? $"{{{least},}}" : $"{{{least},{most}}}";
        }
        if (!AtEnd && Peek() == '+')
            throw Refusal("a repetition that gives nothing back ('+' behind it) is not supported; write (?>..) around it");
        Write(repetition + (Skip("?") ? "?" : ""), repeatable: false);
    }

    private int Number()
    {
        var start = _position;
        while (!AtEnd && char.IsAsciiDigit(text[_position]))
            _position++;
        return int.TryParse(text.AsSpan(start, _position - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MostRepetitions
            ? number
            : throw Refusal($"a repetition needs numbers up to {MostRepetitions}");
    }

    /// <summary>A class, behind its '['. Parts side by side are joined, parts between &amp;&amp; intersected, a leading ^ negates it all.</summary>
    private CharSet ParseClass()
    {
        var negated = Skip("^");
        CharSet? all = null;
        CharSet? part = null;
        while (!Skip("]"))
        {
            if (Skip("&&"))
            {
                all = Intersected();
                part = null;
                continue;
            }
            var item = Skip("[") ? ParseClass() : ParseClassItem();
            part = part is null ? item : part | item;
        }
        var set = Intersected();
        return negated ? ~set : set;

        CharSet Intersected() => part is null ? throw Refusal("a class or a side of && is empty; write \\] and \\& for the characters") : all is null ? part : all & part;
    }

    /// <summary>A character, a range or an escape; closed under case where case does not count, so that a negation around it is too.</summary>
    private CharSet ParseClassItem()
    {
        if (Skip(@"\Q"))
        {
            var quoted = text[_position..EndOfQuote()];
            _position += quoted.Length;
            Skip(@"\E");
            return quoted.Length > 0 ? InCase(CharSet.Of(quoted)) : throw Refusal("a quotation in a class is empty");
        }

        var (set, first) = ParseClassCharacter();
        if (AtEnd || Peek() != '-' || _position + 1 >= text.Length || text[_position + 1] is ']' or '[')
            return InCase(set);
        _position++;
        var (_, last) = ParseClassCharacter();
        return first is { } low && last is { } high && low <= high
            ? InCase(CharSet.Range(low, high))
            : throw Refusal("a range goes from one character to one that is not smaller");
    }

    private (CharSet Set, char? Single) ParseClassCharacter()
    {
        var c = Next();
        if (c != '\\')
            return (Literal(c), c);
        return ParseCharacterEscape() is { } single ? (Literal(single), single) : (ParseSetEscape(), null);
    }

    private CharSet ParseEscape() => ParseCharacterEscape() is { } character ? Literal(character) : ParseSetEscape();

    /// <summary>Behind a backslash: one character, or null (and nothing is read) when a letter stands there that means something else.</summary>
    private char? ParseCharacterEscape()
    {
        switch (Peek())
        {
            case 't' or 'n' or 'r' or 'f' or 'a' or 'e':
                return "\t\n\r\f\a\u001B"["tnrfae".IndexOf(Next(), StringComparison.Ordinal)];
            case 'x':
                _position++;
                return Hex(2);
            case 'u':
                _position++;
                return Hex(4);
            case >= '0' and <= '9':
                throw Refusal(@"references to groups and octal characters are not supported; write a character as \xhh");
            case var c when char.IsAsciiLetter(c):
                return null;
            default:
                return Next();
        }
    }

    private CharSet ParseSetEscape()
    {
        var letter = Next();
        var set = char.ToLowerInvariant(letter) switch
        {
            'd' => CharSet.Digits,
            'w' => CharSet.WordCharacters,
            's' => CharSet.Spaces,
            'h' => CharSet.HorizontalSpaces,
            'v' => CharSet.LineBreaks,
            'p' => ParseProperty(),
            _ => throw Refusal($@"\{letter} is not supported"),
        };
        return char.IsAsciiLetterUpper(letter) ? ~set : set;
    }

    private CharSet ParseProperty()
    {
        var name = Next().ToString();
        if (name == "{")
        {
            var end = text.IndexOf('}', _position);
            name = end < 0 ? throw Refusal(@"a \p{..} is not closed") : text[_position..end];
            _position = end + 1;
        }
        return CharSet.OfProperty(name) ?? throw Refusal("the name of a property is not known");
    }

    private char Hex(int digits)
    {
        if (_position + digits > text.Length || !ushort.TryParse(text.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Refusal($"a character by number needs {digits} hexadecimal digits");
        _position += digits;
        return (char)value;
    }

    private CharSet Literal(char c) =>
        char.IsSurrogate(c) ? throw Refusal("characters beyond U+FFFF are not supported; no topic has them") : CharSet.Of(c.ToString());

    private CharSet InCase(CharSet set) => _ignoreCase ? set.InBothCases() : set;

    private void Write(CharSet set) => Write(InCase(set).ToPattern(), repeatable: true);

    private void Write(string pattern, bool repeatable)
    {
        _output.Append(pattern);
        _repeatable = repeatable;
    }

    private char Peek() => AtEnd ? throw Refusal("it ends too early") : text[_position];

    private char Next()
    {
        var c = Peek();
        _position++;
        return c;
    }

    private bool Skip(string expected)
    {
        if (string.CompareOrdinal(text, _position, expected, 0, expected.Length) != 0)
            return false;
        _position += expected.Length;
        return true;
    }

    private BrokerException Refusal(string problem) => TopicPattern.Refusal($"cannot be used: {problem} (near character {_position})");
}
