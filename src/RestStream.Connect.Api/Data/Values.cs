using System.Collections;
using System.Text;

namespace RestStream.Connect.Data;

/// <summary>
/// Values in other forms, as Kafka's class of that name has them. The schema that conversions take is the value's own, null when unknown: only it tells whether an <see cref="Instant"/> is a date,
/// a time or a timestamp. Dates are in UTC.
/// </summary>
public static class Values
{
    private static readonly Schema s_list = SchemaBuilder.Array(Schema.String).Build();
    private static readonly Schema s_map = SchemaBuilder.Map(Schema.String, Schema.String).Build();
    private static readonly Schema s_struct = SchemaBuilder.Struct().Build();

    /// <summary>The text of a value as Java's <c>toString</c> has it: <c>{a=1}</c> for a map, <c>[1, 2]</c> for a list, <c>Struct{a=1}</c>, <c>1.0E10</c>; "null" for null. Bytes in Base64.</summary>
    public static string ToText(object? value)
    {
        if (value is string s)
            return s;
        var text = new StringBuilder();
        ValueText.AppendJava(text, value);
        return text.ToString();
    }

    /// <summary>The text of a value that <see cref="ParseString"/> reads back, structs aside: <c>{"a":1}</c>, <c>[1,2]</c>, <c>2023-11-14T22:13:20.123Z</c>, bytes in Base64; null for null.</summary>
    /// <exception cref="DataException">A value is of no Connect type.</exception>
    public static string? ConvertToString(Schema? schema, object? value)
    {
        if (value is null or string)
            return (string?)value;
        var text = new StringBuilder();
        ValueText.AppendConnect(text, value, embedded: false);
        return text.ToString();
    }

    /// <summary>Guesses what a text stands for: null, true, false, the smallest number type that holds it, a date, time or timestamp in ISO 8601, a list or map of such; all else is text.</summary>
    public static SchemaAndValue ParseString(string? text) => text is null ? SchemaAndValue.Null : ValueParser.Parse(text);

    /// <summary>The schema of a value, as far as it shows: null for null, dates, decimals, empty lists and maps, and those whose members are of different types.</summary>
    /// <exception cref="SchemaBuilderException">A list or map of nothing but null.</exception>
    public static Schema? InferSchema(object? value) => value switch
    {
        string => Schema.String,
        bool => Schema.Boolean,
        sbyte => Schema.Int8,
        short => Schema.Int16,
        int => Schema.Int32,
        long => Schema.Int64,
        float => Schema.Float32,
        double => Schema.Float64,
        byte[] => Schema.Bytes,
        IDictionary map => InferMap(map),
        IList list => list.Count > 0 && TryInferMembers(list.Cast<object?>(), out var members) ? SchemaBuilder.Array(members).Build() : null,
        Struct s => s.Schema,
        _ => null,
    };

    /// <summary>True for every number but 0, and for "true"; null for null.</summary>
    /// <exception cref="DataException">Neither number, truth value nor the text of one.</exception>
    public static bool? ConvertToBoolean(Schema? schema, object? value) => (bool?)ValueConversion.Convert(Schema.OptionalBoolean, schema, value);

    /// <summary>A number, or the text of one; without a check of range: of larger numbers the lowest 8 bits. Null for null.</summary>
    /// <exception cref="DataException">It is none.</exception>
    public static sbyte? ConvertToByte(Schema? schema, object? value) => (sbyte?)ValueConversion.Convert(Schema.OptionalInt8, schema, value);

    /// <summary>As <see cref="ConvertToByte"/>, with 16 bits.</summary>
    /// <exception cref="DataException">It is no number.</exception>
    public static short? ConvertToShort(Schema? schema, object? value) => (short?)ValueConversion.Convert(Schema.OptionalInt16, schema, value);

    /// <summary>As <see cref="ConvertToByte"/>, with 32 bits.</summary>
    /// <exception cref="DataException">It is no number.</exception>
    public static int? ConvertToInteger(Schema? schema, object? value) => (int?)ValueConversion.Convert(Schema.OptionalInt32, schema, value);

    /// <summary>As <see cref="ConvertToByte"/>, with 64 bits.</summary>
    /// <exception cref="DataException">It is no number.</exception>
    public static long? ConvertToLong(Schema? schema, object? value) => (long?)ValueConversion.Convert(Schema.OptionalInt64, schema, value);

    /// <summary>The nearest float of a number, or of the text of one; null for null.</summary>
    /// <exception cref="DataException">It is no number.</exception>
    public static float? ConvertToFloat(Schema? schema, object? value) => (float?)ValueConversion.Convert(Schema.OptionalFloat32, schema, value);

    /// <summary>The nearest double of a number, or of the text of one; null for null.</summary>
    /// <exception cref="DataException">It is no number.</exception>
    public static double? ConvertToDouble(Schema? schema, object? value) => (double?)ValueConversion.Convert(Schema.OptionalFloat64, schema, value);

    /// <summary>A list as it is, or the text of one.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static IList ConvertToList(Schema? schema, object? value) => (IList)ValueConversion.Convert(s_list, schema, value)!;

    /// <summary>A map as it is, or the text of one.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static IDictionary ConvertToMap(Schema? schema, object? value) => (IDictionary)ValueConversion.Convert(s_map, schema, value)!;

    /// <summary>A struct as it is.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static Struct ConvertToStruct(Schema? schema, object? value) => (Struct)ValueConversion.Convert(s_struct, schema, value)!;

    /// <summary>A date; from a timestamp its day, from numbers and their texts so many days since 1970-01-01.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static Instant ConvertToDate(Schema? schema, object? value) => (Instant)ValueConversion.Convert(Schema.Date, schema, value)!;

    /// <summary>A time of day; from a timestamp its time, from numbers and their texts so many milliseconds since midnight.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static Instant ConvertToTime(Schema? schema, object? value) => (Instant)ValueConversion.Convert(Schema.Time, schema, value)!;

    /// <summary>A timestamp; from a date its midnight, from numbers and their texts so many milliseconds since the epoch.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static Instant ConvertToTimestamp(Schema? schema, object? value) => (Instant)ValueConversion.Convert(Schema.Timestamp, schema, value)!;

    /// <summary>A decimal number as it is, with its own scale; from bytes with the scale given; from other numbers by way of a double.</summary>
    /// <exception cref="DataException">It is none, or null.</exception>
    public static BigDecimal ConvertToDecimal(Schema? schema, object? value, int scale) => (BigDecimal)ValueConversion.Convert(Schema.Decimal(scale), schema, value)!;

    private static Schema? InferMap(IDictionary map) =>
        map.Count > 0 && TryInferMembers(DeepValue.Entries(map).Select(e => NullKey.ToValue(e.Key)), out var keys) && TryInferMembers(DeepValue.Entries(map).Select(e => e.Value), out var values)
            ? SchemaBuilder.Map(keys, values).Build()
            : null;

    // Of lists and maps in lists and maps only that they are such is known, not of what: as in Kafka, their schemas have no members.
    private static bool TryInferMembers(IEnumerable<object?> members, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Schema? schema)
    {
        schema = null;
        SchemaType? common = null;
        var optional = false;
        foreach (var member in members)
        {
            if (member is null)
            {
                optional = true;
                continue;
            }

            if (InferSchema(member) is not { } found || (common ?? found.Type) != found.Type)
                return false;
            common = found.Type;
        }

        if (common is null)
            throw new SchemaBuilderException("type cannot be null");
        var builder = new SchemaBuilder(common.Value);
        schema = (optional ? builder.Optional() : builder).Build();
        return true;
    }
}
