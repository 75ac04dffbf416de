namespace RestStream.Connect.Data;

/// <summary>
/// Java's GregorianCalendar for UTC and en-US: the Julian calendar before 15 October 1582, the Gregorian one from then on; weeks begin on Sunday, and week 1 is the one with 1 January.
/// Days are counted from 1970-01-01; years are astronomical (0 is 1 BC), months and days of the week from 1 (January, Sunday).
/// Numbers of days: Howard Hinnant, "chrono-compatible low-level date algorithms".
/// </summary>
internal static class JavaCalendar
{
    public const long MillisecondsPerDay = 86_400_000;

    /// <summary>The year whose October lacks the days 5 to 14; both calendars hold in it.</summary>
    public const long CutoverYear = 1582;

    /// <summary>1582-10-15, the first day of the Gregorian calendar.</summary>
    public const long CutoverDay = -141_427;

    /// <summary>Days from 1 March of the year 0, of each calendar, to 1970-01-01.</summary>
    private const long GregorianShift = 719_468;
    private const long JulianShift = 719_470;
    private const long DaysPer400Years = 146_097;
    private const long DaysPer4Years = 1_461;

    public static long FirstOfMonth(long year, int month, bool gregorian)
    {
        // Years that begin in March have the leap day at their end.
        var marchYear = month > 2 ? year : year - 1;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
        if (!gregorian)
            return 365 * marchYear + FloorDiv(marchYear, 4) + dayOfYear - JulianShift;
        return 365 * marchYear + FloorDiv(marchYear, 4) - FloorDiv(marchYear, 100) + FloorDiv(marchYear, 400) + dayOfYear - GregorianShift;
    }

    /// <summary>A day by the calendar of its time; months and days beyond their range count on into the next, as in a lenient SimpleDateFormat.</summary>
    public static long Day(long year, long month, long day)
    {
        (year, month) = (year + FloorDiv(month - 1, 12), FloorMod(month - 1, 12) + 1);
        var gregorian = FirstOfMonth(year, (int)month, gregorian: true) + day - 1;
        return gregorian >= CutoverDay ? gregorian : FirstOfMonth(year, (int)month, gregorian: false) + day - 1;
    }

    /// <summary>1 January by the calendar that holds then; of 1582 by the Julian one.</summary>
    public static long FirstOfYear(long year) => FirstOfMonth(year, 1, gregorian: year > CutoverYear);

    public static (long Year, int Month, int Day) DateOf(long day)
    {
        long marchYear;
        long dayOfYear;
        if (day >= CutoverDay)
        {
            var shifted = day + GregorianShift;
            var era = FloorDiv(shifted, DaysPer400Years);
            var ofEra = shifted - era * DaysPer400Years;
            var yearOfEra = (ofEra - ofEra / (DaysPer4Years - 1) + ofEra / 36_524 - ofEra / (DaysPer400Years - 1)) / 365;
            marchYear = yearOfEra + era * 400;
            dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        }
        else
        {
            var shifted = day + JulianShift;
            var era = FloorDiv(shifted, DaysPer4Years);
            var ofEra = shifted - era * DaysPer4Years;
            var yearOfEra = (ofEra - ofEra / (DaysPer4Years - 1)) / 365;
            marchYear = yearOfEra + era * 4;
            dayOfYear = ofEra - 365 * yearOfEra;
        }

        var monthFromMarch = (int)((5 * dayOfYear + 2) / 153);
        var month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        return (month > 2 ? marchYear : marchYear + 1, month, (int)(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1));
    }

    public static int DayOfWeek(long day) => (int)FloorMod(day + 4, 7) + 1;

    public static long OnOrBefore(long day, long dayOfWeek) => day - FloorMod(day + 4 - (dayOfWeek - 1), 7);

    public static long FirstDayOfWeek(long day) => OnOrBefore(day, 1);

    public static long FloorDiv(long dividend, long divisor)
    {
        var quotient = dividend / divisor;
        return quotient * divisor != dividend && (dividend < 0) != (divisor < 0) ? quotient - 1 : quotient;
    }

    public static long FloorMod(long dividend, long divisor) => dividend - FloorDiv(dividend, divisor) * divisor;
}
