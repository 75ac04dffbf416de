using System.Globalization;
using Microsoft.Extensions.Primitives;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>What a reading request asks for, checked as far as that goes without looking at the topics.</summary>
internal sealed class ReadParameters
{
    public required ReadForm Form { get; init; }

    /// <summary>Where to go on; wins over <see cref="From"/>.</summary>
    public Cursor? Cursor { get; private set; }
    public ReadPlace From { get; private set; }

    /// <summary>Stop in front of this place; null = never.</summary>
    public ReadPlace? Until { get; private set; }

    /// <summary>Only these; null = all.</summary>
    public IReadOnlyList<int>? Partitions { get; private set; }
    public int MaxRecords { get; private set; }
    public int MaxBytes { get; private set; }
    public int MinBytes { get; private set; } = 1;
    public TimeSpan Timeout { get; private set; }

    /// <summary>The wait came from <c>Prefer</c>, in whole seconds; null = it did not.</summary>
    public int? PreferredWait { get; private set; }
    public RecordJson Encoder { get; private set; } = null!;

    /// <summary>Go on behind a gap instead of refusing.</summary>
    public bool SkipGaps { get; private set; }

    /// <summary>The answer follows the log until the client leaves.</summary>
    public bool Live { get; private set; }

    /// <exception cref="HttpError">400 naming the parameter; 406.</exception>
    public static ReadParameters Parse(HttpRequest request, LimitOptions limits, TimeProvider clock)
    {
        var query = request.Query;
        var form = Profile.ByPath(request) is null ? ReadForm.Choose(request.Headers.Accept) : ReadForm.ChooseV2(request.Headers.Accept);
        var now = clock.GetUtcNow();
        var parameters = new ReadParameters
        {
            Form = form,
            MaxRecords = Count(query, "max_records", limits.DefaultPageRecords, 1, limits.MaxPageRecords),
            MaxBytes = Count(query, "max_bytes", limits.DefaultPageBytes, 1, limits.MaxPageBytes),
            MinBytes = Count(query, "min_bytes", 1, 0, limits.MaxPageBytes),
            Partitions = Text(query, "partitions") is { } partitions ? ParsePartitions(partitions) : null,
            From = Text(query, "from") is { } from ? ReadPlace.Parse(from, "from", now)
                : Text(query, "offset") is { } offset ? ParseOffset(offset)
                : new ReadPlace(ReadPlaceKind.Earliest),
            Until = Text(query, "until") is { } until ? ParseUntil(until, now) : null,
            SkipGaps = Text(query, "on_gap") switch
            {
                null or "error" => false,
                "earliest" => true,
                _ => throw HttpError.BadParameter("on_gap", "on_gap is earliest, or is left out."),
            },
            Live = form.Framing == ReadFraming.EventStream || (Flag(query, "live") && form.Framing == ReadFraming.NdJson),
        };
        parameters.SetCursor(request);
        parameters.SetTimeout(request, limits.MaxWait);
        parameters.Encoder = form.Framing == ReadFraming.V2Array
            ? RecordJson.V2(form.V2Format)
            : RecordJson.Native(Format(query, "key_format", DataFormat.Text), Format(query, "value_format", DataFormat.Json));
        if (Flag(query, "live") && form.Framing is ReadFraming.Page or ReadFraming.V2Array)
            throw HttpError.BadParameter("live", $"A JSON document cannot be followed. Ask for Accept: {ReadForm.NdJsonType} or {ReadForm.EventStreamType}.");
        return parameters;
    }

    public static string? Text(IQueryCollection query, string name)
    {
        if (!query.TryGetValue(name, out var values) || values.Count == 0)
            return null;
        if (values.Count > 1)
            throw HttpError.BadParameter(name, $"{name} is given {values.Count} times.");
        return values[0] ?? "";
    }

