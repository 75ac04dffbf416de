using System.Text.RegularExpressions;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// The address of a further page, from the header Link. It is stored, and so shown, relative to the address that is asked first, and parameters that stand there too (a token among them) by their names only.
/// </summary>
internal static partial class PageLink
{
    /// <summary>The target of <c>Link: &lt;..&gt;; rel="next"</c> (RFC 8288).</summary>
    public static string? Next(string? header)
    {
        foreach (Match link in Links().Matches(header ?? ""))
        {
            if (Relation().Match(link.Groups[2].Value) is { Success: true } relation && relation.Groups[1].Value.Split(' ').Contains("next", StringComparer.OrdinalIgnoreCase))
                return link.Groups[1].Value;
        }

        return null;
    }

    /// <summary>The form that is stored, of the same scheme, host and port as <paramref name="first"/>.</summary>
    public static string Shorten(Uri first, Uri page)
    {
        var ours = Parameters(first).ToLookup(p => p.Name, p => p.Value);
        var path = first.MakeRelativeUri(new Uri(page.GetLeftPart(UriPartial.Path))).OriginalString;
        var query = Parameters(page).Select(p => !ours.Contains(p.Name) ? p.Text : Same(ours[p.Name].First(), p.Value) ? p.Name : $"{p.Name}={p.Value}");
        return $"{path}?{string.Join('&', query)}";
    }

    /// <summary>The address again. What was stored whole is read too.</summary>
    public static Uri Complete(Uri first, string stored)
    {
        var ours = Parameters(first).ToLookup(p => p.Name, p => p.Text);
        var page = new Uri(first, stored);
        var query = Parameters(page).Select(p => p.Value is null && ours.Contains(p.Name) ? ours[p.Name].First() : p.Text);
        return new UriBuilder(page) { Query = string.Join('&', query) }.Uri;
    }

    private static IEnumerable<(string Name, string? Value, string Text)> Parameters(Uri url) => url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(text =>
    {
        var split = text.IndexOf('=', StringComparison.Ordinal);
        return split < 0 ? (text, (string?)null, text) : (text[..split], text[(split + 1)..], text);
    });

    // Servers encode what we sent in their own way.
    private static bool Same(string? ours, string? theirs) => ours is not null && theirs is not null && Decoded(ours) == Decoded(theirs);

    private static string Decoded(string value) => Uri.UnescapeDataString(value.Replace('+', ' '));

    [GeneratedRegex("""<([^>]*)>((?:\s*;\s*[^,;="]+(?:=(?:"[^"]*"|[^,;"]*))?)*)""", RegexOptions.CultureInvariant, 100)]
    private static partial Regex Links();

    [GeneratedRegex("""\brel="?([^";]*)"?""", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 100)]
    private static partial Regex Relation();
}
