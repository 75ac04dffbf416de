using System.Globalization;

namespace RestStream.Connect.Plugins;

/// <summary>
/// A version, in the order that Maven gives versions (Kafka compares plugins so): <c>1.0-alpha &lt; 1.0-rc1 &lt; 1.0-SNAPSHOT &lt; 1.0 = 1.0.0 &lt; 1.0-sp &lt; 1.0.1 &lt; 1.10</c>.
/// https://maven.apache.org/pom.html#version-order-specification
/// </summary>
internal sealed class PluginVersion : IComparable<PluginVersion>
{
    private static readonly string[] _qualifiers = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

    private readonly string _text;
    private readonly List<Token> _tokens;

    public PluginVersion(string text)
    {
        _text = text;
        _tokens = Split(text);
        TrimNulls(_tokens);
    }

    public int CompareTo(PluginVersion? other)
    {
        if (other is null)
            return 1;
        for (var i = 0; i < Math.Max(_tokens.Count, other._tokens.Count); i++)
        {
            // The shorter one goes on with nothings: 0 behind a dot, an empty qualifier behind a hyphen.
            var left = i < _tokens.Count ? _tokens[i] : other._tokens[i].Nothing();
            var right = i < other._tokens.Count ? other._tokens[i] : _tokens[i].Nothing();
            var order = left.CompareTo(right);
            if (order != 0)
                return order;
        }

        return 0;
    }

    public override string ToString() => _text;

    private static List<Token> Split(string text)
    {
        var tokens = new List<Token>();
        var start = 0;
        var separator = '-';
        for (var i = 0; i <= text.Length; i++)
        {
            var atSeparator = i < text.Length && text[i] is '.' or '-' or '_';
            var atTransition = i > start && i < text.Length && !atSeparator && char.IsAsciiDigit(text[i]) != char.IsAsciiDigit(text[i - 1]);
            if (i < text.Length && !atSeparator && !atTransition)
                continue;

            tokens.Add(Token.Of(separator, text[start..i], beforeDigit: atTransition && char.IsAsciiDigit(text[i])));
            separator = atSeparator && text[i] == '.' ? '.' : '-';
            start = atSeparator ? i + 1 : i;
        }

        return tokens;
    }

    /// <summary>1.0.0 is 1, and 1.0-sp is 1-sp: nothings before a hyphen and at the end say nothing.</summary>
    private static void TrimNulls(List<Token> tokens)
    {
        for (var i = tokens.Count - 1; i > 0; i--)
        {
            if (tokens[i].IsNothing && (i + 1 == tokens.Count || tokens[i + 1].Separator == '-'))
                tokens.RemoveAt(i);
        }
    }

    /// <summary>A number, or a word (<paramref name="Number"/> null), with what stands before it.</summary>
    private readonly record struct Token(char Separator, System.Numerics.BigInteger? Number, string Word) : IComparable<Token>
    {
        public bool IsNothing => Number is { } number ? number.IsZero : Word.Length == 0;

        public static Token Of(char separator, string text, bool beforeDigit)
        {
            if (text.Length == 0)
                return new Token(separator, 0, "");
            if (char.IsAsciiDigit(text[0]))
                return new Token(separator, System.Numerics.BigInteger.Parse(text, CultureInfo.InvariantCulture), "");
            var word = text.ToLowerInvariant() switch
            {
                "a" when beforeDigit => "alpha",
                "b" when beforeDigit => "beta",
                "m" when beforeDigit => "milestone",
                "cr" => "rc",
                "final" or "ga" or "release" => "",
                var other => other,
            };
            return new Token(separator, null, word);
        }

        public Token Nothing() => Separator == '.' ? new Token('.', 0, "") : new Token('-', null, "");

        public int CompareTo(Token other)
        {
            if (Number is { } left && other.Number is { } right)
                return Separator == other.Separator ? left.CompareTo(right) : Separator == '.' ? 1 : -1;
            if (Number is null != other.Number is null)
                return Number is null ? -1 : 1;

            var place = Array.IndexOf(_qualifiers, Word);
            var otherPlace = Array.IndexOf(_qualifiers, other.Word);
            return place >= 0 && otherPlace >= 0 ? place.CompareTo(otherPlace)
                : place < 0 && otherPlace < 0 ? string.CompareOrdinal(Word, other.Word)
                : place < 0 ? 1 : -1;
        }
    }
}
