using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;

namespace RestStream.Http.Connect;

/// <summary>
/// A name in the path, such as a connector's, which may be any text: <c>a/b</c>, <c>50%</c> and <c>..</c> too, percent-encoded. The server decodes a path before it is routed, but not <c>%2F</c>,
/// and then <c>%252F</c> looks the same; therefore <see cref="Keep"/> writes the path anew from what the client sent, and this type undoes that for one segment.
/// </summary>
internal readonly record struct PathName(string Value)
{
    private static readonly string[] s_roots = ["/connectors/", "/connector-plugins/", "/admin/loggers/", "/groups/"];

    /// <summary>Of the framework's binding: every segment is a name.</summary>
    public static bool TryParse(string? segment, [NotNullWhen(true)] out PathName name)
    {
        name = new PathName(Unescape(segment ?? ""));
        return segment is not null;
    }

    /// <summary>The name as a segment of a path: everything encoded that has a meaning in URLs.</summary>
    public static string Encode(string name) => name is "." or ".." ? name.Replace(".", "%2E") : Uri.EscapeDataString(name);

    /// <summary>Before routing: gives paths with names of any text their segments as the client meant them, with <c>%</c> and <c>/</c> of names as <c>%25</c> and <c>%2F</c>.</summary>
    public static void Keep(HttpContext context)
    {
        var raw = RawPath(context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "");
        if (!raw.Contains('%') || !IsNamed(raw))
            return;
        var segments = raw.ToString().Split('/');

        // Dots that the client did not encode are steps up, which the server has taken already.
        if (!segments.Any(s => s is "." or ".."))
            context.Request.Path = new PathString(string.Join('/', segments.Select(s => Escape(Uri.UnescapeDataString(s)))));
    }

    private static bool IsNamed(ReadOnlySpan<char> path)
    {
        foreach (var root in s_roots)
        {
            if (path.StartsWith(root, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    private static ReadOnlySpan<char> RawPath(string target)
    {
        var path = target.AsSpan();
        if (!path.StartsWith("/") && path.IndexOf("://") is > 0 and var scheme)
            path = path[(scheme + 3)..] is var rest && rest.IndexOf('/') is >= 0 and var slash ? rest[slash..] : "";
        return path.IndexOf('?') is >= 0 and var query ? path[..query] : path;
    }

    private static string Escape(string segment) => segment.Replace("%", "%25").Replace("/", "%2F");

    private static string Unescape(string segment) => segment.Replace("%2F", "/").Replace("%25", "%");
}
