using Microsoft.Extensions.Primitives;

namespace RestStream.Http.Compat;

/// <summary>What the Accept and Content-Type headers of the family's clients say. Lists, q values and parameters are understood; nothing is allocated unless said so.</summary>
internal static class V2Accept
{
    private const string Family = "application/vnd.kafka";

    /// <summary>Whether a v2 answer fits what the client accepts; without Accept everything does.</summary>
    public static bool IsTaken(StringValues accept)
    {
        if (accept.Count == 0)
            return true;
        foreach (var value in accept)
        {
            if (string.IsNullOrWhiteSpace(value))
                return true;
            foreach (var range in value.AsSpan().Split(','))
            {
                var type = WithoutParameters(value.AsSpan()[range]);
                if (IsWildcard(type) || IsJson(type) || type.StartsWith(Family, StringComparison.OrdinalIgnoreCase))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Whether plain JSON is asked for.</summary>
    public static bool NamesJson(StringValues accept)
    {
        foreach (var value in accept)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (IsJson(WithoutParameters(value.AsSpan()[range])))
                    return true;
            }
        }

        return false;
    }

    /// <summary>The first type of the family that the header names, without its parameters; null when it names none.</summary>
    public static string? FirstOfFamily(StringValues header)
    {
        foreach (var value in header)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var type = WithoutParameters(value.AsSpan()[range]);
                if (type.StartsWith(Family, StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
                    return type.ToString();
            }
        }

        return null;
    }

    /// <summary>The format that a type of the family names; false for other types, those without a format and the schema formats.</summary>
    public static bool TryFormat(ReadOnlySpan<char> type, out DataFormat format)
    {
        format = default;
        if (!type.StartsWith(Family, StringComparison.OrdinalIgnoreCase) || !type.EndsWith("+json", StringComparison.OrdinalIgnoreCase))
            return false;
        var middle = type[Family.Length..^"+json".Length];
        if (middle.EndsWith(".v2", StringComparison.OrdinalIgnoreCase) || middle.EndsWith(".v1", StringComparison.OrdinalIgnoreCase))
            middle = middle[..^3];
        if (middle.Equals(".json", StringComparison.OrdinalIgnoreCase))
            format = DataFormat.Json;
        else if (middle.Equals(".binary", StringComparison.OrdinalIgnoreCase))
            format = DataFormat.Base64;
        else if (middle.Equals(".text", StringComparison.OrdinalIgnoreCase))
            format = DataFormat.Text;
        else
            return false;
        return true;
    }

    /// <summary>A type of the family that names no format.</summary>
    public static bool IsFormatless(ReadOnlySpan<char> type) =>
        type.StartsWith(Family, StringComparison.OrdinalIgnoreCase) && type[Family.Length..] is "+json" or ".v1+json" or ".v2+json";

    /// <summary>The type of records in a format, <c>application/vnd.kafka.json.v2+json</c> for one.</summary>
    public static string TypeOf(DataFormat format) => format switch
    {
        DataFormat.Json => "application/vnd.kafka.json.v2+json",
        DataFormat.Text => "application/vnd.kafka.text.v2+json",
        _ => "application/vnd.kafka.binary.v2+json",
    };

    public static ReadOnlySpan<char> WithoutParameters(ReadOnlySpan<char> type) => (type.IndexOf(';') is >= 0 and var end ? type[..end] : type).Trim();

    public static bool IsWildcard(ReadOnlySpan<char> type) =>
        type is "*/*" || type.Equals("application/*", StringComparison.OrdinalIgnoreCase) || type.Equals("*/json", StringComparison.OrdinalIgnoreCase);

    public static bool IsJson(ReadOnlySpan<char> type) => type.Equals("application/json", StringComparison.OrdinalIgnoreCase);
}
