using System.Globalization;
using Microsoft.Extensions.Primitives;
using RestStream.Http.Compat;
using RestStream.Http.Errors;

namespace RestStream.Http.Records;

/// <summary>How records are answered.</summary>
internal enum ReadFraming : byte
{
    /// <summary>One JSON object: records, cursor, end.</summary>
    Page,

    /// <summary>One record a line.</summary>
    NdJson,

    /// <summary>Server-sent events.</summary>
    EventStream,

    /// <summary>REST Proxy v2: an array of records.</summary>
    V2Array,
}

/// <summary>The answer that a request asks for with Accept. <paramref name="V2Format"/> counts for <see cref="ReadFraming.V2Array"/> only.</summary>
internal readonly record struct ReadForm(ReadFraming Framing, DataFormat V2Format, string ContentType)
{
    public const string NdJsonType = "application/x-ndjson";
    public const string EventStreamType = "text/event-stream";

    private static readonly ReadForm s_page = new(ReadFraming.Page, default, "application/json");

    /// <summary>What can be asked for, by preference where the client has none.</summary>
    private static readonly ReadForm[] s_all =
    [
        s_page,
        new(ReadFraming.NdJson, default, NdJsonType),
        new(ReadFraming.EventStream, default, EventStreamType),
        new(ReadFraming.V2Array, DataFormat.Json, "application/vnd.kafka.json.v2+json"),
        new(ReadFraming.V2Array, DataFormat.Base64, "application/vnd.kafka.binary.v2+json"),
        new(ReadFraming.V2Array, DataFormat.Text, "application/vnd.kafka.text.v2+json"),
    ];

    /// <summary>Every content type there is, for the OpenAPI document and for refusals.</summary>
    public static IReadOnlyList<string> ContentTypes { get; } = [.. s_all.Select(f => f.ContentType)];

    /// <summary>The form that fits Accept best; a page without Accept.</summary>
    /// <exception cref="HttpError">406 naming the types.</exception>
    public static ReadForm Choose(StringValues accept)
    {
        ReadForm? best = null;
        double bestQuality = 0;
        var asked = false;
        foreach (var value in accept)
        {
            if (string.IsNullOrWhiteSpace(value))
                continue;
            asked = true;
            foreach (var range in value.AsSpan().Split(','))
            {
                var item = value.AsSpan()[range];
                var quality = Quality(item);
                if (quality > bestQuality && Find(item[..(item.IndexOf(';') is >= 0 and var at ? at : item.Length)].Trim()) is { } form)
                    (best, bestQuality) = (form, quality);
            }
        }

        return best ?? (asked ? throw NotAcceptable() : s_page);
    }

    /// <summary>The form of a v2 array: the first type of the family in Accept decides; JSON without one.</summary>
    /// <exception cref="HttpError">406 naming the types.</exception>
    public static ReadForm ChooseV2(StringValues accept)
    {
        if (V2Accept.FirstOfFamily(accept) is { } type)
            return Find(type) ?? throw NotAcceptable();
        return V2Accept.IsTaken(accept) ? s_all[3] : throw NotAcceptable();
    }

    private static ReadForm? Find(ReadOnlySpan<char> type)
    {
        if (type is "*/*" || type.Equals("application/*", StringComparison.OrdinalIgnoreCase))
            return s_page;
        if (type.Equals("text/*", StringComparison.OrdinalIgnoreCase))
            return s_all[2];
        foreach (var form in s_all)
        {
            if (type.Equals(form.ContentType, StringComparison.OrdinalIgnoreCase))
                return form;
        }

        if (type.Equals("application/ndjson", StringComparison.OrdinalIgnoreCase) || type.Equals("application/jsonl", StringComparison.OrdinalIgnoreCase))
            return s_all[1];

        // The old proxies' types of version 1 or of no version are aliases; without a format they mean base64.
        if (!type.StartsWith("application/vnd.kafka", StringComparison.OrdinalIgnoreCase))
            return null;
        type = type["application/vnd.kafka".Length..];
        if (type.StartsWith(".json", StringComparison.OrdinalIgnoreCase) && !type.StartsWith(".jsonschema", StringComparison.OrdinalIgnoreCase))
            return s_all[3];
        if (type.StartsWith(".text", StringComparison.OrdinalIgnoreCase))
            return s_all[5];
        return type.StartsWith(".binary", StringComparison.OrdinalIgnoreCase) || type.StartsWith(".v", StringComparison.OrdinalIgnoreCase) || type is ['+', ..] ? s_all[4] : null;
    }

    /// <summary>The q of one item, 1 without one; 0 (never) when it is no number.</summary>
    private static double Quality(ReadOnlySpan<char> item)
    {
        foreach (var range in item.Split(';'))
        {
            var parameter = item[range].Trim();
            if (parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
                return double.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var q) && q <= 1 ? q : 0;
        }

        return 1;
    }

    private static HttpError NotAcceptable() =>
        new(406, 40600, "not-acceptable", "Not acceptable", $"Records can be had as {string.Join(", ", ContentTypes)}. Name one of them in Accept.")
        {
            Extra = new Dictionary<string, object?> { ["accepted_types"] = ContentTypes },
        };
}
