using System.Globalization;
using System.Text;

namespace RestStream.Connect.Configs;

/// <summary>Java's .properties format: <c>key=value</c>, <c>key: value</c>, comments with # and !, continued lines, escapes.</summary>
internal static class PropertiesFile
{
    /// <summary>Its settings; of a key that comes twice the last value.</summary>
    /// <exception cref="ConnectException">A \u escape without four hexadecimal digits.</exception>
    public static Dictionary<string, string> Parse(string text)
    {
        var settings = new Dictionary<string, string>();
        foreach (var line in LogicalLines(text))
        {
            var end = KeyEnd(line);
            var value = end;
            while (value < line.Length && IsBlank(line[value]))
                value++;
            if (value < line.Length && line[value] is '=' or ':')
            {
                value++;
                while (value < line.Length && IsBlank(line[value]))
                    value++;
            }

            settings[Unescape(line[..end])] = Unescape(line[value..]);
        }

        return settings;
    }

    /// <summary>Lines without leading blanks, comments and empty ones; one that ends with an odd number of backslashes goes on in the next, which may look like a comment.</summary>
    private static IEnumerable<string> LogicalLines(string text)
    {
        var line = new StringBuilder();
        var continued = false;
        foreach (var natural in text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', '\r'))
        {
            var content = natural.TrimStart(' ', '\t', '\f');
            if (!continued && (content.Length == 0 || content[0] is '#' or '!'))
                continue;

            var backslashes = content.Length - content.TrimEnd('\\').Length;
            continued = backslashes % 2 == 1;
            line.Append(continued ? content[..^1] : content);
            if (continued)
                continue;
            yield return line.ToString();
            line.Clear();
        }

        if (line.Length > 0)
            yield return line.ToString();
    }

    private static int KeyEnd(string line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
                i++;
            else if (line[i] is '=' or ':' || IsBlank(line[i]))
                return i;
        }

        return line.Length;
    }

    private static string Unescape(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            if (text[i] != 'u')
            {
                result.Append(text[i] switch { 't' => '\t', 'n' => '\n', 'r' => '\r', 'f' => '\f', var other => other });
                continue;
            }

            if (i + 4 >= text.Length || !ushort.TryParse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                throw new ConnectException("Malformed \\uxxxx encoding.");
            result.Append((char)code);
            i += 4;
        }

        return result.ToString();
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\f';
}