    /// <summary>A number from the query: below the least it is refused, above the most it is cut down to it.</summary>
    public static int Count(IQueryCollection query, string name, int otherwise, int least, int most)
    {
        if (Text(query, name) is not { } text)
            return Math.Min(otherwise, most);
        if (!ReadPlace.TryNumber(text, out var value) || value < least)
            throw HttpError.BadParameter(name, string.Create(CultureInfo.InvariantCulture, $"{name} is a whole number from {least} to {most}."));
        return (int)Math.Min(value, most);
    }

    public static bool Flag(IQueryCollection query, string name) => Text(query, name) switch
    {
        null or "false" => false,
        "true" or "" => true,
        _ => throw HttpError.BadParameter(name, $"{name} is true or false."),
    };

    private static ReadPlace ParseUntil(string text, DateTimeOffset now)
    {
        var place = ReadPlace.Parse(text, "until", now);
        return place.Kind is ReadPlaceKind.Offset or ReadPlaceKind.Time or ReadPlaceKind.Latest
            ? place
            : throw HttpError.BadParameter("until", "until is an offset, a time, or latest.");
    }

    /// <summary>REST Proxy v2's name for <c>from</c>.</summary>
    private static ReadPlace ParseOffset(string text) => ReadPlace.TryNumber(text, out var offset)
        ? new ReadPlace(ReadPlaceKind.Offset, offset)
        : throw HttpError.BadParameter("offset", "offset is a whole number from 0 on.");

    private static List<int> ParsePartitions(string text)
    {
        var partitions = new List<int>();
        foreach (var item in text.Split(','))
        {
            if (!int.TryParse(item, NumberStyles.None, CultureInfo.InvariantCulture, out var partition) || partitions.Contains(partition) || partitions.Count == Cursor.MaxItems)
                throw HttpError.BadParameter("partitions", "partitions is a list of different partition numbers, such as 0,2.");
            partitions.Add(partition);
        }

        return partitions;
    }

    public static DataFormat Format(IQueryCollection query, string name, DataFormat otherwise) => Text(query, name) switch
    {
        null => otherwise,
        "json" => DataFormat.Json,
        "text" => DataFormat.Text,
        "base64" => DataFormat.Base64,
        _ => throw HttpError.BadParameter(name, $"{name} is json, text or base64."),
    };

    /// <summary>
    /// The header comes first: a browser that reconnects repeats its old URL and says in the header how far it got.
    /// An empty value is none, as a browser sends it before its first event.
    /// </summary>
    private void SetCursor(HttpRequest request)
    {
        foreach (var (text, name) in (ReadOnlySpan<(string?, string)>)
        [
            (Form.Framing == ReadFraming.EventStream ? request.Headers["Last-Event-ID"].ToString() : null, "Last-Event-ID"),
            (Text(request.Query, "last_event_id"), "last_event_id"),
            (Text(request.Query, "cursor"), "cursor"),
        ])
        {
            if (string.IsNullOrEmpty(text))
                continue;
            Cursor = Cursor.Parse(text, name);
            return;
        }
    }

    private void SetTimeout(HttpRequest request, TimeSpan longest)
    {
        if (Text(request.Query, "timeout") is not null)
        {
            var milliseconds = (int)Math.Min(int.MaxValue, longest.TotalMilliseconds);
            Timeout = TimeSpan.FromMilliseconds(Count(request.Query, "timeout", 0, 0, milliseconds));
        }
        else if (PreferWait(request.Headers["Prefer"]) is { } seconds)
        {
            PreferredWait = (int)Math.Min(seconds, (long)longest.TotalSeconds);
            Timeout = TimeSpan.FromSeconds(PreferredWait.Value);
        }
    }

    /// <summary>RFC 7240: a preference that is not understood is ignored, and the first of several counts.</summary>
    private static long? PreferWait(StringValues prefer)
    {
        foreach (var value in prefer)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var item = value.AsSpan()[range].Trim();
                if (item.StartsWith("wait=", StringComparison.OrdinalIgnoreCase) && ReadPlace.TryNumber(item[5..].Trim('"'), out var seconds))
                    return seconds;
            }
        }

        return null;
    }
}
