using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace RestStream.Connect.Data;

/// <summary>The two texts that a value has in Kafka: Java's <c>toString</c>, and that of <c>Values.convertToString</c>, which <see cref="ValueParser"/> reads back.</summary>
internal static class ValueText
{

    /// <summary>Java's <c>toString</c>.</summary>
    public static void AppendJava(StringBuilder text, object? value)
    {
        switch (value)
        {
            case Struct s:
                text.Append("Struct{");
                text.AppendJoin(',', s.Schema.Fields.Where(f => s.GetWithoutDefault(f) is not null).Select(f => $"{f.Name}={Values.ToText(s.GetWithoutDefault(f))}"));
                text.Append('}');
                break;
            case byte[] bytes:
                // Java says where the array lies in memory, which helps nobody.
                text.Append(Convert.ToBase64String(bytes));
                break;
            case IDictionary map:
                text.Append('{');
                text.AppendJoin(", ", DeepValue.Entries(map).Select(e => $"{Values.ToText(e.Key)}={Values.ToText(e.Value)}"));
                text.Append('}');
                break;
            case IList list:
                text.Append('[');
                text.AppendJoin(", ", list.Cast<object?>().Select(Values.ToText));
                text.Append(']');
                break;
            case Instant instant:
                text.Append(JavaText.ToString(instant));
                break;
            default:
                if (!TryAppendScalar(text, value))
                    text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>Kafka's own form: JSON-like, texts within others in quotes, bytes in Base64, dates in ISO 8601.</summary>
    /// <exception cref="DataException">There is a value that is of no Connect type.</exception>
    public static void AppendConnect(StringBuilder text, object? value, bool embedded)
    {
        switch (value)
        {
            case string s when embedded:
                text.Append('"').Append(s.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
                break;
            case byte[] bytes:
                AppendConnect(text, Convert.ToBase64String(bytes), embedded);
                break;
            case IDictionary map:
                AppendMembers(text, '{', DeepValue.Entries(map), '}', e => AppendEntry(text, e.Key, e.Value));
                break;
            case IList list:
                AppendMembers(text, '[', list.Cast<object?>(), ']', e => AppendConnect(text, e, embedded: true));
                break;
            case Struct s:
                AppendMembers(text, '{', s.Schema.Fields, '}', f => AppendEntry(text, f.Name, s[f]));
                break;
            case Instant instant:
                AppendIso(text, instant.EpochMilliseconds);
                break;
            default:
                if (!TryAppendScalar(text, value))
                    throw new DataException($"Failed to serialize unexpected value type {value!.GetType()}: {value}");
                break;
        }
    }

    private static bool TryAppendScalar(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null or NullKey:
                text.Append("null");
                return true;
            case string s:
                text.Append(s);
                return true;
            case bool b:
                text.Append(b ? "true" : "false");
                return true;
            case double d:
                text.Append(JavaText.ToString(d));
                return true;
            case float f:
                text.Append(JavaText.ToString(f));
                return true;
            case sbyte or short or int or long or BigInteger:
                text.Append(CultureInfo.InvariantCulture, $"{value}");
                return true;
            case BigDecimal big:
                text.Append(big.ToString());
                return true;
            case decimal number:
                text.Append(((BigDecimal)number).ToString());
                return true;
            default:
                return false;
        }
    }

    private static void AppendEntry(StringBuilder text, object? key, object? value)
    {
        AppendConnect(text, key, embedded: true);
        text.Append(':');
        AppendConnect(text, value, embedded: true);
    }

    private static void AppendMembers<T>(StringBuilder text, char begin, IEnumerable<T> members, char end, Action<T> append)
    {
        text.Append(begin);
        var start = text.Length;
        foreach (var member in members)
        {
            if (text.Length > start)
                text.Append(',');
            append(member);
        }

        text.Append(end);
    }

    // Which of the three forms a date has depends on its value, not on its schema, as in Kafka (Values.dateFormatFor): the first day and all before are times.
    private static void AppendIso(StringBuilder text, long milliseconds)
    {
        var days = JavaCalendar.FloorDiv(milliseconds, JavaCalendar.MillisecondsPerDay);
        var ofDay = milliseconds - days * JavaCalendar.MillisecondsPerDay;
        if (milliseconds >= JavaCalendar.MillisecondsPerDay)
        {
            var (year, month, day) = JavaCalendar.DateOf(days);
            text.Append(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}");
            if (ofDay == 0)
                return;
            text.Append('T');
        }

        text.Append(CultureInfo.InvariantCulture, $"{ofDay / 3_600_000:00}:{ofDay / 60_000 % 60:00}:{ofDay / 1000 % 60:00}.{ofDay % 1000:000}Z");
    }
}
