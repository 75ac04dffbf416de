using System.Globalization;
using System.Text;

namespace RestStream.Connect.Data;

/// <summary>Numbers and dates as Java's <c>toString</c> writes them: what Kafka's converters and transforms put into topics.</summary>
internal static class JavaText
{
    /// <summary>The longest text of a number: sign, 17 digits, point, "E-", 3 digits of exponent, and some.</summary>
    public const int MaxNumberLength = 32;

    private const int MaxDigits = 17;

    private static readonly string[] s_days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    private static readonly string[] s_months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    /// <summary>Double.toString: <c>1.0</c>, <c>1.0E10</c>, <c>4.9E-324</c>. Answers the number of bytes; at most <see cref="MaxNumberLength"/>.</summary>
    public static int Write(double value, Span<byte> text)
    {
        if (WriteSpecial(value, text, out var written))
            return written;

        Span<byte> digits = stackalloc byte[MaxNumberLength];
        value.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);

        // Of numbers with one digit Java takes the nearest with two: 4.9E-324, not 5.0E-324. Only the tiniest have so little precision that it matters.
        if (Math.Abs(value) < 1e-300)
            WithTwoDigits(value, digits, ref length);
        return Layout(digits[..length], text);
    }

    /// <summary>Float.toString.</summary>
    public static int Write(float value, Span<byte> text)
    {
        if (WriteSpecial(value, text, out var written))
            return written;

        Span<byte> digits = stackalloc byte[MaxNumberLength];
        value.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        if (Math.Abs(value) < 1e-37f)
            WithTwoDigits(value, digits, ref length);
        return Layout(digits[..length], text);
    }

    /// <summary>Double.toString.</summary>
    public static string ToString(double value)
    {
        Span<byte> text = stackalloc byte[MaxNumberLength];
        return Encoding.ASCII.GetString(text[..Write(value, text)]);
    }

    /// <summary>Float.toString.</summary>
    public static string ToString(float value)
    {
        Span<byte> text = stackalloc byte[MaxNumberLength];
        return Encoding.ASCII.GetString(text[..Write(value, text)]);
    }

    /// <summary>java.util.Date.toString in UTC: <c>Tue Nov 14 22:13:20 UTC 2023</c>.</summary>
    public static string ToString(Instant instant)
    {
        var days = JavaCalendar.FloorDiv(instant.EpochMilliseconds, JavaCalendar.MillisecondsPerDay);
        var millisecond = instant.EpochMilliseconds - days * JavaCalendar.MillisecondsPerDay;
        var (year, month, day) = JavaCalendar.DateOf(days);
        var weekday = s_days[JavaCalendar.DayOfWeek(days) - 1];
        var seconds = millisecond / 1000;
        var shownYear = year > 0 ? year : 1 - year; // BC, which Java does not say
        return string.Create(CultureInfo.InvariantCulture, $"{weekday} {s_months[month - 1]} {day:00} {seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00} UTC {shownYear}");
    }

    private static bool WriteSpecial(double value, Span<byte> text, out int written)
    {
        var special = value switch
        {
            double.NaN => "NaN"u8,
            double.PositiveInfinity => "Infinity"u8,
            double.NegativeInfinity => "-Infinity"u8,
            0 => double.IsNegative(value) ? "-0.0"u8 : "0.0"u8,
            _ => [],
        };
        special.CopyTo(text);
        written = special.Length;
        return written > 0;
    }

    private static void WithTwoDigits<T>(T value, Span<byte> text, ref int length)
        where T : IUtf8SpanFormattable
    {
        // 5E-324, -5E-324: the exponent right behind the only digit.
        if (text[..length].IndexOf((byte)'E') <= 2 && text[..length].IndexOf((byte)'.') < 0)
            value.TryFormat(text, out length, "E1", CultureInfo.InvariantCulture);
    }

    /// <summary>From .NET's shortest digits (<c>1E+16</c>, <c>0.001</c>, <c>123.4</c>) to Java's form: plain from 10^-3 up to 10^7, else with an exponent; always a digit behind the point.</summary>
    private static int Layout(ReadOnlySpan<byte> net, Span<byte> text)
    {
        Span<byte> digits = stackalloc byte[MaxDigits + 7];
        var (count, point, exponent, position) = (0, -1, 0, 0);
        var negative = net[0] == '-';
        for (var i = negative ? 1 : 0; i < net.Length; i++)
        {
            if (net[i] == 'E')
            {
                System.Buffers.Text.Utf8Parser.TryParse(net[(net[i + 1] == '+' ? i + 2 : i + 1)..], out exponent, out _);
                break;
            }

            if (net[i] == '.')
                point = position;
            else
            {
                position++;
                if (count > 0 || net[i] != '0')
                    digits[count++] = net[i];
                else
                    exponent--; // a leading zero moves the first digit
            }
        }

        var scientific = (point < 0 ? position : point) - 1 + exponent;
        while (count > 1 && digits[count - 1] == '0')
            count--;
        return Compose(digits[..count], scientific, negative, text);
    }

    private static int Compose(ReadOnlySpan<byte> digits, int exponent, bool negative, Span<byte> text)
    {
        var length = 0;
        if (negative)
            text[length++] = (byte)'-';
        if (exponent is < -3 or >= 7)
        {
            text[length++] = digits[0];
            text[length++] = (byte)'.';
            length = Append(digits[1..], text, length);
            text[length++] = (byte)'E';
            System.Buffers.Text.Utf8Formatter.TryFormat(exponent, text[length..], out var written);
            return length + written;
        }

        if (exponent < 0)
        {
            text[length++] = (byte)'0';
            text[length++] = (byte)'.';
            for (var i = -1; i > exponent; i--)
                text[length++] = (byte)'0';
            return Append(digits, text, length);
        }

        for (var i = 0; i <= exponent; i++)
            text[length++] = i < digits.Length ? digits[i] : (byte)'0';
        text[length++] = (byte)'.';
        return Append(digits.Length > exponent + 1 ? digits[(exponent + 1)..] : [], text, length);
    }

    private static int Append(ReadOnlySpan<byte> digits, Span<byte> text, int length)
    {
        if (digits.IsEmpty)
        {
            text[length] = (byte)'0';
            return length + 1;
        }

        digits.CopyTo(text[length..]);
        return length + digits.Length;
    }
}
