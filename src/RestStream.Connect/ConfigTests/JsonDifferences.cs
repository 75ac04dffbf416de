using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RestStream.Connect.ConfigTests;

/// <summary>A place where two JSON values differ; null: there is nothing at that place (a JSON null is the text <c>null</c>).</summary>
internal sealed record JsonDifference(string Path, string? Expected, string? Got);

/// <summary>Finds the places where a value is not as expected.</summary>
internal static class JsonDifferences
{
    private static readonly JsonSerializerOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>All of them, deepest places: one changed field of an object is one difference. Numbers are compared by value, the order of fields does not count.</summary>
    public static IEnumerable<JsonDifference> Between(string path, JsonNode? expected, JsonNode? got)
    {
        if (expected is JsonObject expectedObject && got is JsonObject gotObject)
        {
            foreach (var (name, value) in expectedObject)
            {
                foreach (var difference in gotObject.TryGetPropertyValue(name, out var other) ? Between($"{path}.{name}", value, other) : [new JsonDifference($"{path}.{name}", Text(value), null)])
                    yield return difference;
            }

            foreach (var (name, value) in gotObject.Where(e => !expectedObject.ContainsKey(e.Key)))
                yield return new JsonDifference($"{path}.{name}", null, Text(value));
        }
        else if (expected is JsonArray expectedList && got is JsonArray gotList)
        {
            for (var i = 0; i < Math.Max(expectedList.Count, gotList.Count); i++)
            {
                foreach (var difference in i < expectedList.Count && i < gotList.Count ? Between($"{path}[{i}]", expectedList[i], gotList[i])
                    : [new JsonDifference($"{path}[{i}]", i < expectedList.Count ? Text(expectedList[i]) : null, i < gotList.Count ? Text(gotList[i]) : null)])
                    yield return difference;
            }
        }
        else if (!JsonNode.DeepEquals(expected, got))
        {
            yield return new JsonDifference(path, Text(expected), Text(got));
        }
    }

    public static string Text(JsonNode? node) => node?.ToJsonString(_json) ?? "null";
}
