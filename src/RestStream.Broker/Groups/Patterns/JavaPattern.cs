using System.Globalization;
using System.Text;

namespace RestStream.Broker.Groups.Patterns;

/// <summary>
/// Says a pattern of Java's dialect in .NET's. The two differ in quiet ways: <c>\d</c>, <c>\w</c> and <c>(?i)</c> are ASCII in Java, <c>\h</c>, <c>\Q..\E</c> and <c>a++</c> do not exist in .NET,
/// classes nest and intersect, groups are numbered in another order.
/// So nothing is passed through: every construct is read as Java reads it and written anew, with flags worked in; what has no counterpart is refused.
/// </summary>
internal sealed partial class JavaPattern
{
    /// <summary>Java allows more; a name has no more than 249 characters.</summary>
    private const int MostRepetitions = 1000;

    private readonly string _text;
    private readonly bool _captures;
    private readonly StringBuilder _output = new();
    private readonly Stack<(Flags Flags, int Start)> _groups = new();
    private readonly Dictionary<string, int> _names = [];
    private int _position;
    private Flags _flags;
    private int _groupCount;
    private int _highestReference;
    private bool _needsBacktracking;

    /// <summary>Where in the output stands what was written last and may be repeated; null: it may not.</summary>
    private int? _repeatable;

    private JavaPattern(string text, bool captures) => (_text, _captures) = (text, captures);

    private bool AtEnd => _position == _text.Length;

    private bool IgnoresCase => (_flags & Flags.IgnoreCase) != 0;

    /// <summary>The same pattern for .NET. Groups capture, under Java's numbers, where that is asked for or the pattern itself refers to them; names stand beside.</summary>
    /// <exception cref="FormatException">It is no pattern, or one that means something which cannot be said here; the message says where.</exception>
    public static TranslatedPattern Translate(string text, bool captures)
    {
        var pattern = new JavaPattern(text, captures);
        pattern.TranslateAll();
        if (pattern._highestReference > 0 && !captures)
            return Translate(text, captures: true);
        return new TranslatedPattern(pattern._output.ToString(), pattern._needsBacktracking, pattern._groupCount, pattern._names);
    }

    private void TranslateAll()
    {
        while (!AtEnd)
            TranslateNext();
        if (_groups.Count > 0)
            throw Refusal("a group is not closed");
        if (_highestReference > _groupCount)
            throw Refusal($"there is no group {_highestReference}");
    }

