using System.Globalization;
using System.Numerics;

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
}
