using RestStream.Settings;

namespace RestStream.Hosting;

/// <summary>What a person sees when the server has started: where it listens, where the data is, who may use it, and lines to try.</summary>
internal static class Banner
{
    /// <param name="options">The settings in effect.</param>
    /// <param name="urls">The addresses it really listens on.</param>
    /// <param name="connectors">Where connectors are managed; null: nowhere.</param>
    /// <param name="recovering">The log is not open yet.</param>
    public static string Text(ServerOptions options, IReadOnlyCollection<string> urls, string? connectors, bool recovering)
    {
        var url = Listeners.Reachable(urls.FirstOrDefault() ?? Listeners.Default);
        var auth = urls.All(Listeners.IsLoopback)
            ? "no authentication, reachable from this machine only"
            : "NO AUTHENTICATION, reachable from other machines (RestStream:AllowAnonymous)";
        var create = options.AutoCreateTopics ? "" : $"  curl -X PUT {url}/topics/demo\n";
        var swagger = options.Swagger ? $"  swagger     {url}/swagger\n" : "";
        var connect = connectors is null ? "" : $"  connectors  {connectors}/connectors\n";
        return $"""
            RestStream {ProductVersion.Version} ({ProductVersion.Commit[..Math.Min(7, ProductVersion.Commit.Length)]})
              listening   {string.Join("  ", urls)}
              data        {Path.GetFullPath(options.DataDirectory)}{(recovering ? "  (being recovered)" : "")}
              access      {auth}
              durability  acks=all: answered after fsync (topics may choose reststream.durability=interval or os)
            {connect}{swagger}  metrics     {url}/metrics
            Try:
            {create}  curl -d hello {url}/topics/demo/records
              curl -N -H 'Accept: text/event-stream' {url}/topics/demo/records
            """;
    }
}
