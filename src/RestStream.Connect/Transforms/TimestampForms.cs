using RestStream.Connect.Data;
using RestStream.Connect.Transforms.Dates;

namespace RestStream.Connect.Transforms;

/// <summary>Forms of a point in time.</summary>
internal enum TimestampForm
{
    String,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// <summary>Reads and writes points in time for <see cref="TimestampConverter"/>.</summary>
/// <param name="format">Of text; null: text is refused.</param>
/// <param name="precision">What numbers count: seconds, milliseconds, microseconds, nanoseconds.</param>
internal sealed class TimestampForms(JavaDateFormat? format, string precision)
{
    private const long MillisecondsPerDay = 86_400_000;

    private static readonly Schema s_optionalDate = SchemaBuilder.From(Schema.Date).Optional().Build();
    private static readonly Schema s_optionalTime = SchemaBuilder.From(Schema.Time).Optional().Build();
    private static readonly Schema s_optionalTimestamp = SchemaBuilder.From(Schema.Timestamp).Optional().Build();

    public static Schema SchemaOf(TimestampForm form, bool optional) => form switch
    {
        TimestampForm.String => optional ? Schema.OptionalString : Schema.String,
        TimestampForm.Unix => optional ? Schema.OptionalInt64 : Schema.Int64,
        TimestampForm.Date => optional ? s_optionalDate : Schema.Date,
        TimestampForm.Time => optional ? s_optionalTime : Schema.Time,
        _ => optional ? s_optionalTimestamp : Schema.Timestamp,
    };

    /// <summary>Milliseconds since the epoch.</summary>
    /// <param name="value">A value of that schema.</param>
    /// <param name="schema">Null: the type of the value says what it is.</param>
    public long Read(object value, Schema? schema) => (schema is null ? FormOf(value) : FormOf(schema)) switch
    {
        TimestampForm.String => ReadText(value as string ?? throw new DataException($"Expected string timestamp to be a String, but found {Requirements.TypeName(value)}")),
        TimestampForm.Unix => value is long number ? ReadNumber(number) : throw new DataException($"Expected Unix timestamp to be a Long, but found {Requirements.TypeName(value)}"),
        var form => value is Instant instant ? instant.EpochMilliseconds : throw new DataException($"Expected {form} to be a java.util.Date, but found {Requirements.TypeName(value)}"),
    };

    public object Write(TimestampForm form, long milliseconds) => form switch
    {
        TimestampForm.String => format!.Format(milliseconds),
        TimestampForm.Unix => WriteNumber(milliseconds),
        TimestampForm.Date => new Instant(milliseconds - JavaCalendar.FloorMod(milliseconds, MillisecondsPerDay)),
        TimestampForm.Time => new Instant(JavaCalendar.FloorMod(milliseconds, MillisecondsPerDay)),
        _ => new Instant(milliseconds),
    };

    private static TimestampForm FormOf(object value) => value switch
    {
        Instant => TimestampForm.Timestamp,
        long => TimestampForm.Unix,
        string => TimestampForm.String,
        _ => throw new DataException($"TimestampConverter does not support {Requirements.TypeName(value)} objects as timestamps"),
    };

    private static TimestampForm FormOf(Schema schema) => schema switch
    {
        { Name: Schema.TimestampName } => TimestampForm.Timestamp,
        { Name: Schema.DateName } => TimestampForm.Date,
        { Name: Schema.TimeName } => TimestampForm.Time,
        { Type: SchemaType.String } => TimestampForm.String,
        { Type: SchemaType.Int64 } => TimestampForm.Unix,
        _ => throw new ConnectException($"Schema {schema} does not correspond to a known timestamp type format"),
    };

    private long ReadText(string text)
    {
        if (format is null)
            throw new DataException("TimestampConverter needs the option format to read timestamps that are text");
        return format.TryParse(text, out var milliseconds) ? milliseconds : throw new DataException($"Could not parse timestamp: value ({text}) does not match pattern ({format.Pattern})");
    }

    // As Java's TimeUnit: coarser units are cut towards zero, finer ones stop at the bounds.
    private long ReadNumber(long number) => precision switch
    {
        "seconds" => Scaled(number, 1_000),
        "microseconds" => number / 1_000,
        "nanoseconds" => number / 1_000_000,
        _ => number,
    };

    private long WriteNumber(long milliseconds) => precision switch
    {
        "seconds" => milliseconds / 1_000,
        "microseconds" => Scaled(milliseconds, 1_000),
        "nanoseconds" => Scaled(milliseconds, 1_000_000),
        _ => milliseconds,
    };

    private static long Scaled(long number, long factor) => (long)Int128.Clamp((Int128)number * factor, long.MinValue, long.MaxValue);
}
