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

/// <summary>What a v2 produce body holds.</summary>
internal enum V2Format
{
    Json,
    Binary,
    Text,

    /// <summary>Avro, JSON Schema or Protobuf: needs a schema registry.</summary>
    Schema,
}

/// <summary>Reads Content-Type without allocating.</summary>
internal static class MediaType
{
    private static readonly string[] s_native = ["application/json", "application/x-ndjson", "any other type: the body is the value of one record"];

    private static readonly string[] s_whole = ["application/json"];

    private static readonly string[] s_v2 =
    [
        "application/vnd.kafka.json.v2+json", "application/vnd.kafka.binary.v2+json", "application/vnd.kafka.text.v2+json", "application/json",
    ];

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

    /// <exception cref="HttpError">415, naming the accepted types.</exception>
    public static V2Format V2(HttpRequest request)
    {
        var type = Split(request.ContentType, out var parameters);
        if (!IsUtf8(parameters))
            throw Unsupported("JSON is UTF-8; other charsets are not taken.", s_v2);
        if (type.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return V2Format.Json;
        const string prefix = "application/vnd.kafka";
        if (type.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
        {
            var middle = type[prefix.Length..^"+json".Length];
            foreach (var version in (ReadOnlySpan<string>)[".v2", ".v1"])
            {
                if (middle.EndsWith(version, StringComparison.OrdinalIgnoreCase))
                {
                    middle = middle[..^version.Length];
                    break;
                }
            }

            // Without a format the old proxies took base64.
            if (middle.Length == 0 || middle.Equals(".binary", StringComparison.OrdinalIgnoreCase))
                return V2Format.Binary;
            if (middle.Equals(".json", StringComparison.OrdinalIgnoreCase))
                return V2Format.Json;
            if (middle.Equals(".text", StringComparison.OrdinalIgnoreCase))
                return V2Format.Text;
            if (middle.Equals(".avro", StringComparison.OrdinalIgnoreCase) || middle.Equals(".jsonschema", StringComparison.OrdinalIgnoreCase)
                || middle.Equals(".protobuf", StringComparison.OrdinalIgnoreCase))
            {
                return V2Format.Schema;
            }
        }

        throw Unsupported(
            "This path takes the REST Proxy v2 types. To send any other body as one record, or JSON records of the native form, use POST /topics/{topic}/records.", s_v2);
    }

    /// <summary>Whether a v2 answer fits what the client accepts; without Accept everything does.</summary>
    public static bool AcceptsV2(HttpRequest request)
    {
        var accept = request.Headers.Accept;
        if (accept.Count == 0)
            return true;
        foreach (var value in accept)
        {
            if (string.IsNullOrWhiteSpace(value))
                return true;
            foreach (var range in value.AsSpan().Split(','))
            {
                var type = Split(value.AsSpan()[range], out _);
                if (type is "*/*" || type.Equals("application/*", StringComparison.OrdinalIgnoreCase)
                    || type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                    || type.StartsWith("application/vnd.kafka", StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool IsNdJson(ReadOnlySpan<char> type) =>
        type.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase) || type.Equals("application/ndjson", StringComparison.OrdinalIgnoreCase)
        || type.Equals("application/jsonl", StringComparison.OrdinalIgnoreCase) || type.Equals("application/x-jsonlines", StringComparison.OrdinalIgnoreCase);

    private static bool IsUtf8(ReadOnlySpan<char> parameters)
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

    private static ReadOnlySpan<char> Split(ReadOnlySpan<char> contentType, out ReadOnlySpan<char> parameters)
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
