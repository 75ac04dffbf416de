using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms.Dates;

/// <summary>The fields of Java's Calendar that a date may be made of.</summary>
internal enum DateField
{
    Era,
    Year,
    WeekYear,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    DayOfWeekInMonth,
    AmPm,
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
    ZoneOffset,
}

/// <summary>
/// Fields as they were read, in their order, and the point in time they mean: where they contradict each other the ones that were set last count, as in Java's lenient GregorianCalendar.
/// A value may be outside of its range (hour 25, 30 February, month -1): it counts on from the nearest.
/// </summary>
internal sealed class DateFields
{
    private static readonly int s_count = Enum.GetValues<DateField>().Length;

    private readonly int[] _values = new int[s_count];

    /// <summary>When each was set; 0: not at all.</summary>
    private readonly int[] _stamps = new int[s_count];
    private int _lastStamp;

    public void Set(DateField field, int value)
    {
        _values[(int)field] = value;
        _stamps[(int)field] = ++_lastStamp;
    }

    public void AddYears(int years)
    {
        _values[(int)DateField.Year] += years;
        _values[(int)DateField.WeekYear] += years;
    }

    public long ToEpochMilliseconds()
    {
        var timeOfDay = TimeOfDay();
        var extraDays = JavaCalendar.FloorDiv(timeOfDay, JavaCalendar.MillisecondsPerDay);
        var day = Stamp(DateField.WeekYear) > Stamp(DateField.Year) ? DayOfWeekDate(extraDays) : Day(extraDays);
        // Java's arithmetic wraps around where a date is too far away for milliseconds.
        return unchecked(day * JavaCalendar.MillisecondsPerDay + (timeOfDay - extraDays * JavaCalendar.MillisecondsPerDay) - Value(DateField.ZoneOffset));
    }

    private int Stamp(DateField field) => _stamps[(int)field];

    private bool Has(DateField field) => Stamp(field) > 0;

    private long Value(DateField field) => _values[(int)field];

    /// <summary>When two fields that only count together were complete; 0: they are not.</summary>
    private int Together(DateField a, DateField b) => Has(a) && Has(b) ? Math.Max(Stamp(a), Stamp(b)) : 0;

    private long TimeOfDay()
    {
        var hour = Together(DateField.Hour, DateField.AmPm);
        var hourOfDay = Stamp(DateField.HourOfDay);
        var by24 = Math.Max(hour, hourOfDay) > 0 ? hourOfDay >= hour : !Has(DateField.Hour) && !Has(DateField.AmPm);
        var hours = by24 ? Value(DateField.HourOfDay) : Value(DateField.Hour) + 12 * Value(DateField.AmPm);
        return ((hours * 60 + Value(DateField.Minute)) * 60 + Value(DateField.Second)) * 1000 + Value(DateField.Millisecond);
    }

    /// <summary>Week year, week of the year and day of the week; the first day of the week and week 1 where they are missing.</summary>
    private long DayOfWeekDate(long extraDays)
    {
        var week = Has(DateField.WeekOfYear) ? Value(DateField.WeekOfYear) : 1;
        var dayOfWeek = Has(DateField.DayOfWeek) ? Value(DateField.DayOfWeek) : 1;
        if (dayOfWeek is < 1 or > 7)
        {
            // Such a one can only come from a number, 1 for Monday.
            week += JavaCalendar.FloorDiv(dayOfWeek - 1, 7);
            dayOfWeek = (JavaCalendar.FloorMod(dayOfWeek - 1, 7) + 1) % 7 + 1;
        }
        // In the era of the other fields, which may have come before Christ by counting back.
        var year = JavaCalendar.DateOf(Day(extraDays)).Year > 0 ? Value(DateField.WeekYear) : 1 - Value(DateField.WeekYear);
        return JavaCalendar.FirstDayOfWeek(JavaCalendar.FirstOfYear(year)) + 7 * (week - 1) + (dayOfWeek - 1) + extraDays;
    }

    private long Day(long extraDays)
    {
        var year = Has(DateField.Year) ? Value(DateField.Year) : 1970;
        if (Has(DateField.Era) && Value(DateField.Era) == 0)
            year = 1 - year;
        var rule = ChooseRule();

        // By the calendar that holds in that year; if the day then lies on the other side of the change, or in 1582, by the one that fits.
        if (year > JavaCalendar.CutoverYear)
        {
            var day = extraDays + Day(year, rule, gregorian: true);
            if (day >= JavaCalendar.CutoverDay)
                return day;
        }
        var julian = extraDays + Day(year, rule, gregorian: false);
        if (year < JavaCalendar.CutoverYear || rule is Rule.DayOfYear or Rule.WeekOfYear)
            return julian;
        var gregorian = extraDays + Day(year, rule, gregorian: true);
        // In the gap of ten days only the Julian calendar makes sense of a date.
        return gregorian >= JavaCalendar.CutoverDay ? gregorian : julian;
    }

