using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;

namespace RestStream.Connect;

/// <summary>A file that is not applied, and why. <paramref name="Connector"/> is the name that it gives, its own where that cannot be read.</summary>
internal sealed record DeclaredProblem(string File, string Connector, string Problem);

/// <summary>
/// Connectors as files: every <c>*.json</c> of a folder, in Kafka's POST form (<c>{"name","config","initial_state"}</c>) or PUT form (the configuration alone; the name is in it, or is the file's).
/// At every start what differs from its file is put, what is the same is left alone; connectors without a file are no concern. A file that is wrong is a warning and stops nothing.
/// </summary>
internal sealed class DeclaredConnectors(Herder herder, string folder, ILogger log)
{
    private static readonly JsonDocumentOptions s_lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private ImmutableList<DeclaredProblem> _problems = [];

    public IReadOnlyList<DeclaredProblem> Problems => Volatile.Read(ref _problems);

    /// <summary>Somebody has given the connector a configuration: what its file says is no concern until the next start.</summary>
    public void PutRight(string connector) => ImmutableInterlocked.Update(ref _problems, problems => problems.RemoveAll(p => p.Connector == connector));

    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        foreach (var file in Files())
        {
            var name = Path.GetFileNameWithoutExtension(file).Trim();
            try
            {
                using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file, cancellationToken), s_lenient);
                name = NameIn(json.RootElement) ?? name;
                var (config, state) = Read(json.RootElement);
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
                Refuse(file, name, e.Message);
            }
            catch (Exception e)
            {
                // Whatever a plugin throws when it is asked about a configuration: the other files are applied, and the log and health say which one is not.
                log.DeclaredFailed(e, file);
                Note(file, name, $"Its check failed with {e.GetType().Name}; the log of the server has the details.");
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
            Refuse(folder, "", e.Message);
            return [];
        }
    }

    private void Refuse(string file, string connector, string problem)
    {
        log.DeclaredRefused(file, problem);
        Note(file, connector, problem);
    }

    private void Note(string file, string connector, string problem) => ImmutableInterlocked.Update(ref _problems, problems => problems.Add(new DeclaredProblem(file, connector, problem)));

    private static string? NameIn(JsonElement root) => Understood(root, static root =>
        IsPost(root, out var config) && root.TryGetProperty("name", out var given) ? TextOrNull("name", given)?.Trim()
        : (IsPost(root, out _) ? config : root).TryGetProperty(ConnectorConfig.Name, out var inConfig) ? Text(ConnectorConfig.Name, inConfig)?.Trim()
        : null);

    private static (Dictionary<string, string?> Config, TargetState State) Read(JsonElement root) => Understood(root, static root =>
        (Settings(root), IsPost(root, out _) && root.TryGetProperty("initial_state", out var state) ? State(state) : TargetState.Started));

    private static bool IsPost(JsonElement root, out JsonElement config) => root.TryGetProperty("config", out config) && config.ValueKind == JsonValueKind.Object;

    private static Dictionary<string, string?> Settings(JsonElement root)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var property in (IsPost(root, out var config) ? config : root).EnumerateObject())
            settings[property.Name] = Text(property.Name, property.Value);
        return settings;
    }

    private static T Understood<T>(JsonElement root, Func<JsonElement, T> read)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("It is no JSON object.");
        try
        {
            return read(root);
        }
        catch (InvalidOperationException)
        {
            // What the parser says, late, of "\ud800".
            throw new FormatException("A text in it is no Unicode: it has half of a surrogate pair.");
        }
    }

    private static string? Text(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new FormatException($"The value of '{name}' is neither text, nor a number, nor true or false."),
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
