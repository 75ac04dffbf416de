using System.Globalization;

namespace RestStream.Connect.Transforms.Dates;

/// <summary>One text read by the elements of a pattern. Fields may have any value; what they mean together is said by <see cref="DateFields"/>.</summary>
internal sealed class JavaDateParser(IReadOnlyList<JavaDateFormat.Element> elements, string text, DateTimeOffset centuryStart)
{
    private static readonly string[] s_months = CultureInfo.InvariantCulture.DateTimeFormat.MonthNames;
    private static readonly string[] s_days = CultureInfo.InvariantCulture.DateTimeFormat.DayNames;

    private readonly DateFields _fields = new();
    private int _position;

    /// <summary>A year of two digits that is the first or the last of its century, by the other fields.</summary>
    private bool _ambiguousYear;

    public bool TryParse(out long epochMilliseconds)
    {
        epochMilliseconds = 0;
        for (var i = 0; i < elements.Count; i++)
        {
            var element = elements[i];
            // Digits that no text separates from the next number are cut by the number of letters: yyyyMMdd.
            var next = i + 1 < elements.Count ? elements[i + 1] : default;
            var abutting = next.Letter is 'M' or 'L' ? next.Count <= 2 : next.Letter != 0 && "ydkHmsSDFwWhKYu".Contains(next.Letter);
            if (element.Letter == JavaDateFormat.Element.Literal ? !Skip(element.Text) : !ParseField(element, abutting))
                return false;
        }
        // Java takes a text that it read nothing of for unreadable.
        if (_position == 0)
            return false;

        epochMilliseconds = _fields.ToEpochMilliseconds();
        if (_ambiguousYear && epochMilliseconds < centuryStart.ToUnixTimeMilliseconds())
        {
            _fields.AddYears(100);
            epochMilliseconds = _fields.ToEpochMilliseconds();
        }
        return true;
    }

    private bool Skip(string literal)
    {
        if (string.CompareOrdinal(text, _position, literal, 0, literal.Length) != 0)
            return false;
        _position += literal.Length;
        return true;
    }

    private bool ParseField(JavaDateFormat.Element element, bool abutting)
    {
        var start = _position;
        var actualStart = start;
        while (actualStart < text.Length && text[actualStart] is ' ' or '\t')
            actualStart++;
        if (actualStart == text.Length)
            return false;

        switch (element.Letter)
        {
            // Names stand where the field begins, spaces are not skipped before them.
            case 'G':
                return ParseName(DateField.Era, ["BC", "AD", "Before Christ", "Anno Domini"], i => i % 2);
            case 'a':
                return ParseName(DateField.AmPm, ["AM", "PM"], i => i);
            case 'E':
                return ParseName(DateField.DayOfWeek, [.. s_days, .. s_days.Select(d => d[..3])], i => i % 7 + 1);
            case 'M' or 'L' when element.Count >= 3:
                return ParseName(DateField.Month, [.. s_months[..12], .. s_months[..12].Select(m => m[..3])], i => i % 12);
            case 'z' or 'Z':
                return ParseZone(start, actualStart);
            case 'X':
                return ParseIsoZone(actualStart, element.Count);
        }

        var end = abutting ? start + element.Count : text.Length;
        if (end > text.Length || ParseNumber(actualStart, end) is not { } number)
            return false;
        SetNumber(element, number, actualStart);
        return true;
    }

    private void SetNumber(JavaDateFormat.Element element, int number, int start)
    {
        switch (element.Letter)
        {
            case 'y' or 'Y':
                if (element.Count <= 2 && _position - start == 2 && char.IsDigit(text[start]) && char.IsDigit(text[start + 1]))
                {
                    var first = centuryStart.Year;
                    _ambiguousYear = number == first % 100;
                    number += first / 100 * 100 + (number < first % 100 ? 100 : 0);
                }
                _fields.Set(element.Letter == 'y' ? DateField.Year : DateField.WeekYear, number);
                break;
            case 'M' or 'L':
                _fields.Set(DateField.Month, number - 1);
                break;
            case 'k':
                _fields.Set(DateField.HourOfDay, number == 24 ? 0 : number);
                break;
            case 'h':
                _fields.Set(DateField.Hour, number == 12 ? 0 : number);
                break;
            case 'u':
                // Monday is 1 here; what is no day of a week is put right together with the week.
                _fields.Set(DateField.DayOfWeek, number is >= 1 and <= 7 ? number % 7 + 1 : number);
                break;
            default:
                _fields.Set(
                    element.Letter switch
                    {
                        'd' => DateField.DayOfMonth,
                        'H' => DateField.HourOfDay,
                        'K' => DateField.Hour,
                        'm' => DateField.Minute,
                        's' => DateField.Second,
                        'S' => DateField.Millisecond,
                        'D' => DateField.DayOfYear,
                        'F' => DateField.DayOfWeekInMonth,
                        'w' => DateField.WeekOfYear,
                        'W' => DateField.WeekOfMonth,
                        _ => throw new InvalidOperationException($"'{element.Letter}' is no number."),
                    },
                    number);
                break;
        }
    }

