using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms.Dates;

/// <summary>The fields of a point in time in UTC, by <see cref="JavaCalendar"/>.</summary>
internal readonly struct JavaMoment
{
    private readonly long _day;
    private readonly int _millisecondOfDay;
    private readonly long _year;

    public JavaMoment(long epochMilliseconds)
    {
        _day = JavaCalendar.FloorDiv(epochMilliseconds, JavaCalendar.MillisecondsPerDay);
        _millisecondOfDay = (int)(epochMilliseconds - _day * JavaCalendar.MillisecondsPerDay);
        (_year, Month, Day) = JavaCalendar.DateOf(_day);
    }

    public int Month { get; }

    public int Day { get; }

    public bool IsBeforeChrist => _year <= 0;

    /// <summary>1 and up, before and after Christ.</summary>
    public long YearOfEra => _year <= 0 ? 1 - _year : _year;

    /// <summary>The year of the week: that of its Saturday.</summary>
    public long WeekYear => IsInFirstWeekOfNextYear ? _year + 1 : _year;

    public long WeekOfYear => IsInFirstWeekOfNextYear ? 1 : WeekSince(JavaCalendar.FirstOfYear(_year));

    public long WeekOfMonth => WeekSince(FirstOfMonth);

    public long DayOfYear => _day - JavaCalendar.FirstOfYear(_year) + 1;

    public int DayOfWeek => JavaCalendar.DayOfWeek(_day);

    public long DayOfWeekInMonth => (_day - FirstOfMonth) / 7 + 1;

    public int HourOfDay => _millisecondOfDay / 3_600_000;

    public int Minute => _millisecondOfDay / 60_000 % 60;

    public int Second => _millisecondOfDay / 1_000 % 60;

    public int Millisecond => _millisecondOfDay % 1_000;

    private bool IsInFirstWeekOfNextYear => _day >= JavaCalendar.FirstDayOfWeek(JavaCalendar.FirstOfYear(_year + 1));

    /// <summary>October 1582 began by the Julian calendar; its days behind the gap are counted from there.</summary>
    private long FirstOfMonth => _year == JavaCalendar.CutoverYear && Month == 10 ? JavaCalendar.FirstOfMonth(_year, Month, gregorian: false) : _day - Day + 1;

    private long WeekSince(long first) => (_day - JavaCalendar.FirstDayOfWeek(first)) / 7 + 1;
}
