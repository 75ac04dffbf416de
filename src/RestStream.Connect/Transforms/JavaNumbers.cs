using System.Globalization;
using System.Numerics;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>
/// Numbers in text as Java's parseLong and parseDouble read them. They take other texts than .NET's: any Unicode digits, but no spaces in integers; suffixes and hexadecimal floating point.
/// </summary>
internal static class JavaNumbers
{
    /// <summary>A sign and decimal digits of any script, nothing else.</summary>
    public static bool TryParseInteger(string text, long min, long max, out long number)
    {
        number = 0;
        var start = text is ['+' or '-', ..] ? 1 : 0;
        if (start == text.Length)
            return false;
        Int128 value = 0;
        for (var i = start; i < text.Length; i++)
        {
            var digit = CharUnicodeInfo.GetDecimalDigitValue(text[i]);
            if (digit < 0 || value > long.MaxValue)
                return false;
            value = value * 10 + digit;
        }
        if (text[0] == '-')
            value = -value;
        if (value < min || value > max)
            return false;
        number = (long)value;
        return true;
    }

    /// <summary>As <see cref="TryParseInteger(string, long, long, out long)"/>, of any size.</summary>
    public static bool TryParseInteger(string text, out BigInteger number)
    {
        number = BigInteger.Zero;
        var digits = text.AsSpan(text is ['+' or '-', ..] ? 1 : 0);
        foreach (var c in digits)
        {
            if (!char.IsDigit(c))
                return false;
        }
        return digits.Length > 0 && BigDecimal.TryParse(text, out var whole) && (number = whole.Unscaled) is var _;
    }

    public static bool TryParseFloat(string text, out float number)
    {
        number = 0;
        if (Plain(text) is not { } plain)
            return false;
        if (IsHexadecimal(plain))
        {
            var ok = TryParseHexadecimal(plain, out var wide);
            number = (float)wide;
            return ok;
        }
        return float.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    public static bool TryParseDouble(string text, out double number)
    {
        number = 0;
        if (Plain(text) is not { } plain)
            return false;
        return IsHexadecimal(plain) ? TryParseHexadecimal(plain, out number) : double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>Without surrounding spaces and suffix, in a form that .NET reads as Java does; null when it is no number.</summary>
    private static string? Plain(string text)
    {
        var plain = text.Trim([.. Enumerable.Range(0, ' ' + 1).Select(c => (char)c)]);
        var digits = plain.AsSpan(plain is ['+' or '-', ..] ? 1 : 0);
        if (digits is "NaN")
            return "NaN";
        if (digits is "Infinity")
            return plain[0] == '-' ? "-Infinity" : "Infinity";
        if (IsHexadecimal(plain))
            return plain;
        if (digits is [.., 'd' or 'D' or 'f' or 'F'])
            plain = plain[..^1];
        return plain.AsSpan().ContainsAnyExcept("+-.0123456789eE") ? null : plain;
    }

    private static bool IsHexadecimal(string text) => text.AsSpan(text is ['+' or '-', ..] ? 1 : 0) is ['0', 'x' or 'X', ..];

    /// <summary><c>0x1.8p3</c>: hexadecimal digits times a power of two, which must be there.</summary>
    private static bool TryParseHexadecimal(string text, out double number)
    {
        number = 0;
        var body = text.AsSpan(text.IndexOfAny(['x', 'X']) + 1).TrimEnd("dDfF");
        var power = body.IndexOfAny('p', 'P');
        if (power <= 0 || !int.TryParse(body[(power + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent))
            return false;
        var point = body.IndexOf('.');
        var digits = string.Concat(body[..(point < 0 ? power : point)], point < 0 ? "" : body[(point + 1)..power]);
        if (digits.Length == 0 || !BigInteger.TryParse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mantissa))
            return false;
        number = Math.ScaleB((double)mantissa, exponent - (point < 0 ? 0 : 4 * (power - point - 1)));
        if (text[0] == '-')
            number = -number;
        return true;
    }
}
