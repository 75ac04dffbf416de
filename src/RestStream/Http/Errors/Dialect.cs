using Microsoft.Extensions.Primitives;
using RestStream.Http.Compat;

namespace RestStream.Http.Errors;

/// <summary>
/// Which of the two languages a request speaks: it is REST Proxy v2 below a profile's path base, whatever it names, and where its Content-Type or Accept names
/// <c>application/vnd.kafka…</c> or the path exists in v2 only. Else it is native.
/// </summary>
internal static class Dialect
{
    /// <summary>The type of v2 metadata, receipts and errors.</summary>
    public const string V2Type = "application/vnd.kafka.v2+json";

    private const string V2Prefix = "application/vnd.kafka";

    public static bool IsV2(HttpRequest request) =>
        NamesV2(request) || Profile.ByPath(request) is not null || request.Path.StartsWithSegments("/consumers", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether Content-Type or Accept names a type of the family.</summary>
    public static bool NamesV2(HttpRequest request) => NamesV2(request.ContentType) || NamesV2(request.Headers.Accept);

    /// <summary>The type of a JSON answer to this request.</summary>
    public static string AnswerType(HttpRequest request) => IsV2(request) ? Profile.Of(request.HttpContext).AnswerType(request) : "application/json";

    /// <summary>The type of an error body for this request.</summary>
    public static string ErrorType(HttpRequest request) => IsV2(request) ? Profile.Of(request.HttpContext).AnswerType(request) : "application/problem+json";

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
