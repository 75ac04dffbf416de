using System.Numerics;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>
/// One value to another type as <see cref="Cast"/> does it: numbers are narrowed as Java narrows (integers wrap around, floating point stops at the bounds), text must be a number of that type.
/// </summary>
internal static class CastValue
{
    /// <param name="target">Its new type; a struct is refused.</param>
    /// <param name="schema">Its schema; null: its type is inferred.</param>
    /// <param name="value">Null stays null.</param>
    public static object? To(SchemaType target, Schema? schema, object? value)
    {
        if (value is null)
            return null;
        var source = schema?.Type ?? InferredType.Of(value)
            ?? throw new DataException($"Cast transformation was passed a value of type {Requirements.TypeName(value)} which is not supported by Connect's data API");
        if (source is SchemaType.Array or SchemaType.Map or SchemaType.Struct)
        {
            throw new DataException(
                $"Cast transformation does not support casting from {source.ToString().ToUpperInvariant()}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]");
        }
        if (target != SchemaType.String && schema?.Name is not null)
            value = EncodeLogical(schema, value);

        return target switch
        {
            SchemaType.Int8 => (sbyte)ToInteger(value, sbyte.MinValue, sbyte.MaxValue),
            SchemaType.Int16 => (short)ToInteger(value, short.MinValue, short.MaxValue),
            SchemaType.Int32 => (int)ToInteger(value, int.MinValue, int.MaxValue),
            SchemaType.Int64 => ToLong(value),
            SchemaType.Float32 => ToFloat(value),
            SchemaType.Float64 => ToDouble(value),
            SchemaType.Boolean => ToBoolean(value),
            SchemaType.String => ToText(value),
            _ => throw new DataException($"{target.ToString().ToUpperInvariant()} is not supported in the Cast transformation."),
        };
    }

    private static object EncodeLogical(Schema schema, object value) => (schema.Name, value) switch
    {
        (Schema.DateName, Instant date) => LogicalTypes.FromDate(date),
        (Schema.TimeName, Instant time) => LogicalTypes.FromTime(time),
        (Schema.TimestampName, Instant timestamp) => timestamp.EpochMilliseconds,
        _ => value,
    };

    /// <summary>A number that the caller narrows further, by wrapping around. Floating point comes by way of int, as in Java.</summary>
    private static long ToInteger(object value, long min, long max) => value switch
    {
        float f => (int)f,
        double d => (int)d,
        string text => JavaNumbers.TryParseInteger(text, min, max, out var number) ? number : throw OutOfRange(text),
        _ => ToLong(value),
    };

    // Conversions of floating point numbers to integers stop at the bounds, and NaN is 0, in .NET (from 9 on) as in Java.
    private static long ToLong(object value) => value switch
    {
        sbyte n => n,
        short n => n,
        int n => n,
        long n => n,
        float f => (long)f,
        double d => (long)d,
        bool b => b ? 1 : 0,
        BigDecimal or decimal => (long)(ulong)(Whole(AsBigDecimal(value)) & ulong.MaxValue),
        string text => JavaNumbers.TryParseInteger(text, long.MinValue, long.MaxValue, out var number) ? number : throw OutOfRange(text),
        _ => throw Unexpected(value),
    };

    private static float ToFloat(object value) => value switch
    {
        float f => f,
        double d => (float)d,
        BigDecimal or decimal => JavaNumbers.TryParseFloat(AsBigDecimal(value).ToString(), out var number) ? number : throw Unexpected(value),
        string text => JavaNumbers.TryParseFloat(text, out var number) ? number : throw OutOfRange(text),
        _ => ToLong(value),
    };

    private static double ToDouble(object value) => value switch
    {
        float f => f,
        double d => d,
        BigDecimal or decimal => JavaNumbers.TryParseDouble(AsBigDecimal(value).ToString(), out var number) ? number : throw Unexpected(value),
        string text => JavaNumbers.TryParseDouble(text, out var number) ? number : throw OutOfRange(text),
        _ => ToLong(value),
    };

    private static bool ToBoolean(object value) => value is string text ? text.Equals("true", StringComparison.OrdinalIgnoreCase) : ToLong(value) != 0;

    private static string ToText(object value) => value switch
    {
        Instant => Values.ConvertToString(null, value)!,
        byte[] bytes => Convert.ToBase64String(bytes),
        _ => Values.ToText(value),
    };

    private static BigDecimal AsBigDecimal(object value) => value is decimal d ? d : (BigDecimal)value;

    private static BigInteger Whole(BigDecimal value) =>
        value.Scale > 0 ? BigInteger.Divide(value.Unscaled, BigInteger.Pow(10, value.Scale)) : value.Unscaled * BigInteger.Pow(10, -value.Scale);

    private static DataException OutOfRange(string text) => new($"Value ({text}) was out of range for requested data type");

    private static DataException Unexpected(object value) => new($"Unexpected type in Cast transformation: {Requirements.TypeName(value)}");
}
