using System.Text.Json.Nodes;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.ConfigTests;

/// <summary>How a test went. No differences: it passed.</summary>
internal sealed record ConfigTestResult(string Name, IReadOnlyList<JsonDifference> Differences);

/// <summary>Runs the tests of a file.</summary>
internal static class ConfigTestRun
{
    /// <summary>
    /// Each test on a pipeline of its own. Of an expected record what is written is compared, and nothing else: a test that names only the value does not care for the topic. Dropped records are left out of what came;
    /// of a record that failed <c>{"error": ..}</c> must be a part of the message.
    /// </summary>
    /// <exception cref="ConnectException">A class or a setting of the configuration is wrong.</exception>
    /// <exception cref="InvalidDataException">A record of a test is none.</exception>
    public static IReadOnlyList<ConfigTestResult> Run(PluginCatalog plugins, ConfigTestFile file) => [.. file.Tests.Select(test => Run(plugins, file.Config, test))];

    private static ConfigTestResult Run(PluginCatalog plugins, IReadOnlyDictionary<string, string> config, ConfigTest test)
    {
        using var pipeline = new ConfigTestPipeline(plugins, config);
        var got = test.Input.Select((record, i) => pipeline.Run(record, i)).OfType<JsonObject>().ToList();
        var differences = new List<JsonDifference>();
        for (var i = 0; i < Math.Max(got.Count, test.Expected.Count); i++)
        {
            var record = $"record {i + 1}";
            if (i >= got.Count)
                differences.Add(new JsonDifference(record, JsonDifferences.Text(test.Expected[i]), null));
            else if (i >= test.Expected.Count)
                differences.Add(new JsonDifference(record, null, JsonDifferences.Text(got[i])));
            else
                differences.AddRange(Compare(record, test.Expected[i], got[i]));
        }

        return new ConfigTestResult(test.Name, differences);
    }

    private static IEnumerable<JsonDifference> Compare(string record, JsonObject expected, JsonObject got)
    {
        // A failure where none is expected is one difference, not one for each field that is not there.
        if (got["error"] is { } error)
        {
            return expected["error"] is { } part && error.ToString().Contains(part.ToString(), StringComparison.Ordinal)
                ? [] : [new JsonDifference($"{record}.error", expected["error"] is { } wanted ? JsonDifferences.Text(wanted) : null, JsonDifferences.Text(error))];
        }

        return expected.SelectMany(field => got.TryGetPropertyValue(field.Key, out var value)
            ? JsonDifferences.Between($"{record}.{field.Key}", field.Value, value)
            : [new JsonDifference($"{record}.{field.Key}", JsonDifferences.Text(field.Value), null)]);
    }
}
