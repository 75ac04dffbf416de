using System.Globalization;
using RestStream.Http.Errors;

namespace RestStream.Http.Records;

internal enum ReadPlaceKind : byte
{
    Earliest,
    Latest,

    /// <summary><see cref="ReadPlace.Number"/> is an offset.</summary>
    Offset,

    /// <summary><see cref="ReadPlace.Number"/> is epoch milliseconds.</summary>
    Time,

    /// <summary><see cref="ReadPlace.Number"/> is how many records before the end of each partition.</summary>
    BeforeEnd,
}

/// <summary>A place in a partition as <c>from</c>, <c>until</c> and <c>at</c> name it.</summary>
internal readonly record struct ReadPlace(ReadPlaceKind Kind, long Number = 0)
{
    private const string Forms = "earliest, latest, an offset (42), a time (2026-01-31T12:00:00Z, or t=1790000000000 for epoch milliseconds), a time ago (-10m; s, m, h, d), or -100 for the last 100 records";

    private static readonly string[] s_rfc3339 =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    /// <exception cref="HttpError">400 naming <paramref name="parameter"/> and the forms.</exception>
    public static ReadPlace Parse(string text, string parameter, DateTimeOffset now)
    {
        switch (text)
        {
            case "earliest":
                return new(ReadPlaceKind.Earliest);
            case "latest":
                return new(ReadPlaceKind.Latest);
            case ['t', '=', .. var milliseconds] when TryNumber(milliseconds, out var time):
                return new(ReadPlaceKind.Time, time);
            case ['-', .. var count] when TryNumber(count, out var records):
                return new(ReadPlaceKind.BeforeEnd, records);
            case ['-', .. var count, var unit] when TryUnit(unit, out var unitMilliseconds) && TryNumber(count, out var units):
                var ago = units > long.MaxValue / unitMilliseconds ? long.MaxValue : units * unitMilliseconds;
                return new(ReadPlaceKind.Time, Math.Max(0, now.ToUnixTimeMilliseconds() - ago));
        }

        if (TryNumber(text, out var offset))
            return new(ReadPlaceKind.Offset, offset);
        if (TryTime(text, out var instant))
            return new(ReadPlaceKind.Time, Math.Max(0, instant));
        throw HttpError.BadParameter(parameter, $"{parameter} is none of: {Forms}.");
    }

    /// <summary>RFC 3339: date, time and zone. A plus that the client did not escape arrives as a blank.</summary>
    public static bool TryTime(string text, out long epochMilliseconds)
    {
        epochMilliseconds = 0;
        if (text.Length < 20)
            return false;
        text = text.ToUpperInvariant();
        if (text[^6] == ' ' && text[^3] == ':')
            text = $"{text[..^6]}+{text[^5..]}";
        if (text[^1] != 'Z' && text[^6] is not ('+' or '-'))
            return false;
        if (!DateTimeOffset.TryParseExact(text, s_rfc3339, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return false;
        epochMilliseconds = time.ToUnixTimeMilliseconds();
        return true;
    }

    /// <summary>Digits only, within long.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static bool TryUnit(char unit, out long milliseconds)
    {
        milliseconds = unit switch { 's' => 1000, 'm' => 60_000, 'h' => 3_600_000, 'd' => 86_400_000, _ => 0 };
        return milliseconds > 0;
    }
}
