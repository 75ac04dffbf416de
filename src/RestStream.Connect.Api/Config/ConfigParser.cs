using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace RestStream.Connect.Config;

/// <summary>Values of settings from text, accepting what Java's parsers accept: a configuration that Kafka Connect takes is taken here, and read as the same value.</summary>
internal static partial class ConfigParser
{
    public static object? Parse(string name, object? value, ConfigType type, Func<string, string, string?>? findClass = null)
    {
        if (value is null)
            return null;
        var text = value is string s ? Trim(s) : null;
        return type switch
        {
            ConfigType.Boolean => value is bool ? value : ParseBoolean(text) ?? throw new ConfigException(name, value, "Expected value to be either true or false"),
            ConfigType.String => text ?? throw Wrong(name, value, "a string"),
            ConfigType.Password => value is ConfigSecret ? value : new ConfigSecret(text ?? throw Wrong(name, value, "a string")),
            ConfigType.Int => value is int ? value : (int)ParseInteger(name, value, text, type, int.MinValue, int.MaxValue, "a 32-bit integer"),
            ConfigType.Short => value is short ? value : (short)ParseInteger(name, value, text, type, short.MinValue, short.MaxValue, "a 16-bit integer (short)"),
            ConfigType.Long => value is long ? value : value is int i ? (long)i : ParseInteger(name, value, text, type, long.MinValue, long.MaxValue, "a 64-bit integer (long)"),
            ConfigType.Double => ParseDouble(name, value, text),
            ConfigType.List => value as IReadOnlyList<string> ?? (text is null ? throw new ConfigException(name, value, "Expected a comma separated list.") : ParseList(text)),
            ConfigType.Class => ParseClass(name, value, text, findClass),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no type of a setting"),
        };
    }

    private static ConfigException Wrong(string name, object value, string expected) => new(name, value, $"Expected value to be {expected}, but it was a {value.GetType().FullName}");

    private static object? ParseBoolean(string? text) =>
        string.Equals(text, "true", StringComparison.OrdinalIgnoreCase) ? true : string.Equals(text, "false", StringComparison.OrdinalIgnoreCase) ? false : null;

    private static string ParseClass(string name, object value, string? text, Func<string, string, string?>? findClass)
    {
        if (text is null)
            throw new ConfigException(name, value, "Expected a Class instance or class name.");
        var found = text.Length == 0 || findClass is null ? text : findClass(name, text);
        return found is { Length: > 0 } ? found : throw new ConfigException(name, value, $"Class {value} could not be found.");
    }

    private static IReadOnlyList<string> ParseList(string text) => text.Length == 0 ? [] : CommaWithSpace().Split(text);

    private static long ParseInteger(string name, object value, string? text, ConfigType type, long min, long max, string expected)
    {
        if (text is null)
            throw Wrong(name, value, expected);
        return TryParseInteger(text, out var number) && number >= min && number <= max ? number : throw new ConfigException(name, value, $"Not a number of type {type.ToString().ToUpperInvariant()}");
    }

    /// <summary>Java's Long.parseLong: a sign, then decimal digits of any script.</summary>
    private static bool TryParseInteger(string text, out long number)
    {
        number = 0;
        var digits = text.StartsWith('-') || text.StartsWith('+') ? text.AsSpan(1) : text;
        if (digits.IsEmpty)
            return false;
        var sum = BigInteger.Zero;
        foreach (var c in digits)
        {
            var digit = CharUnicodeInfo.GetDecimalDigitValue(c);
            if (digit < 0)
                return false;
            sum = (sum * 10) + digit;
            if (sum > ulong.MaxValue)
                return false;
        }

        if (text[0] == '-')
            sum = -sum;
        if (sum < long.MinValue || sum > long.MaxValue)
            return false;
        number = (long)sum;
        return true;
    }

    private static object ParseDouble(string name, object value, string? text)
    {
        if (text is null)
            return value is double ? value : value is int or long or short or float ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : throw Wrong(name, value, "a double");

        // Java's Double.parseDouble: a suffix for the type, hexadecimal with a binary exponent, and no thousands.
        if (JavaDouble().Match(text) is { Success: true } m)
        {
            if (m.Groups["word"].Success)
                return double.Parse(m.Groups["word"].Value, CultureInfo.InvariantCulture);
            if (m.Groups["decimal"].Success)
                return double.Parse(m.Groups["decimal"].Value, NumberStyles.Float, CultureInfo.InvariantCulture);
            return ParseHexadecimal(m);
        }

        throw new ConfigException(name, value, "Not a number of type DOUBLE");
    }

    private static double ParseHexadecimal(Match m)
    {
        var fraction = m.Groups["fraction"].Value;
        var mantissa = BigInteger.Parse("0" + m.Groups["whole"].Value + fraction, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var exponent = BigInteger.Parse(m.Groups["exponent"].Value.TrimStart('+'), CultureInfo.InvariantCulture) - (4 * fraction.Length);
        var number = Math.ScaleB((double)mantissa, (int)BigInteger.Clamp(exponent, -5000, 5000));
        return m.Groups["sign"].Value == "-" ? -number : number;
    }

    /// <summary>Java's String.trim: everything up to the blank, and nothing above it.</summary>
    private static string Trim(string text)
    {
        var start = 0;
        var end = text.Length;
        while (start < end && text[start] <= ' ')
            start++;
        while (end > start && text[end - 1] <= ' ')
            end--;
        return text[start..end];
    }

    [GeneratedRegex("[ \t\n\v\f\r]*,[ \t\n\v\f\r]*", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CommaWithSpace();

    [GeneratedRegex(
        "^((?<word>[+-]?(NaN|Infinity))|(?<decimal>[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?"
        + "|(?<sign>[+-]?)0[xX](?=[0-9a-fA-F.]*[0-9a-fA-F])(?<whole>[0-9a-fA-F]*)(\\.(?<fraction>[0-9a-fA-F]*))?[pP](?<exponent>[+-]?[0-9]+)[fFdD]?)\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex JavaDouble();
}