    private Rule ChooseRule()
    {
        var weekOfMonth = Together(DateField.WeekOfMonth, DateField.DayOfWeek);
        var weekday = Together(DateField.DayOfWeekInMonth, DateField.DayOfWeek);
        var weekOfYear = Together(DateField.WeekOfYear, DateField.DayOfWeek);
        var dayOfMonth = Stamp(DateField.DayOfMonth);
        var best = Max(dayOfMonth, weekOfMonth, weekday, Stamp(DateField.DayOfYear), weekOfYear);
        if (best == 0)
        {
            // Nothing is complete: a week alone, or a day of the week alone, which means the first such day of the month; else the first of the month.
            weekOfMonth = Stamp(DateField.WeekOfMonth);
            weekday = Math.Max(Stamp(DateField.DayOfWeekInMonth), Stamp(DateField.DayOfWeek));
            weekOfYear = Stamp(DateField.WeekOfYear);
            best = Max(weekOfMonth, weekday, weekOfYear);
            if (best == 0)
                return Rule.DayOfMonth;
        }

        if (best == dayOfMonth)
            return Rule.DayOfMonth;
        var inWeekOfMonth = best == weekOfMonth && Stamp(DateField.WeekOfMonth) >= Stamp(DateField.WeekOfYear);
        var onWeekday = best == weekday && Stamp(DateField.DayOfWeekInMonth) >= Stamp(DateField.WeekOfYear);
        if (inWeekOfMonth || onWeekday)
        {
            if (weekOfMonth == weekday)
                return Stamp(DateField.WeekOfMonth) >= Stamp(DateField.DayOfWeekInMonth) ? Rule.WeekOfMonth : Rule.Weekday;
            return best == weekOfMonth ? Rule.WeekOfMonth : Rule.Weekday;
        }
        return best == Stamp(DateField.DayOfYear) ? Rule.DayOfYear : Rule.WeekOfYear;
    }

    private long Day(long year, Rule rule, bool gregorian)
    {
        if (rule is Rule.DayOfYear or Rule.WeekOfYear)
        {
            var firstOfYear = JavaCalendar.FirstOfMonth(year, 1, gregorian);
            if (rule == Rule.DayOfYear)
                return firstOfYear + Value(DateField.DayOfYear) - 1;
            var week = JavaCalendar.FirstDayOfWeek(firstOfYear);
            if (Has(DateField.DayOfWeek))
                week = JavaCalendar.OnOrBefore(week + 6, Value(DateField.DayOfWeek));
            return week + 7 * (Value(DateField.WeekOfYear) - 1);
        }

        year += JavaCalendar.FloorDiv(Value(DateField.Month), 12);
        var month = (int)JavaCalendar.FloorMod(Value(DateField.Month), 12) + 1;
        var first = JavaCalendar.FirstOfMonth(year, month, gregorian);
        switch (rule)
        {
            case Rule.DayOfMonth:
                return first + (Has(DateField.DayOfMonth) ? Value(DateField.DayOfMonth) - 1 : 0);
            case Rule.WeekOfMonth:
                var week = JavaCalendar.FirstDayOfWeek(first);
                if (Has(DateField.DayOfWeek))
                    week = JavaCalendar.OnOrBefore(week + 6, Value(DateField.DayOfWeek));
                return week + 7 * (Value(DateField.WeekOfMonth) - 1);
            default:
                var dayOfWeek = Has(DateField.DayOfWeek) ? Value(DateField.DayOfWeek) : 1;
                var number = Has(DateField.DayOfWeekInMonth) ? Value(DateField.DayOfWeekInMonth) : 1;
                if (number >= 0)
                    return JavaCalendar.OnOrBefore(first + 7 * number - 1, dayOfWeek);
                // Counted from the end of the month.
                var next = JavaCalendar.FirstOfMonth(month == 12 ? year + 1 : year, month % 12 + 1, gregorian);
                return JavaCalendar.OnOrBefore(next + 7 * (number + 1) - 1, dayOfWeek);
        }
    }

    private static int Max(params ReadOnlySpan<int> stamps)
    {
        var max = 0;
        foreach (var stamp in stamps)
            max = Math.Max(max, stamp);
        return max;
    }

    /// <summary>Which fields say the day.</summary>
    private enum Rule
    {
        DayOfMonth,
        WeekOfMonth,
        Weekday,
        DayOfYear,
        WeekOfYear,
    }
}
