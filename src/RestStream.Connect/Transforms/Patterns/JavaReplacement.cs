using System.Text;
using System.Text.RegularExpressions;

namespace RestStream.Connect.Transforms.Patterns;

/// <summary>What a match is replaced by, in Java's form: <c>$1</c> and <c>${name}</c> stand for groups, a backslash takes the next character as it is.</summary>
internal sealed class JavaReplacement
{
    private readonly List<(string Text, int? Group)> _parts = [];

    private JavaReplacement()
    {
    }

    /// <exception cref="FormatException">It refers to a group that the pattern does not have, or is cut off.</exception>
    public static JavaReplacement Parse(string text, JavaRegex regex)
    {
        var replacement = new JavaReplacement();
        var literal = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            var c = text[at++];
            switch (c)
            {
                case '\\':
                    literal.Append(at < text.Length ? text[at++] : throw new FormatException("character to be escaped is missing"));
                    break;
                case '$':
                    replacement._parts.Add((literal.ToString(), null));
                    literal.Clear();
                    replacement._parts.Add(("", text.AsSpan(at) is ['{', ..] ? Named(text, ref at, regex) : Numbered(text, ref at, regex)));
                    break;
                default:
                    literal.Append(c);
                    break;
            }
        }
        replacement._parts.Add((literal.ToString(), null));
        return replacement;
    }

    public string For(Match match)
    {
        var text = new StringBuilder();
        foreach (var (literal, group) in _parts)
        {
            if (group is { } number)
                text.Append(match.Groups[number].ValueSpan);
            else
                text.Append(literal);
        }
        return text.ToString();
    }

    private static int Named(string text, ref int at, JavaRegex regex)
    {
        var end = text.IndexOf('}', at);
        if (end < 0)
            throw new FormatException("named capturing group is missing trailing '}'");
        var name = text[(at + 1)..end];
        at = end + 1;
        return regex.GroupNames.TryGetValue(name, out var number) ? number : throw new FormatException($"No group with name {{{name}}}");
    }

    /// <summary>As many digits as make the number of a group; one at least.</summary>
    private static int Numbered(string text, ref int at, JavaRegex regex)
    {
        if (at == text.Length || !char.IsAsciiDigit(text[at]))
            throw new FormatException("Illegal group reference: a $ needs a number or a {name} behind it; write \\$ for the character");
        var number = text[at++] - '0';
        if (number > regex.GroupCount)
            throw new FormatException($"No group {number}");
        while (at < text.Length && char.IsAsciiDigit(text[at]) && number * 10 + text[at] - '0' <= regex.GroupCount)
            number = number * 10 + text[at++] - '0';
        return number;
    }
}
