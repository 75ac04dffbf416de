using System.Globalization;

namespace RestStream.Broker.Groups.Patterns;

/// <content>What stands for one character: classes and escapes.</content>
internal sealed partial class JavaPattern
{
    /// <summary>A class, behind its '['. Parts side by side are joined, parts between &amp;&amp; intersected, a leading ^ negates it all.</summary>
    private CharSet ParseClass()
    {
        var negated = Skip("^");
        CharSet? all = null;
        CharSet? part = null;
        for (; ; )
        {
            if (SkipComment())
                continue;
            // A ] with nothing before it is one.
            if ((part is not null || all is not null) && Skip("]"))
                break;
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
            var quoted = _text[_position..EndOfQuote()];
            _position += quoted.Length;
            Skip(@"\E");
            return quoted.Length > 0 ? InCase(CharSet.Of(quoted)) : throw Refusal("a quotation in a class is empty");
        }

        var (set, first) = ParseClassCharacter();
        if (AtEnd || Peek() != '-' || _position + 1 >= _text.Length || _text[_position + 1] is ']' or '[')
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
            case 'c':
                _position++;
                return (char)(Next() ^ '@');
            case '0':
                _position++;
                return Octal();
            case >= '1' and <= '9':
                throw Refusal("a class cannot refer to a group");
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
            var end = _text.IndexOf('}', _position);
            name = end < 0 ? throw Refusal(@"a \p{..} is not closed") : _text[_position..end];
            _position = end + 1;
        }
        return CharSet.OfProperty(name) ?? throw Refusal("the name of a property is not known");
    }

    private char Hex(int digits)
    {
        if (_position + digits > _text.Length || !ushort.TryParse(_text.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Refusal($"a character by number needs {digits} hexadecimal digits");
        _position += digits;
        return (char)value;
    }

    /// <summary>One to three octal digits, up to 377.</summary>
    private char Octal()
    {
        var value = 0;
        var digits = 0;
        for (; digits < 3 && !AtEnd && Peek() is >= '0' and <= '7' && value * 8 + Peek() - '0' <= 255; digits++)
            value = value * 8 + Next() - '0';
        return digits > 0 ? (char)value : throw Refusal(@"an octal character is \0 and up to three digits");
    }
}
