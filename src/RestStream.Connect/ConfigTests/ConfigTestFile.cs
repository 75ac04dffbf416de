using System.Text.Json;
using System.Text.Json.Nodes;

namespace RestStream.Connect.ConfigTests;

/// <summary>Records that go in, and the records that shall come out.</summary>
internal sealed record ConfigTest(string Name, IReadOnlyList<JsonObject> Input, IReadOnlyList<JsonObject> Expected);

/// <summary>
/// A file of tests of one connector configuration:
/// <code>
/// { "config": { "connector.class": "...", "transforms": "...", ... },
///   "tests": [{ "name": "...", "input": [{ "topic": "t", "key": .., "value": .., "headers": [{ "key": "h", "value": .. }], "timestamp": 0 }], "expected": [{ "topic": "t", "value": .. }] }] }
/// </code>
/// <c>config</c> may be the path of a file with the configuration instead, in the form in which it is posted or put. A file with one test may have <c>input</c> and <c>expected</c> at the top.
/// </summary>
internal sealed record ConfigTestFile(IReadOnlyDictionary<string, string> Config, IReadOnlyList<ConfigTest> Tests)
{
    private static readonly JsonDocumentOptions _json = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <exception cref="InvalidDataException">It is no such file; the message says what is wrong.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ConfigTestFile Read(string path)
    {
        var file = ReadObject(path);
        var config = file["config"] switch
        {
            JsonObject written => written,
            JsonValue value when value.TryGetValue<string>(out var other) => ConfigOf(ReadObject(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, other))),
            _ => throw new InvalidDataException($"{path}: \"config\" must be a connector configuration, or the path of a file with one."),
        };
        var tests = file["tests"] is JsonArray list ? list.Select((test, i) => Test(path, test as JsonObject ?? throw Wrong(path, "each of \"tests\" must be an object"), $"test {i + 1}")) : [Test(path, file, "test")];
        return new ConfigTestFile(config.Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!.ToString()), [.. tests]);
    }

    private static ConfigTest Test(string path, JsonObject test, string name) => new(test["name"]?.ToString() ?? name, Records(path, test, "input"), Records(path, test, "expected"));

    private static List<JsonObject> Records(string path, JsonObject test, string name) =>
        test[name] is JsonArray records ? [.. records.Select(record => record as JsonObject ?? throw Wrong(path, $"each of \"{name}\" must be an object"))] : throw Wrong(path, $"\"{name}\" must be a list of records");

    /// <summary>The posted form has name and config, the put form is the configuration alone.</summary>
    private static JsonObject ConfigOf(JsonObject file) => file["config"] as JsonObject ?? file;

    private static JsonObject ReadObject(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path), documentOptions: _json) as JsonObject ?? throw Wrong(path, "it must be a JSON object");
        }
        catch (JsonException e)
        {
            throw Wrong(path, $"it is no JSON: {e.Message}");
        }
    }

    private static InvalidDataException Wrong(string path, string what) => new($"{path}: {what}.");
}
