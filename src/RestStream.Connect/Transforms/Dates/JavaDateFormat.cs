using System.Globalization;
using System.Text;

namespace RestStream.Connect.Transforms.Dates;

/// <summary>
/// Dates as Java's SimpleDateFormat writes and reads them, lenient, in UTC and with the names of en-US. Written here because configurations hold its patterns and .NET's formats differ in what matters:
/// other letters, no lenient fields, no week years, no Julian calendar, no years beyond 9999. Immutable.
/// </summary>
internal sealed class JavaDateFormat
{
    private const string Letters = "GyMdkHmsSEDFwWahKzZYuXL";

    private static readonly string[] s_months = CultureInfo.InvariantCulture.DateTimeFormat.MonthNames;
    private static readonly string[] s_days = CultureInfo.InvariantCulture.DateTimeFormat.DayNames;

    private readonly List<Element> _elements = [];
    private readonly DateTimeOffset _centuryStart;

    /// <exception cref="FormatException">It is no pattern; the message is Java's.</exception>
    /// <param name="pattern">Of SimpleDateFormat.</param>
    /// <param name="time">Years of two digits lie in the 100 years that began 80 years before now.</param>
    public JavaDateFormat(string pattern, TimeProvider time)
    {
        Pattern = pattern;
        _centuryStart = time.GetUtcNow().AddYears(-80);
        Compile(pattern);
    }

    public string Pattern { get; }

    public string Format(long epochMilliseconds)
    {
        var moment = new JavaMoment(epochMilliseconds);
        var text = new StringBuilder();
        foreach (var element in _elements)
            Append(text, element, moment);
        return text.ToString();
    }

    /// <summary>Reads the beginning of a text; what follows does not count.</summary>
    public bool TryParse(string text, out long epochMilliseconds) => new JavaDateParser(_elements, text, _centuryStart).TryParse(out epochMilliseconds);

    private static void Append(StringBuilder text, Element element, in JavaMoment moment)
    {
        var count = element.Count;
        switch (element.Letter)
        {
            case Element.Literal:
                text.Append(element.Text);
                break;
            case 'G':
                text.Append(moment.IsBeforeChrist ? "BC" : "AD");
                break;
            case 'y':
                AppendYear(moment.YearOfEra);
                break;
            case 'Y':
                AppendYear(moment.WeekYear);
                break;
            case 'M' or 'L' when count >= 3:
                text.Append(count == 3 ? s_months[moment.Month - 1].AsSpan(0, 3) : s_months[moment.Month - 1]);
                break;
            case 'E':
                text.Append(count <= 3 ? s_days[moment.DayOfWeek - 1].AsSpan(0, 3) : s_days[moment.DayOfWeek - 1]);
                break;
            case 'a':
                text.Append(moment.HourOfDay < 12 ? "AM" : "PM");
                break;
            case 'z':
                text.Append(count <= 3 ? "UTC" : ZoneNames.Utc);
                break;
            case 'Z':
                text.Append("+0000");
                break;
            case 'X':
                text.Append('Z');
                break;
            default:
                AppendNumber(text, Number(element.Letter, moment), count);
                break;
        }

        void AppendYear(long year)
        {
            if (count == 2)
                AppendNumber(text, year % 100, 2);
            else
                AppendNumber(text, year, count);
        }
    }

    private static long Number(char letter, in JavaMoment moment) => letter switch
    {
        'M' or 'L' => moment.Month,
        'd' => moment.Day,
        'k' => moment.HourOfDay == 0 ? 24 : moment.HourOfDay,
        'H' => moment.HourOfDay,
        'm' => moment.Minute,
        's' => moment.Second,
        'S' => moment.Millisecond,
        'D' => moment.DayOfYear,
        'F' => moment.DayOfWeekInMonth,
        'w' => moment.WeekOfYear,
        'W' => moment.WeekOfMonth,
        'h' => moment.HourOfDay % 12 == 0 ? 12 : moment.HourOfDay % 12,
        'K' => moment.HourOfDay % 12,
        'u' => moment.DayOfWeek == 1 ? 7 : moment.DayOfWeek - 1,
        _ => throw new InvalidOperationException($"'{letter}' is no number."),
    };

    private static void AppendNumber(StringBuilder text, long number, int minDigits)
    {
        if (number < 0)
            text.Append('-');
        var digits = Math.Abs(number).ToString(CultureInfo.InvariantCulture);
        text.Append('0', Math.Max(0, minDigits - digits.Length)).Append(digits);
    }

    private void Compile(string pattern)
    {
        var literal = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < pattern.Length;)
        {
            var c = pattern[i];
            if (c == '\'')
            {
                if (i + 1 < pattern.Length && pattern[i + 1] == '\'')
                {
                    literal.Append('\'');
                    i += 2;
                    continue;
                }
                quoted = !quoted;
                i++;
            }
            else if (quoted || !char.IsAsciiLetter(c))
            {
                literal.Append(c);
                i++;
            }
            else
            {
                if (!Letters.Contains(c))
                    throw new FormatException($"Illegal pattern character '{c}'");
                var count = 1;
                while (i + count < pattern.Length && pattern[i + count] == c)
                    count++;
                if (c == 'X' && count > 3)
                    throw new FormatException($"invalid ISO 8601 format: length={count}");
                AddLiteral();
                _elements.Add(new Element(c, count, ""));
                i += count;
            }
        }
        if (quoted)
            throw new FormatException("Unterminated quote");
        AddLiteral();

        void AddLiteral()
        {
            if (literal.Length > 0)
                _elements.Add(new Element(Element.Literal, 0, literal.ToString()));
            literal.Clear();
        }
    }

    /// <summary>A field of so many letters, or text.</summary>
    internal readonly record struct Element(char Letter, int Count, string Text)
    {
        public const char Literal = '\'';
    }
}
