using System.Globalization;

namespace RestStream.Connect.Data;

/// <summary>
/// Dates in the three forms that Kafka's Values knows: <c>yyyy-MM-dd</c>, <c>HH:mm:ss.SSSZ</c> and both with a T between. Told apart by their length; else as lenient as the SimpleDateFormat that
/// reads them there: month 13 is the next January, and what follows the date is left alone.
/// </summary>
internal static class IsoDates
{
    private const int DateLength = 10;
    private const int TimeLength = 13;
    private const int TimestampLength = 24;

    public static bool TryParse(string token, out SchemaAndValue parsed)
    {
        parsed = default;
        var text = token.Replace("\\:", ":", StringComparison.Ordinal).AsSpan();
        switch (text.Length)
        {
            case DateLength when TryDate(ref text, out var days):
                parsed = new SchemaAndValue(Schema.Date, new Instant(days * JavaCalendar.MillisecondsPerDay));
                return true;
            case TimeLength when TryTime(ref text, out var time):
                parsed = new SchemaAndValue(Schema.Time, new Instant(time));
                return true;
            case TimestampLength when TryDate(ref text, out var days) && TryTake(ref text, 'T') && TryTime(ref text, out var time):
                parsed = new SchemaAndValue(Schema.Timestamp, new Instant(days * JavaCalendar.MillisecondsPerDay + time));
                return true;
            default:
                return false;
        }
    }

    private static bool TryDate(ref ReadOnlySpan<char> text, out long days)
    {
        days = 0;
        if (!TryNumber(ref text, out var year) || !TryTake(ref text, '-') || !TryNumber(ref text, out var month) || !TryTake(ref text, '-') || !TryNumber(ref text, out var day))
            return false;
        days = JavaCalendar.Day(year, month, day);
        return true;
    }

    private static bool TryTime(ref ReadOnlySpan<char> text, out long milliseconds)
    {
        milliseconds = 0;
        if (!TryNumber(ref text, out var hour) || !TryTake(ref text, ':') || !TryNumber(ref text, out var minute) || !TryTake(ref text, ':') || !TryNumber(ref text, out var second)
            || !TryTake(ref text, '.') || !TryNumber(ref text, out var millisecond) || !TryTake(ref text, 'Z'))
            return false;
        milliseconds = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<char> text, char expected)
    {
        if (text.IsEmpty || text[0] != expected)
            return false;
        text = text[1..];
        return true;
    }

    // Spaces and a minus before the digits are fine with SimpleDateFormat. No more digits than a token has: no overflow.
    private static bool TryNumber(ref ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        text = text.TrimStart(" \t");
        var negative = TryTake(ref text, '-');
        var count = 0;
        while (count < text.Length && char.IsDigit(text[count]))
            number = number * 10 + CharUnicodeInfo.GetDecimalDigitValue(text[count++]);
        text = text[count..];
        number = negative ? -number : number;
        return count > 0;
    }
}
