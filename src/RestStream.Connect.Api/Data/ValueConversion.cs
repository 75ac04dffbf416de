using System.Collections;
using System.Numerics;

namespace RestStream.Connect.Data;

/// <summary>From any value to one of a given type (Kafka's Values.convertTo): numbers into each other without a check of range, texts by reading them.</summary>
internal static class ValueConversion
{
    /// <exception cref="DataException">There is no such conversion.</exception>
    public static object? Convert(Schema to, Schema? from, object? value)
    {
        if (value is null)
            return to.IsOptional ? null : throw new DataException("Unable to convert a null value to a schema that requires a value");

        unchecked
        {
            return to.Type switch
            {
                SchemaType.Boolean => value switch
                {
                    bool => value,
                    string text when ValueParser.Parse(text).Value is bool parsed => parsed,
                    _ => ToInt64(value, from) != 0,
                },
                SchemaType.Int8 => value as sbyte? ?? (sbyte)ToInt64(value, from),
                SchemaType.Int16 => value as short? ?? (short)ToInt64(value, from),
                SchemaType.Int32 when to.Name == Schema.DateName => ToDate(from, Read(value)),
                SchemaType.Int32 when to.Name == Schema.TimeName => ToTime(from, Read(value)),
                SchemaType.Int32 => value as int? ?? (int)ToInt64(value, from),
                SchemaType.Int64 when to.Name == Schema.TimestampName => ToTimestamp(from, Read(value)),
                SchemaType.Int64 => ToInt64(value, from),
                SchemaType.Float32 => value as float? ?? (float)ToDouble(value, from),
                SchemaType.Float64 => ToDouble(value, from),
                SchemaType.String => Values.ConvertToString(from, value),
                SchemaType.Bytes when to.Name == Schema.DecimalName => ToDecimal(to, value),
                SchemaType.Bytes => value as byte[] ?? throw Impossible(value, to),
                SchemaType.Array => Read(value) is IList list and not byte[]? list : throw Impossible(Read(value), to),
                SchemaType.Map => Read(value) is IDictionary map ? map : throw Impossible(Read(value), to),
                _ => value as Struct ?? throw Impossible(value, to),
            };
        }
    }

    private static object? Read(object value) => value is string text ? ValueParser.Parse(text).Value : value;

    private static Instant ToDate(Schema? from, object? value)
    {
        if (value is Instant instant)
        {
            if (from is null || from.Name == Schema.DateName)
                return instant;
            if (from.Name == Schema.TimestampName)
                return LogicalTypes.ToDate(unchecked((int)(instant.EpochMilliseconds / JavaCalendar.MillisecondsPerDay)));
        }

        return LogicalTypes.ToDate(unchecked((int)ToInt64(value, from)));
    }

    private static Instant ToTime(Schema? from, object? value)
    {
        if (value is Instant instant)
        {
            if (from is null || from.Name == Schema.TimeName)
                return instant;
            if (from.Name == Schema.TimestampName)
            {
                var ofDay = instant.EpochMilliseconds % JavaCalendar.MillisecondsPerDay;
                return new Instant(ofDay < 0 ? ofDay + JavaCalendar.MillisecondsPerDay : ofDay);
            }
        }

        return LogicalTypes.ToTime(unchecked((int)ToInt64(value, from)));
    }

    private static Instant ToTimestamp(Schema? from, object? value)
    {
        if (value is Instant instant)
        {
            switch (from?.Name)
            {
                case Schema.DateName:
                    return new Instant(LogicalTypes.FromDate(instant) * JavaCalendar.MillisecondsPerDay);
                case Schema.TimeName:
                    return new Instant(LogicalTypes.FromTime(instant));
                case Schema.TimestampName:
                case null when from is null:
                    return instant;
            }
        }

        return new Instant(ToInt64(value, from));
    }

    private static BigDecimal ToDecimal(Schema to, object value) => value switch
    {
        byte[] bytes => LogicalTypes.ToDecimal(to, bytes),
        BigDecimal number => number,
        decimal number => number,
        string text => BigDecimal.TryParse(text, out var parsed) ? parsed : throw new DataException($"Not a decimal number: {text}"),
        sbyte or short or int or long or float or double or BigInteger => FromDouble(ToDouble(value, null)),
        _ => throw Impossible(value, to),
    };

    // Through a double and its text, as in Kafka: 70000 becomes 70000.0.
    private static BigDecimal FromDouble(double value) =>
        BigDecimal.TryParse(JavaText.ToString(value), out var number) ? number : throw new DataException($"Not a decimal number: {JavaText.ToString(value)}");

    private static long ToInt64(object? value, Schema? from) => value switch
    {
        sbyte n => n,
        short n => n,
        int n => n,
        long n => n,
        float n => (long)n,
        double n => (long)n,
        decimal n => ((BigDecimal)n).ToInt64(),
        BigDecimal n => n.ToInt64(),
        BigInteger n => unchecked((long)(ulong)(n & ulong.MaxValue)),
        string text when BigDecimal.TryParse(text, out var n) => n.ToInt64(),
        Instant instant when from?.Name == Schema.DateName => LogicalTypes.FromDate(instant),
        Instant instant when from?.Name == Schema.TimeName => LogicalTypes.FromTime(instant),
        Instant instant when from?.Name == Schema.TimestampName => instant.EpochMilliseconds,
        _ when from is not null => throw Impossible(value, from),
        _ => throw new DataException($"Unable to convert {Values.ToText(value)} ({SchemaCheck.TypeName(value)}) to a number"),
    };

    private static double ToDouble(object value, Schema? from) => value switch
    {
        float n => n,
        double n => n,
        decimal n => ((BigDecimal)n).ToDouble(),
        BigDecimal n => n.ToDouble(),
        BigInteger n => new BigDecimal(n, 0).ToDouble(),
        string text when BigDecimal.TryParse(text, out var n) => n.ToDouble(),
        _ => ToInt64(value, from),
    };

    private static DataException Impossible(object? value, Schema schema) => new($"Unable to convert {Values.ToText(value)} ({SchemaCheck.TypeName(value)}) to {schema}");
}
