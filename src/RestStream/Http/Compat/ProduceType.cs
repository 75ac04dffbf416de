using RestStream.Http.Errors;
using RestStream.Http.Produce;

namespace RestStream.Http.Compat;

/// <summary>What the body of a v2 produce request holds, by its Content-Type.</summary>
internal static class ProduceType
{
    private static readonly string[] s_taken =
    [
        "application/vnd.kafka.json.v2+json", "application/vnd.kafka.binary.v2+json", "application/vnd.kafka.text.v2+json", "application/json",
    ];

    /// <summary>The format of keys and values; null for Avro, JSON Schema and Protobuf, which need a schema registry.</summary>
    /// <exception cref="HttpError"><see cref="Fault.UnsupportedType"/>, naming the accepted types.</exception>
    public static DataFormat? Of(HttpRequest request, Profile profile)
    {
        var type = MediaType.Split(request.ContentType, out var parameters);
        if (!MediaType.IsUtf8(parameters))
            throw Unsupported(profile, "JSON is UTF-8; other charsets are not taken.");
        if (type.IsEmpty && profile.Produce.NoType is { } otherwise)
            return otherwise;
        if (V2Accept.IsJson(type))
            return profile.Produce.JsonType;
        if (V2Accept.TryFormat(type, out var format))
            return format;
        const string prefix = "application/vnd.kafka";
        if (type.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
        {
            // Without a format the old proxies took base64.
            var middle = type[prefix.Length..^"+json".Length];
            if (middle.Length == 0 || middle.Equals(".v2", StringComparison.OrdinalIgnoreCase) || middle.Equals(".v1", StringComparison.OrdinalIgnoreCase))
                return DataFormat.Base64;
            if (middle.EndsWith(".v2", StringComparison.OrdinalIgnoreCase) || middle.EndsWith(".v1", StringComparison.OrdinalIgnoreCase))
                middle = middle[..^3];
            if (middle.Equals(".avro", StringComparison.OrdinalIgnoreCase) || middle.Equals(".jsonschema", StringComparison.OrdinalIgnoreCase)
                || middle.Equals(".protobuf", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }
        }

        if (profile.Produce.TakesOctetStream && type.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase))
            return DataFormat.Base64;
        throw Unsupported(
            profile, "This path takes the REST Proxy v2 types. To send any other body as one record, or JSON records of the native form, use POST /topics/{topic}/records.");
    }

    private static HttpError Unsupported(Profile profile, string detail) =>
        profile.Refuse(Fault.UnsupportedType, $"{detail} Accepted: {string.Join("; ", s_taken)}.").With("accepted_types", s_taken);
}
