using System.Text.Json;
using System.Text.Json.Nodes;
using RestStream.Connect;
using RestStream.Connect.Model;
using RestStream.Http.Topics;

namespace RestStream.Http.Connect;

/// <summary>
/// Reads the bodies of Connect. What Kafka Connect answers with 500 and a message of its JSON library (broken JSON, a member that does not exist, a value of the wrong kind) is 400 here.
/// </summary>
internal static class ConnectBody
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>Body of POST /connectors.</summary>
    public static Task<CreateConnector> CreateAsync(HttpRequest request, CancellationToken cancellationToken) => ReadAsync(request, body =>
    {
        CheckMembers(body, "name", "config", "initial_state");
        return new CreateConnector(
            Text(body, "name")?.Trim() ?? "",
            body.TryGetProperty("config", out var config) && config.ValueKind == JsonValueKind.Object
                ? Config(config)
                : throw ConnectRequestException.BadRequest("The member \"config\" must be an object with the connector's configuration."),
            State(Text(body, "initial_state")));
    }, cancellationToken);

    /// <summary>A configuration: an object of texts, numbers, booleans and nulls. Numbers are kept as they are written.</summary>
    public static Task<IReadOnlyDictionary<string, string?>> ConfigAsync(HttpRequest request, CancellationToken cancellationToken) => ReadAsync(request, Config, cancellationToken);

    /// <summary>Body of PATCH offsets; null where there is no list.</summary>
    public static Task<IReadOnlyList<OffsetEntry?>?> OffsetsAsync(HttpRequest request, CancellationToken cancellationToken) => ReadAsync(request, IReadOnlyList<OffsetEntry?>? (body) =>
    {
        CheckMembers(body, "offsets");
        if (!body.TryGetProperty("offsets", out var offsets) || offsets.ValueKind == JsonValueKind.Null)
            return null;
        if (offsets.ValueKind != JsonValueKind.Array)
            throw ConnectRequestException.BadRequest("The member \"offsets\" must be a list of partitions and offsets.");
        return [.. offsets.EnumerateArray().Select(Entry)];
    }, cancellationToken);

    /// <summary>Any object; an empty body is <c>{}</c>.</summary>
    public static Task<JsonObject> ObjectAsync(HttpRequest request, CancellationToken cancellationToken) =>
        ReadAsync(request, body => JsonObject.Create(body.Clone())!, cancellationToken, optional: true);

    /// <summary>The level that PUT /admin/loggers names; null when it names none.</summary>
    public static Task<string?> LevelAsync(HttpRequest request, CancellationToken cancellationToken) => ReadAsync(request, body => Text(body, "level"), cancellationToken);

    /// <summary>A preview of a configuration that is in the body, as <c>config</c>; the other members say of what.</summary>
    public static Task<(IReadOnlyDictionary<string, string?> Config, JsonObject Sample)> PreviewAsync(HttpRequest request, CancellationToken cancellationToken) => ReadAsync(request, body =>
    {
        if (!body.TryGetProperty("config", out var config) || config.ValueKind != JsonValueKind.Object)
            throw ConnectRequestException.BadRequest("The member \"config\" must be an object with the connector's configuration.");
        var sample = JsonObject.Create(body.Clone())!;
        sample.Remove("config");
        return (Config(config), sample);
    }, cancellationToken);

    /// <summary>The texts of a JSON object as a configuration.</summary>
    private static IReadOnlyDictionary<string, string?> Config(JsonElement config)
    {
        var values = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var member in config.EnumerateObject())
        {
            values[member.Name] = member.Value.ValueKind switch
            {
                JsonValueKind.String => member.Value.GetString(),
                JsonValueKind.Number => member.Value.GetRawText(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                JsonValueKind.Null => null,
                _ => throw ConnectRequestException.BadRequest($"The value of \"{member.Name}\" must be a text, a number or a boolean, not an object or a list."),
            };
        }

        return values;
    }

    private static OffsetEntry Entry(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
            throw ConnectRequestException.BadRequest("Every entry of \"offsets\" must be an object with the members \"partition\" and \"offset\".");
        CheckMembers(entry, "partition", "offset");
        return new OffsetEntry(Map(entry, "partition"), Map(entry, "offset"));
    }

    private static JsonObject? Map(JsonElement entry, string name) =>
        !entry.TryGetProperty(name, out var map) || map.ValueKind == JsonValueKind.Null ? null
        : map.ValueKind == JsonValueKind.Object ? JsonObject.Create(map.Clone())
        : throw ConnectRequestException.BadRequest($"The member \"{name}\" must be an object or null.");

    private static string? Text(JsonElement body, string name) =>
        !body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw ConnectRequestException.BadRequest($"The member \"{name}\" must be a text.");

    private static TargetState State(string? name) => name?.ToUpperInvariant() switch
    {
        null or "RUNNING" => TargetState.Started,
        "PAUSED" => TargetState.Paused,
        "STOPPED" => TargetState.Stopped,
        _ => throw ConnectRequestException.BadRequest($"The initial state must be RUNNING, PAUSED or STOPPED, not '{name}'."),
    };

    private static void CheckMembers(JsonElement body, params ReadOnlySpan<string> known)
    {
        foreach (var member in body.EnumerateObject())
        {
            if (!known.Contains(member.Name))
                throw ConnectRequestException.BadRequest($"Unrecognized field \"{member.Name}\"; known are \"{string.Join("\", \"", known)}\".");
        }
    }

    private static async Task<T> ReadAsync<T>(HttpRequest request, Func<JsonElement, T> read, CancellationToken cancellationToken, bool optional = false)
    {
        var bytes = await JsonBody.ReadBytesAsync(request, cancellationToken);
        if (bytes.Span.Trim(" \t\r\n"u8).IsEmpty)
            bytes = optional ? "{}"u8.ToArray() : throw ConnectRequestException.BadRequest("The body must be a JSON object; there is none.");
        try
        {
            using var document = JsonDocument.Parse(bytes, s_strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : throw ConnectRequestException.BadRequest("The body must be a JSON object.");
        }
        catch (JsonException broken)
        {
            throw ConnectRequestException.BadRequest(
                $"The body is not valid JSON at line {(broken.LineNumber ?? 0) + 1}, byte {(broken.BytePositionInLine ?? 0) + 1}, or it names a member twice.");
        }
        catch (InvalidOperationException)
        {
            // What the parser says, late, of "\ud800".
            throw ConnectRequestException.BadRequest("A text of the body is no Unicode: it has half of a surrogate pair.");
        }
    }
}

/// <summary>A connector to be created; <paramref name="Name"/> is trimmed, and empty when none is given.</summary>
internal sealed record CreateConnector(string Name, IReadOnlyDictionary<string, string?> Config, TargetState InitialState);