    /// <summary>A sign and digits of any script; null when there is no digit. Numbers beyond int lose their upper bits, and beyond long stop at the bounds, as in Java.</summary>
    private int? ParseNumber(int start, int end)
    {
        var at = start;
        var negative = at < end && text[at] == '-';
        if (negative)
            at++;
        var firstDigit = at;
        Int128 number = 0;
        for (; at < end && CharUnicodeInfo.GetDecimalDigitValue(text[at]) is >= 0 and var digit; at++)
            number = number > long.MaxValue ? number : number * 10 + digit;
        if (at == firstDigit)
            return null;
        _position = at;
        if (negative)
            number = -number;
        return number < long.MinValue ? int.MinValue : number > long.MaxValue ? int.MaxValue : unchecked((int)(long)number);
    }

    private bool ParseName(DateField field, string[] names, Func<int, int> value)
    {
        var best = -1;
        for (var i = 0; i < names.Length; i++)
        {
            if ((best < 0 || names[i].Length > names[best].Length) && StandsAt(_position, names[i]))
                best = i;
        }
        if (best < 0)
            return false;
        _position += names[best].Length;
        _fields.Set(field, value(best));
        return true;
    }

    private bool StandsAt(int position, string name) => string.Compare(text, position, name, 0, name.Length, StringComparison.OrdinalIgnoreCase) == 0 && position + name.Length <= text.Length;

    /// <summary><c>+hhmm</c>, <c>GMT</c>, <c>GMT+h:mm</c> or a name.</summary>
    private bool ParseZone(int start, int actualStart)
    {
        if (text[actualStart] is '+' or '-')
            return ParseOffset(actualStart, count: 0, colon: false);
        if (text[actualStart] is 'G' or 'g' && StandsAt(start, "GMT"))
        {
            var behind = start + 3;
            if (behind < text.Length && text[behind] is '+' or '-')
                return ParseOffset(behind, count: 0, colon: true);
            SetZone(0);
            _position = behind;
            return true;
        }
        if (ZoneNames.Find(text, actualStart) is not { } zone)
            return false;
        if (zone.Minutes is { } minutes)
            SetZone(minutes);
        _position = actualStart + zone.Length;
        return true;
    }

    /// <summary><c>Z</c>, or <c>+hh</c>, <c>+hhmm</c>, <c>+hh:mm</c> by the number of letters.</summary>
    private bool ParseIsoZone(int start, int count)
    {
        if (text[start] == 'Z')
        {
            SetZone(0);
            _position = start + 1;
            return true;
        }
        return text[start] is '+' or '-' && ParseOffset(start, count, colon: count == 3);
    }

    /// <param name="sign">Where the sign stands.</param>
    /// <param name="count">1: hours only.</param>
    /// <param name="colon">A colon stands before the minutes.</param>
    private bool ParseOffset(int sign, int count, bool colon)
    {
        var at = sign + 1;
        if (Digit() is not { } hours)
            return false;
        if (Digit() is { } second)
            hours = hours * 10 + second;
        else if (count > 0 || !colon)
            return false;
        var minutes = 0;
        if (count != 1)
        {
            if (colon && (at >= text.Length || text[at++] != ':'))
                return false;
            if (Digit() is not { } tens || Digit() is not { } ones)
                return false;
            minutes = tens * 10 + ones;
        }
        if (hours > 23 || minutes > 59)
            return false;
        SetZone((hours * 60 + minutes) * (text[sign] == '-' ? -1 : 1));
        _position = at;
        return true;

        int? Digit() => at < text.Length && char.IsAsciiDigit(text[at]) ? text[at++] - '0' : null;
    }

    private void SetZone(int minutes) => _fields.Set(DateField.ZoneOffset, minutes * 60_000);
}