    private void TranslateNext()
    {
        if (SkipComment())
            return;
        var c = _text[_position++];
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
            case ')' when _groups.TryPop(out var group):
                _flags = group.Flags;
                _output.Append(')');
                _repeatable = group.Start;
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
                Write((_flags & Flags.DotMatchesAll) != 0 ? CharSet.All : ~CharSet.Of("\n\r\u0085\u2028\u2029"));
                break;
            default:
                WriteLiteral(c);
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
                    WriteLiteral(_text[_position++]);
                Skip(@"\E");
                break;
            case 'A' or 'z' or 'Z':
                Write(Next() == 'A' ? @"\A" : @"\z", repeatable: false);
                break;
            case 'b' or 'B':
                var word = CharSet.WordCharacters.ToPattern();
                var (same, other) = Next() == 'b' ? ("!", "=") : ("=", "!");
                _needsBacktracking = true;
                Write($"(?:(?<={word})(?{same}{word})|(?<!{word})(?{other}{word}))", repeatable: false);
                break;
            case >= '1' and <= '9':
                Refer(GroupNumber());
                break;
            case 'k':
                _position++;
                var name = Skip("<") ? GroupName() : throw Refusal(@"\k needs the name of a group: \k<name>");
                Refer(_names.TryGetValue(name, out var named) ? named : throw Refusal($"there is no group {name}"));
                break;
            case 'x' when _position + 1 < _text.Length && _text[_position + 1] == '{':
                WriteCodePoint();
                break;
            default:
                Write(ParseEscape());
                break;
        }
    }

    /// <summary>As many digits as make the number of a group that was opened; one at least.</summary>
    private int GroupNumber()
    {
        var number = Next() - '0';
        while (!AtEnd && char.IsAsciiDigit(Peek()) && number * 10 + Peek() - '0' <= _groupCount)
            number = number * 10 + Next() - '0';
        return number;
    }

    private void Refer(int group)
    {
        _highestReference = Math.Max(_highestReference, group);
        _needsBacktracking = true;
        // A reference minds the case as the pattern says, and has to be told so in .NET.
        Write(IgnoresCase ? $@"(?i:\k<{group}>)" : $@"\k<{group}>", repeatable: true);
    }

    private void WriteCodePoint()
    {
        var end = _text.IndexOf('}', _position);
        if (end < 0 || !int.TryParse(_text.AsSpan(_position + 2, end - _position - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) || !Rune.IsValid(number))
            throw Refusal(@"\x{..} needs the hexadecimal number of a character");
        _position = end + 1;
        var rune = new Rune(number);
        if (rune.IsBmp)
            Write(CharSet.Of(rune.ToString()));
        else
            Write(Pair(rune.ToString()[0], rune.ToString()[1]), repeatable: true);
    }

    private int EndOfQuote()
    {
        var end = _text.IndexOf(@"\E", _position, StringComparison.Ordinal);
        return end < 0 ? _text.Length : end;
    }

    private void OpenGroup()
    {
        var outer = _flags;
        if (!Skip("?"))
        {
            Open(Capturing());
        }
        else if (Array.Find(["=", "!", "<=", "<!", ">"], Skip) is { } kind)
        {
            _needsBacktracking = true;
            Open("(?" + kind);
        }
        else if (Skip("<"))
        {
            var group = Capturing();
            var name = GroupName();
            if (!_names.TryAdd(name, _groupCount))
                throw Refusal($"there are two groups {name}");
            Open(group);
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
            _groups.Push((outer, _output.Length));
            Write(group, repeatable: false);
        }
    }

    /// <summary>.NET numbers named groups last; as numbers are names too, it is told Java's.</summary>
    private string Capturing() => ++_groupCount is var number && _captures ? $"(?<{number}>" : "(?:";

    private string GroupName()
    {
        var start = _position;
        while (Next() is var c && c != '>')
        {
            if (!char.IsAsciiLetterOrDigit(c))
                throw Refusal("the name of a group has letters and digits only");
        }
        var name = _text[start..(_position - 1)];
        return name.Length > 0 && char.IsAsciiLetter(name[0]) ? name : throw Refusal("the name of a group begins with a letter");
    }

    /// <summary>Flags hold to the end of the group they stand in. d and m make no difference to topic names.</summary>
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
                    Turn(Flags.IgnoreCase, on);
                    break;
                case 's':
                    Turn(Flags.DotMatchesAll, on);
                    break;
                case 'u':
                    Turn(Flags.AllScripts, on);
                    break;
                case 'x':
                    Turn(Flags.Comments, on);
                    break;
                case 'd' or 'm':
                    break;
                default:
                    throw Refusal("of the flags only i, s, m, d, u and x can be used");
            }
        }
        _repeatable = null;
    }

    private void Turn(Flags flag, bool on) => _flags = on ? _flags | flag : _flags & ~flag;

    /// <summary>With the flag x, spaces and what stands behind a # count for nothing.</summary>
    private bool SkipComment()
    {
        if ((_flags & Flags.Comments) == 0 || AtEnd || !(_text[_position] is '#' or ' ' or (>= '\t' and <= '\r')))
            return false;
        if (_text[_position++] == '#')
        {
            while (!AtEnd && _text[_position] is not ('\n' or '\r' or '\u0085' or '\u2028' or '\u2029'))
                _position++;
        }
        return true;
    }

    private void TranslateRepetition(char kind)
    {
        if (_repeatable is not { } start)
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
        if (Skip("+"))
        {
            // Possessive: it gives nothing back.
            _needsBacktracking = true;
            _output.Insert(start, "(?>");
            repetition += ")";
        }
        else if (Skip("?"))
        {
            repetition += "?";
        }
        Write(repetition, repeatable: false);
    }

    private int Number()
    {
        var start = _position;
        while (!AtEnd && char.IsAsciiDigit(_text[_position]))
            _position++;
        return int.TryParse(_text.AsSpan(start, _position - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MostRepetitions
            ? number
            : throw Refusal($"a repetition needs numbers up to {MostRepetitions}");
    }

    private void WriteLiteral(char c)
    {
        if (char.IsHighSurrogate(c) && !AtEnd && char.IsLowSurrogate(_text[_position]))
            Write(Pair(c, _text[_position++]), repeatable: true);
        else
            Write(Literal(c));
    }

    private static string Pair(char high, char low) => string.Create(CultureInfo.InvariantCulture, $@"(?:\u{(int)high:X4}\u{(int)low:X4})");

    private CharSet Literal(char c) =>
        char.IsSurrogate(c) ? throw Refusal("characters beyond U+FFFF are not supported in a class; no topic has them") : CharSet.Of(c.ToString());

    private CharSet InCase(CharSet set) => IgnoresCase ? set.InBothCases(ofAllScripts: (_flags & Flags.AllScripts) != 0) : set;

    private void Write(CharSet set) => Write(InCase(set).ToPattern(), repeatable: true);

    private void Write(string pattern, bool repeatable)
    {
        _repeatable = repeatable ? _output.Length : null;
        _output.Append(pattern);
    }

    private char Peek() => AtEnd ? throw Refusal("it ends too early") : _text[_position];

    private char Next()
    {
        var c = Peek();
        _position++;
        return c;
    }

    private bool Skip(string expected)
    {
        if (string.CompareOrdinal(_text, _position, expected, 0, expected.Length) != 0)
            return false;
        _position += expected.Length;
        return true;
    }

    private FormatException Refusal(string problem) => new($"{problem} (near character {_position})");

    [Flags]
    private enum Flags
    {
        IgnoreCase = 1,
        AllScripts = 2,
        DotMatchesAll = 4,
        Comments = 8,
    }
}

/// <summary>A pattern in .NET's dialect.</summary>
/// <param name="Text">The pattern.</param>
/// <param name="NeedsBacktracking">It looks around, refers back or gives nothing back, which RegexOptions.NonBacktracking cannot: it may take time without bound and needs a limit.</param>
/// <param name="GroupCount">How many groups it has; they are called 1, 2, ..</param>
/// <param name="Names">The numbers of those that have a name.</param>
internal sealed record TranslatedPattern(string Text, bool NeedsBacktracking, int GroupCount, IReadOnlyDictionary<string, int> Names);
