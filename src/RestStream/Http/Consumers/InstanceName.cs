using Microsoft.AspNetCore.Http.Features;

namespace RestStream.Http.Consumers;

/// <summary>The name of the instance in the path. It may be any text, also such as a path cannot show otherwise than escaped.</summary>
internal static class InstanceName
{
    public static string Of(HttpContext context)
    {
        var routed = (string)context.Request.RouteValues["instance"]!;
        if (!routed.Contains("%2F", StringComparison.OrdinalIgnoreCase))
            return routed;

        // The server decodes everything but the slash, so that "a/b" and "a%2Fb" look the same here. The target as it was sent tells them apart.
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = target.Split('?')[0].Split('/');
        var instances = Array.FindIndex(path, Math.Max(0, Array.IndexOf(path, "consumers")), s => s == "instances");
        return instances >= 0 && instances + 1 < path.Length ? Uri.UnescapeDataString(path[instances + 1]) : routed;
    }
}
