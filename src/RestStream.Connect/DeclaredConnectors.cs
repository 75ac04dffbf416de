using System.Text.Json;
using Microsoft.Extensions.Logging;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;

namespace RestStream.Connect;

/// <summary>A file that is not applied, and why.</summary>
internal sealed record DeclaredProblem(string File, string Problem);

/// <summary>
/// Connectors as files: every <c>*.json</c> of a folder, in Kafka's POST form (<c>{"name","config","initial_state"}</c>) or PUT form (the configuration alone; the name is in it, or is the file's).
/// At every start what differs from its file is put, what is the same is left alone; connectors without a file are no concern. A file that is wrong is a warning and stops nothing.
/// </summary>
internal sealed class DeclaredConnectors(Herder herder, string folder, ILogger log)
{
    private IReadOnlyList<DeclaredProblem> _problems = [];

    public IReadOnlyList<DeclaredProblem> Problems => Volatile.Read(ref _problems);

    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        foreach (var file in Files())
        {
            try
            {
                var (name, config, state) = Read(Path.GetFileNameWithoutExtension(file), await File.ReadAllBytesAsync(file, cancellationToken));
                if (await herder.DeclareAsync(name, config, state, cancellationToken))
                    log.DeclaredApplied(name, file);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && cancellationToken.IsCancellationRequested)
            {
                // The worker stops.
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException or ConnectRequestException or ConnectException or Broker.BrokerException)
            {
                Refuse(file, e.Message);
            }
            catch (Exception e)
            {
                // Whatever a plugin throws when it is asked about a configuration: the other files are applied, and the log and health say which one is not.
                log.DeclaredFailed(e, file);
                Note(file, $"Its check failed with {e.GetType().Name}; the log of the server has the details.");
            }
        }
    }

    private string[] Files()
    {
        try
        {
            return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Refuse(folder, e.Message);
            return [];
        }
    }

    private void Refuse(string file, string problem)
    {
        log.DeclaredRefused(file, problem);
        Note(file, problem);
    }

    private void Note(string file, string problem) => Volatile.Write(ref _problems, [.. _problems, new DeclaredProblem(file, problem)]);

    private static (string Name, Dictionary<string, string?> Config, TargetState State) Read(string fileName, byte[] bytes)
    {
        using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        try
        {
            return Read(fileName, document.RootElement);
        }
        catch (InvalidOperationException)
        {
            // What the parser says, late, of "\ud800".
            throw new FormatException("A text in it is no Unicode: it has half of a surrogate pair.");
        }
    }

    private static (string Name, Dictionary<string, string?> Config, TargetState State) Read(string fileName, JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("It is no JSON object.");
        var isPost = root.TryGetProperty("config", out var config) && config.ValueKind == JsonValueKind.Object;
        var settings = new Dictionary<string, string?>();
        foreach (var property in (isPost ? config : root).EnumerateObject())
            settings[property.Name] = Text(property);
        var name = (isPost && root.TryGetProperty("name", out var given) ? TextOrNull("name", given) : settings.GetValueOrDefault(ConnectorConfig.Name)) ?? fileName;
        return (name.Trim(), settings, isPost && root.TryGetProperty("initial_state", out var state) ? State(state) : TargetState.Started);
    }

    private static string? Text(JsonProperty property) => property.Value.ValueKind switch
    {
        JsonValueKind.String => property.Value.GetString(),
        JsonValueKind.Null => null,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => property.Value.GetRawText(),
        _ => throw new FormatException($"The value of '{property.Name}' is neither text, nor a number, nor true or false."),
    };

    private static string? TextOrNull(string member, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => throw new FormatException($"'{member}' is no text."),
    };

    private static TargetState State(JsonElement state) => TextOrNull("initial_state", state)?.ToUpperInvariant() switch
    {
        null or "RUNNING" => TargetState.Started,
        "PAUSED" => TargetState.Paused,
        "STOPPED" => TargetState.Stopped,
        _ => throw new FormatException("'initial_state' is neither RUNNING, nor PAUSED, nor STOPPED."),
    };
}
