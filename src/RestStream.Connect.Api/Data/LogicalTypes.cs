using System.Globalization;
using System.Numerics;

namespace RestStream.Connect.Data;

/// <summary>Between values of the logical types and what stands for them on the wire (toLogical and fromLogical of Kafka's Date, Time, Timestamp and Decimal).</summary>
internal static class LogicalTypes
{
    public static Instant ToDate(int daysSinceEpoch) => new(daysSinceEpoch * JavaCalendar.MillisecondsPerDay);

    /// <exception cref="DataException">Not at midnight.</exception>
    public static int FromDate(Instant value)
    {
        var days = Math.DivRem(value.EpochMilliseconds, JavaCalendar.MillisecondsPerDay, out var rest);
        return rest == 0 ? unchecked((int)days) : throw new DataException("Kafka Connect Date type should not have any time fields set to non-zero values.");
    }

    /// <exception cref="DataException">Not within a day.</exception>
    public static Instant ToTime(int milliseconds) =>
        milliseconds is >= 0 and <= (int)JavaCalendar.MillisecondsPerDay
            ? new Instant(milliseconds)
            : throw new DataException("Time values must use number of milliseconds greater than 0 and less than 86400000");

    /// <exception cref="DataException">Not within the first day.</exception>
    public static int FromTime(Instant value) =>
        value.EpochMilliseconds is >= 0 and <= JavaCalendar.MillisecondsPerDay
            ? (int)value.EpochMilliseconds
            : throw new DataException("Kafka Connect Time type should not have any date fields set to non-zero values.");

    /// <exception cref="DataException">The schema has no scale.</exception>
    public static BigDecimal ToDecimal(Schema schema, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            throw new DataException("A decimal number needs at least one byte, found none.");
        return new BigDecimal(new BigInteger(bytes, isUnsigned: false, isBigEndian: true), Scale(schema));
    }

    /// <exception cref="DataException">The value's scale is not the schema's.</exception>
    public static byte[] FromDecimal(Schema schema, BigDecimal value)
    {
        var scale = Scale(schema);
        return value.Scale == scale
            ? value.Unscaled.ToByteArray(isUnsigned: false, isBigEndian: true)
            : throw new DataException($"Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {value.Scale}.");
    }

    private static int Scale(Schema schema)
    {
        if (!schema.Parameters.TryGetValue(Schema.DecimalScale, out var text))
            throw new DataException("Invalid Decimal schema: scale parameter not found.");
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale) ? scale : throw new DataException("Invalid scale parameter found in Decimal schema: ");
    }
}
