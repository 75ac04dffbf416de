using Microsoft.Extensions.Options;
using RestStream.Settings;

namespace RestStream.Http.Operations;

/// <summary>The <c>cluster.id</c> that the data directory carries in <c>meta.properties</c>; empty until the log is open.</summary>
internal sealed class ClusterId(IOptions<ServerOptions> options)
{
    private string? _value;

    public string Value => (_value ??= Read()) ?? "";

    private string? Read()
    {
        const string key = "cluster.id=";
        var file = Path.Combine(options.Value.DataDirectory, "meta.properties");
        return File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal))?[key.Length..] : null;
    }
}
