using System.Globalization;
using System.Numerics;
using System.Text;

namespace RestStream.Connect.Data;

/// <summary>
/// A decimal number of any size: <paramref name="Unscaled"/> × 10^-<paramref name="Scale"/>. The scale counts: 1.5 and 1.50 are different values, as in Kafka (java.math.BigDecimal).
/// </summary>
/// <param name="Unscaled">All digits.</param>
/// <param name="Scale">How many of them stand behind the point; negative: zeros to be added.</param>
public readonly record struct BigDecimal(BigInteger Unscaled, int Scale)
{
    /// <summary>The same number with the same scale.</summary>
    public static implicit operator BigDecimal(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var scale = (bits[3] >> 16) & 0xFF;
        var unscaled = ((BigInteger)(uint)bits[2] << 64) | ((BigInteger)(uint)bits[1] << 32) | (uint)bits[0];
        return new BigDecimal(bits[3] < 0 ? -unscaled : unscaled, scale);
    }

    /// <summary>
    /// Reads what <see cref="ToString"/> writes and whatever else Java's <c>new BigDecimal(text)</c> reads: a sign, digits of any script with a point among them, an exponent. No spaces.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out BigDecimal value)
    {
        value = default;
        var mantissa = text;
        long exponent = 0;
        if (text.IndexOfAny('e', 'E') is >= 0 and var at)
        {
            mantissa = text[..at];
            if (!TryParseExponent(text[(at + 1)..], out exponent))
                return false;
        }

        var negative = mantissa is ['-', ..];
        if (mantissa is ['-' or '+', ..])
            mantissa = mantissa[1..];
        var digits = new StringBuilder(mantissa.Length);
        long scale = 0;
        var pointSeen = false;
        foreach (var c in mantissa)
        {
            if (c == '.' && !pointSeen)
                pointSeen = true;
            else if (char.IsDigit(c))
            {
                digits.Append((char)('0' + CharUnicodeInfo.GetDecimalDigitValue(c)));
                scale += pointSeen ? 1 : 0;
            }
            else
                return false;
        }

        scale -= exponent;
        if (digits.Length == 0 || scale is < int.MinValue or > int.MaxValue)
            return false;
        var unscaled = BigInteger.Parse(digits.ToString(), NumberStyles.None, CultureInfo.InvariantCulture);
        value = new BigDecimal(negative ? -unscaled : unscaled, (int)scale);
        return true;
    }

    /// <summary>The nearest double; an infinity where there is none near.</summary>
    public double ToDouble() => double.Parse(Digits, NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>The nearest float; an infinity where there is none near.</summary>
    internal float ToSingle() => float.Parse(Digits, NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Java's longValue: the fraction dropped, of the rest the lowest 64 bits.</summary>
    internal long ToInt64()
    {
        // 10^64 and its multiples have no bits below the 64th; and a long exponent would make a number that fills the memory.
        if (Unscaled.IsZero || Scale <= -64 || Precision <= Scale)
            return 0;
        var whole = Scale <= 0 ? Unscaled * BigInteger.Pow(10, -Scale) : BigInteger.Divide(Unscaled, BigInteger.Pow(10, Scale));
        return unchecked((long)(ulong)(whole & ulong.MaxValue));
    }

    /// <summary>The number as a long, if it is one.</summary>
    internal bool TryToInt64(out long value)
    {
        value = 0;
        if (Unscaled.IsZero)
            return true;
        var digitsBeforePoint = Precision - (long)Scale;
        if (digitsBeforePoint is <= 0 or > 19)
            return false;
        var whole = Unscaled;
        if (Scale < 0)
            whole *= BigInteger.Pow(10, -Scale);
        else if (Scale > 0)
        {
            whole = BigInteger.DivRem(whole, BigInteger.Pow(10, Scale), out var fraction);
            if (!fraction.IsZero)
                return false;
        }

        if (whole < long.MinValue || whole > long.MaxValue)
            return false;
        value = (long)whole;
        return true;
    }

    /// <summary>Without an exponent where that is short, else as Java's <c>BigDecimal.toString</c> does: <c>1E+3</c>, <c>1.5E-9</c>.</summary>
    public override string ToString()
    {
        var digits = BigInteger.Abs(Unscaled).ToString(CultureInfo.InvariantCulture);
        var sign = Unscaled.Sign < 0 ? "-" : "";
        if (Scale == 0)
            return sign + digits;

        var adjusted = -(long)Scale + (digits.Length - 1);
        if (Scale > 0 && adjusted >= -6)
        {
            var padded = digits.PadLeft(Scale + 1, '0');
            return $"{sign}{padded[..^Scale]}.{padded[^Scale..]}";
        }

        var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return adjusted == 0 ? sign + mantissa : $"{sign}{mantissa}E{(adjusted > 0 ? "+" : "")}{adjusted.ToString(CultureInfo.InvariantCulture)}";
    }

    private int Precision => BigInteger.Abs(Unscaled).ToString(CultureInfo.InvariantCulture).Length;

    private string Digits => $"{Unscaled.ToString(CultureInfo.InvariantCulture)}E{(-(long)Scale).ToString(CultureInfo.InvariantCulture)}";

    private static bool TryParseExponent(ReadOnlySpan<char> text, out long exponent)
    {
        exponent = 0;
        var negative = text is ['-', ..];
        if (text is ['-' or '+', ..])
            text = text[1..];
        if (text.IsEmpty)
            return false;
        foreach (var c in text)
        {
            if (!char.IsDigit(c))
                return false;
            exponent = exponent * 10 + CharUnicodeInfo.GetDecimalDigitValue(c);

            // Java: at most ten digits that count; more do not fit into a scale anyway.
            if (exponent > 9_999_999_999)
                return false;
        }

        exponent = negative ? -exponent : exponent;
        return true;
    }
}
