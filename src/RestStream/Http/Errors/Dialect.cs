using Microsoft.Extensions.Primitives;

namespace RestStream.Http.Errors;

/// <summary>
/// Which of the two languages a request speaks: it is REST Proxy v2 when its Content-Type or Accept names <c>application/vnd.kafka…</c>, else native.
/// </summary>
internal static class Dialect
{
    /// <summary>The type of v2 metadata, receipts and errors.</summary>
    public const string V2Type = "application/vnd.kafka.v2+json";

    private const string V2Prefix = "application/vnd.kafka";

    public static bool IsV2(HttpRequest request) => NamesV2(request.ContentType) || NamesV2(request.Headers.Accept);

    /// <summary>The type of an error body for this request.</summary>
    public static string ErrorType(HttpRequest request) => IsV2(request) ? V2Type : "application/problem+json";

    private static bool NamesV2(StringValues values)
    {
        foreach (var value in values)
        {
            if (value is not null && value.Contains(V2Prefix, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
