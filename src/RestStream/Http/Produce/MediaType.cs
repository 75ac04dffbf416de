using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>What a native produce body is.</summary>
internal enum BodyForm
{
    Json,
    NdJson,

    /// <summary>The bytes are one record's value.</summary>
    Raw,
}

/// <summary>Reads Content-Type without allocating.</summary>
internal static class MediaType
{
    private static readonly string[] s_native = ["application/json", "application/x-ndjson", "any other type: the body is the value of one record"];

    private static readonly string[] s_whole = ["application/json"];

    /// <exception cref="HttpError">415: JSON in another charset than UTF-8, or a v2 type, which belongs to another path.</exception>
    public static BodyForm NativeForm(HttpRequest request)
    {
        var type = Split(request.ContentType, out var parameters);
        var form = type.Equals("application/json", StringComparison.OrdinalIgnoreCase) ? BodyForm.Json
            : IsNdJson(type) ? BodyForm.NdJson
            : BodyForm.Raw;
        if (type.StartsWith("application/vnd.kafka", StringComparison.OrdinalIgnoreCase))
            throw Unsupported("REST Proxy v2 bodies go to POST /topics/{topic}, without /records.", s_native);
        if (form != BodyForm.Raw && !IsUtf8(parameters))
            throw Unsupported("JSON is UTF-8; other charsets are not taken.", s_native);
        return form;
    }

    private static bool IsNdJson(ReadOnlySpan<char> type) =>
        type.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase) || type.Equals("application/ndjson", StringComparison.OrdinalIgnoreCase)
        || type.Equals("application/jsonl", StringComparison.OrdinalIgnoreCase) || type.Equals("application/x-jsonlines", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the parameters of a Content-Type leave its text UTF-8.</summary>
    public static bool IsUtf8(ReadOnlySpan<char> parameters)
    {
        const string name = "charset=";
        if (parameters.IndexOf(name, StringComparison.OrdinalIgnoreCase) is not (>= 0 and var at))
            return true;
        var value = parameters[(at + name.Length)..];
        if (value.IndexOf(';') is >= 0 and var end)
            value = value[..end];
        value = value.Trim().Trim('"');
        return value.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || value.Equals("utf8", StringComparison.OrdinalIgnoreCase)
            || value.Equals("us-ascii", StringComparison.OrdinalIgnoreCase);
    }

    public static ReadOnlySpan<char> Split(ReadOnlySpan<char> contentType, out ReadOnlySpan<char> parameters)
    {
        var semicolon = contentType.IndexOf(';');
        parameters = semicolon < 0 ? default : contentType[(semicolon + 1)..];
        return (semicolon < 0 ? contentType : contentType[..semicolon]).Trim();
    }

    /// <summary>415: the body is NDJSON, and <paramref name="what"/> needs a body that ends before anything is written.</summary>
    public static HttpError NotAsLines(string what) =>
        Unsupported($"NDJSON is a stream that is written and answered while it arrives, so it cannot go with {what}. Send the records as a JSON array, application/json.", s_whole);

    private static HttpError Unsupported(string detail, string[] accepted) =>
        new(415, 41500, "unsupported-media-type", "Unsupported media type", $"{detail} Accepted: {string.Join("; ", accepted)}.")
        {
            Extra = new Dictionary<string, object?> { ["accepted_types"] = accepted },
        };
}
