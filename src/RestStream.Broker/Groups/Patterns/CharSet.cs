using System.Globalization;
using System.Numerics;
using System.Text;

namespace RestStream.Broker.Groups.Patterns;

/// <summary>
/// A set of UTF-16 characters, which is what every class, property and literal of a Java pattern comes down to; so unions, intersections and negations need no counterpart in .NET's dialect.
/// The characters beyond U+FFFF are all in it or none, which is enough for <c>.</c> and negations.
/// </summary>
internal sealed class CharSet
{
    private const int Characters = char.MaxValue + 1;

    private const int WordBits = 64;

    private readonly ulong[] _words = new ulong[Characters / WordBits];
    private bool _beyond;

    /// <summary>Every character.</summary>
    public static CharSet All { get; } = ~new CharSet();
    public static CharSet LineBreaks { get; } = Of("\n\u000B\f\r\u0085\u2028\u2029");
    public static CharSet HorizontalSpaces { get; } = Of(" \t\u00A0\u1680\u180E\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u202F\u205F\u3000");

    // Java means ASCII by these, unless told otherwise.
    public static CharSet Digits { get; } = Where(char.IsAsciiDigit);
    public static CharSet WordCharacters { get; } = Where(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    public static CharSet Spaces { get; } = Of(" \t\n\u000B\f\r");

    private static readonly CharSet s_surrogates = Range('\uD800', '\uDFFF');

    public static CharSet Where(Predicate<char> predicate)
    {
        var set = new CharSet();
        for (var c = 0; c < Characters; c++)
        {
            if (predicate((char)c))
                set.Add((char)c);
        }
        return set;
    }

    public static CharSet Of(string characters)
    {
        var set = new CharSet();
        foreach (var c in characters)
            set.Add(c);
        return set;
    }

    public static CharSet Range(char first, char last)
    {
        var set = new CharSet();
        for (int c = first; c <= last; c++)
            set.Add((char)c);
        return set;
    }

    /// <summary>Null when the name is none that we know.</summary>
    /// <param name="name">What stands in <c>\p{..}</c>.</param>
    public static CharSet? OfProperty(string name) => name switch
    {
        "Lower" => Where(char.IsAsciiLetterLower),
        "Upper" => Where(char.IsAsciiLetterUpper),
        "ASCII" => Where(char.IsAscii),
        "Alpha" => Where(char.IsAsciiLetter),
        "Digit" => Digits,
        "Alnum" => Where(char.IsAsciiLetterOrDigit),
        "Punct" => Where(c => char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c))),
        "Graph" => Range('!', '~'),
        "Print" => Range(' ', '~'),
        "Blank" => Of(" \t"),
        "Cntrl" => Where(c => char.IsAscii(c) && char.IsControl(c)),
        "XDigit" => Where(char.IsAsciiHexDigit),
        "Space" => Spaces,
        "javaLowerCase" or "IsLowercase" => Where(char.IsLower),
        "javaUpperCase" or "IsUppercase" => Where(char.IsUpper),
        "javaLetter" or "IsAlphabetic" => Where(char.IsLetter),
        "javaDigit" or "IsDigit" => Where(char.IsDigit),
        "javaLetterOrDigit" => Where(char.IsLetterOrDigit),
        "IsLatin" => Where(c => char.IsLetter(c) && (char.IsAscii(c) || c is '\u00AA' or '\u00BA' or (>= '\u00C0' and <= '\u02B8') or (>= '\u1E00' and <= '\u1EFF'))),
        _ => OfCategory(name.StartsWith("Is", StringComparison.Ordinal) ? name[2..] : name),
    };

    public static CharSet operator |(CharSet left, CharSet right) => Combine(left, right, (l, r) => l | r, left._beyond | right._beyond);
    public static CharSet operator &(CharSet left, CharSet right) => Combine(left, right, (l, r) => l & r, left._beyond & right._beyond);
    public static CharSet operator ~(CharSet set) => Combine(set, set, (word, _) => ~word, !set._beyond);

    /// <summary>With the letters of the other case: of all scripts (<c>(?iu)</c>), or the ASCII ones, which is what Java's <c>(?i)</c> alone means.</summary>
    public CharSet InBothCases(bool ofAllScripts)
    {
        if (ofAllScripts)
        {
            var folded = Where(c => Has(char.ToLowerInvariant(char.ToUpperInvariant(c))));
            return this | Where(c => folded.Has(c) || Has(char.ToUpperInvariant(c)) || Has(char.ToLowerInvariant(c)));
        }
        var both = this | new CharSet();
        for (var c = 'a'; c <= 'z'; c++)
        {
            var upper = (char)(c - 'a' + 'A');
            if (!Has(c) && !Has(upper))
                continue;
            both.Add(c);
            both.Add(upper);
        }
        return both;
    }

    /// <summary>As a class of .NET's dialect, or as one beside surrogate pairs, which Java takes for one character.</summary>
    public string ToPattern()
    {
        if (_beyond)
            return $@"(?:[\uD800-\uDBFF][\uDC00-\uDFFF]|{ToClass(this & ~s_surrogates)})";
        return ToClass(this);
    }

    private static string ToClass(CharSet set)
    {
        var pattern = new StringBuilder("[");
        for (var first = set.Find(0, member: true); first < Characters;)
        {
            var end = set.Find(first, member: false);
            pattern.Append(CultureInfo.InvariantCulture, $@"\u{first:X4}-\u{end - 1:X4}");
            first = set.Find(end, member: true);
        }
        return pattern.Length > 1 ? pattern.Append(']').ToString() : @"[^\u0000-\uFFFF]";
    }

    private static CharSet Combine(CharSet left, CharSet right, Func<ulong, ulong, ulong> combine, bool beyond)
    {
        var set = new CharSet { _beyond = beyond };
        for (var i = 0; i < set._words.Length; i++)
            set._words[i] = combine(left._words[i], right._words[i]);
        return set;
    }

    private void Add(char c) => _words[c / WordBits] |= 1UL << (c % WordBits);

    private bool Has(char c) => (_words[c / WordBits] >> (c % WordBits) & 1) != 0;

    /// <summary>The first character from <paramref name="from"/> on that is a member, or is none; the number of characters when there is no such.</summary>
    private int Find(int from, bool member)
    {
        while (from < Characters)
        {
            var rest = (member ? _words[from / WordBits] : ~_words[from / WordBits]) >> (from % WordBits);
            if (rest != 0)
                return from + BitOperations.TrailingZeroCount(rest);
            from = (from / WordBits + 1) * WordBits;
        }
        return Characters;
    }

    /// <summary>Unicode's general categories by their short names: two letters, or the first one for all that begin with it.</summary>
    private static CharSet? OfCategory(string name)
    {
        // In the order of .NET's UnicodeCategory.
        string[] names =
        [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
        ];
        return name.Length is 1 or 2 && names.Any(n => n.StartsWith(name, StringComparison.Ordinal))
            ? Where(c => names[(int)CharUnicodeInfo.GetUnicodeCategory(c)].StartsWith(name, StringComparison.Ordinal))
            : null;
    }
}
