using System.Net.Sockets;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connectors.Http.Requests;

namespace RestStream.Connectors.Http.Source;

/// <summary>What a source checks that single settings do not show: placeholders, and whether somebody is there to be asked.</summary>
internal static class SourceChecks
{
    private static readonly string[] s_templates = ["http.request.url", "http.request.params", "http.request.body", "http.request.headers"];

    /// <summary>Long enough for a slow network, short enough for who waits for an answer.</summary>
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(3);

    /// <summary>A placeholder that is filled by nothing would be an empty text without a word.</summary>
    public static void Placeholders(ConfigValidation validation)
    {
        var config = validation.Config;
        var known = config.GetString("mode") == "sse"
            ? new HashSet<string> { "id" }
            : config.GetList("http.offset.initial").Concat(config.GetList("http.response.record.offset.pointer")).Select(part => part.Split('=')[0].Trim()).Append("cursor").ToHashSet();
        foreach (var setting in s_templates)
        {
            var texts = config[setting] switch { string text => [text], IReadOnlyList<string> list => list, _ => (IReadOnlyList<string>)[] };
            foreach (var path in texts.SelectMany(text => Template.Parse(text).Paths))
            {
                var written = $"${{{string.Join('.', path)}}}";
                if (path[0] != "offset" || path.Count < 2 || !path.All(step => step.All(c => char.IsLetterOrDigit(c) || c is '_' or '-')))
                    validation.Error(setting, $"'{written}' is no placeholder of a source. Write ${{offset.name}}; expressions are not understood, a value is put in as it is.");
                else if (!known.Contains(path[1]))
                    validation.Warn(setting, $"Nothing sets '{written}', so it is an empty text. Known are: {string.Join(", ", known.Order(StringComparer.Ordinal))}.");
            }
        }
    }

    /// <summary>
    /// Connects to the host of <c>http.request.url</c>. An address that may not be reached is an error. One that cannot be is a warning: a source that is down for a while must not keep a configuration from being changed.
    /// No request is sent: it might do something there.
    /// </summary>
    public static async Task ProbeAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        const string setting = "http.request.url";
        if (validation.Errors.Count > 0 || validation.Config.FindString(setting) is not { } text)
            return;
        var url = validation.Network.ParseUrl(text.Split("${")[0]);
        using var limit = new CancellationTokenSource(s_probe, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await using var connection = await validation.Network.ConnectAsync(url.IdnHost, url.Port, both.Token);
        }
        catch (FatalException e)
        {
            validation.Error(setting, e.Message);
        }
        catch (SocketException e)
        {
            validation.Warn(setting, $"{url.Host}:{url.Port} cannot be reached now: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            validation.Warn(setting, $"{url.Host}:{url.Port} cannot be reached now: no connection within {s_probe.TotalSeconds:0} s.");
        }
    }
}
