using RestStream.Connect.Transforms.Dates;

namespace RestStream.Connect.Tests.Transforms;

/// <summary>What Java 17's SimpleDateFormat answers (en-US, UTC); beside the golden transforms, which use it too.</summary>
public class JavaDateFormatTests
{
    [Theory]
    [InlineData("yyyy-MM-dd", "2023-02-30", 1677715200000L)]
    [InlineData("yyyy-MM-dd", "2023-13-01", 1704067200000L)]
    [InlineData("yyyy-MM-dd", "2023--1-01", 1667260800000L)]
    [InlineData("yyyy-MM-dd", "2023-11-14T22:13", 1699920000000L)]
    [InlineData("yyyyMMddHHmm", "202311142213", 1699999980000L)]
    [InlineData("yyyy-MM-dd", "1582-10-04", -12219379200000L)]
    [InlineData("yyyy-MM-dd", "1582-10-10", -12218860800000L)]
    [InlineData("yyyy-MM-dd", "1582-10-15", -12219292800000L)]
    [InlineData("yyyy-DDD", "1582-300", -12217392000000L)]
    [InlineData("G yyyy-MM-dd", "BC 0044-03-15", -63517996800000L)]
    [InlineData("YYYY-'W'ww-u", "2024-W00-8", 1704067200000L)]
    [InlineData("YYYY", "2025", 1735430400000L)]
    [InlineData("yyyy ww E", "2024 09 Thu", 1709164800000L)]
    [InlineData("yyyy-MM F E", "2024-02 -1 Thu", 1709164800000L)]
    [InlineData("yyyy-MM W", "2024-02 5", 1708819200000L)]
    [InlineData("d E", "3 Fri", 172800000L)]
    [InlineData("E d", "Fri 3", 172800000L)]
    [InlineData("H h a", "13 2 AM", 7200000L)]
    [InlineData("h a H", "2 AM 13", 46800000L)]
    [InlineData("h H", "2 13", 46800000L)]
    [InlineData("a", "PM", 43200000L)]
    [InlineData("yyyy-MM-dd", "２０２３-１１-１４", 1699920000000L)]
    [InlineData("S", "99999999999", 1215752191L)]
    [InlineData("HH:mm:ss.SSS", "12:30:15.1234567", 46249567L)]
    [InlineData("yyyyyy", "2023", 1672531200000L)]
    [InlineData("MMM", "november", 26265600000L)]
    [InlineData("EEEE", " Tue", null)]
    [InlineData("yyyy z", "2023 GMT-3:30", 1672543800000L)]
    [InlineData("yyyy z", "2023 gmt", 1672531200000L)]
    [InlineData("yyyy X", "2023 +05", 1672513200000L)]
    [InlineData("yyyy XX", "2023 +0530", 1672511400000L)]
    [InlineData("yyyy XX", "2023 +05:30", null)]
    [InlineData("yyyy XXX", "2023 -05:30", 1672551000000L)]
    [InlineData("yyyy Z", "2023 +5", null)]
    [InlineData("yyyy z", "2023 JST", 1672498800000L)]
    [InlineData("", "x", null)]
    [InlineData("'x'", "x", 0L)]
    [InlineData("yyyy", "x", null)]
    [InlineData("yyyy-MM-dd", "", null)]
    [InlineData("dd/MM/yyyy HH:mm:ss", "31/12/1999 23:59:60", 946684800000L)]
    public void A_text_is_read_as_Java_reads_it(string pattern, string text, long? expected) =>
        Assert.Equal(expected, Parse(new JavaDateFormat(pattern, TimeProvider.System), text));

    [Theory]
    [InlineData("yyyy-MM-dd D w W F u E", -12219292800000L, "1582-10-15 278 40 1 1 5 Fri")]
    [InlineData("yyyy-MM-dd D w W F u E", -12219292800001L, "1582-10-04 277 40 1 1 4 Thu")]
    [InlineData("yyyy-MM-dd D w W F u E", -12217132800000L, "1582-11-09 303 44 2 2 2 Tue")]
    [InlineData("G yyyy-MM-dd", -62198755200000L, "BC 0002-01-03")]
    [InlineData("yy YY yyyyy", 1735516800000L, "24 25 02024")]
    [InlineData("YYYY-ww-u", 1735344000000L, "2024-52-6")]
    [InlineData("YYYY-ww-u", 1735430400000L, "2025-01-7")]
    [InlineData("yyyy-MM-dd", 253402300800000L, "10000-01-01")]
    [InlineData("MMM MMMM L LLLL E EEEE a", 1700000000123L, "Nov November 11 November Tue Tuesday PM")]
    [InlineData("k K h H", 0L, "24 0 12 0")]
    [InlineData("SSSSS S", 7L, "00007 7")]
    [InlineData("'o''clock' ''", 0L, "o'clock '")]
    [InlineData("zzz zzzz Z X", 0L, "UTC Coordinated Universal Time +0000 Z")]
    public void A_point_in_time_is_written_as_Java_writes_it(string pattern, long time, string expected) =>
        Assert.Equal(expected, new JavaDateFormat(pattern, TimeProvider.System).Format(time));

    [Theory]
    [InlineData("yyyy-MM-ddTHH", "Illegal pattern character 'T'")]
    [InlineData("'open", "Unterminated quote")]
    [InlineData("XXXX", "invalid ISO 8601 format: length=4")]
    public void What_is_no_pattern_is_refused(string pattern, string reason) =>
        Assert.Equal(reason, Assert.Throws<FormatException>(() => new JavaDateFormat(pattern, TimeProvider.System)).Message);

    [Theory]
    [InlineData("46-06-01", 1946)]
    [InlineData("45-06-01", 2045)]
    [InlineData("46-01-01", 2046)]
    [InlineData("046-06-01", 46)]
    public void Years_of_two_digits_lie_in_the_hundred_years_that_began_eighty_years_ago(string text, int year)
    {
        var clock = new ManualClock();
        clock.Advance(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero) - clock.GetUtcNow());
        var format = new JavaDateFormat("yy-MM-dd", clock);

        Assert.StartsWith(year.ToString("0000", System.Globalization.CultureInfo.InvariantCulture), new JavaDateFormat("yyyy", clock).Format(Parse(format, text)!.Value));
    }

    [Theory]
    [InlineData("yyyy-MM-dd HH:mm:ss.SSS")]
    [InlineData("YYYY-'W'ww-u HH:mm:ss.SSS")]
    [InlineData("yyyy-DDD HH:mm:ss.SSS")]
    [InlineData("yyyy-MM F E hh:mm:ss.SSS a")]
    [InlineData("yyyy-MM W u kk:mm:ss.SSS")]
    public void What_is_written_is_read_as_the_same_again(string pattern)
    {
        var format = new JavaDateFormat(pattern, TimeProvider.System);
        var random = new Random(5);
        for (var i = 0; i < 2_000; i++)
        {
            // From year 1584 on: around the change of calendars, Java's own fields do not lead back either.
            var time = random.NextInt64(-12_181_000_000_000, 253_402_300_800_000);

            Assert.Equal(time, Parse(format, format.Format(time)));
        }
    }

    private static long? Parse(JavaDateFormat format, string text) => format.TryParse(text, out var time) ? time : null;
}
