using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.ConfigTests;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tests.Plugins;

namespace RestStream.Connect.Tests.ConfigTests;

public sealed class ConfigTestTests : IDisposable
{
    private readonly TempFolder _folder = new("config-test");

    public ConfigTestTests()
    {
        // Listing loads nothing, and a test of a configuration makes no connector.
        Directory.CreateDirectory(_folder["plugins/acme"]);
        File.WriteAllText(_folder["plugins/acme/Acme.dll"], "");
        PluginBuilder.Manifest(_folder["plugins/acme"], "1", "Acme", ("com.acme.Source", "source", "A"), ("com.acme.Sink", "sink", "B"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_a_sink_the_bytes_of_the_topic_go_in_and_what_the_task_gets_comes_out()
    {
        var result = Run(
            """
            { "connector.class": "com.acme.Sink", "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "JsonConverter", "value.converter.schemas.enable": "true",
              "transforms": "route", "transforms.route.type": "RegexRouter", "transforms.route.regex": "(.*)", "transforms.route.replacement": "new-$1" }
            """,
            """[{ "topic": "t", "key": "k", "value": { "schema": { "type": "int32", "optional": false }, "payload": 5 }, "headers": [{ "key": "h", "value": "17" }], "timestamp": 9 }]""",
            """
            [{ "topic": "new-t", "key": "k", "keySchema": { "type": "string", "optional": true }, "value": 5, "valueSchema": { "type": "int32", "optional": false },
               "headers": [{ "key": "h", "value": 17, "schema": { "type": "int8", "optional": false } }], "timestamp": 9, "partition": 0 }]
            """);

        Assert.Equal([], result.Differences);
    }

    [Fact]
    public void Of_a_source_what_the_task_makes_goes_in_and_the_bytes_of_the_topic_come_out()
    {
        var result = Run(
            """
            { "connector.class": "com.acme.Source", "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "JsonConverter", "value.converter.schemas.enable": "false",
              "transforms": "key,id", "transforms.key.type": "ValueToKey", "transforms.key.fields": "id", "transforms.id.type": "org.apache.kafka.connect.transforms.ExtractField$Key", "transforms.id.field": "id" }
            """,
            """
            [{ "topic": "t", "valueSchema": { "type": "struct", "fields": [{ "field": "id", "type": "int64" }, { "field": "name", "type": "string", "optional": true }] }, "value": { "id": 7, "name": null } }]
            """,
            """[{ "topic": "t", "key": "7", "value": { "id": 7, "name": null }, "headers": [], "partition": null }]""");

        Assert.Equal([], result.Differences);
    }

    [Fact]
    public void Dropped_records_are_left_out_and_failures_are_compared_by_a_part_of_their_message()
    {
        var result = Run(
            """
            { "connector.class": "com.acme.Sink", "value.converter": "JsonConverter", "value.converter.schemas.enable": "false", "transforms": "drop", "transforms.drop.type": "Filter",
              "transforms.drop.predicate": "gone", "predicates": "gone", "predicates.gone.type": "RecordIsTombstone" }
            """,
            """[{ "topic": "t", "value": null }, { "topic": "t", "value": { "$bytes": "ey" } }, { "topic": "t", "value": { "$bytes": "e30=" } }]""".Replace("\"ey\"", "\"ew==\"", StringComparison.Ordinal),
            """[{ "error": "serialization error" }, { "value": {} }]""");

        Assert.Equal([], result.Differences);
    }

    [Theory]
    [InlineData("""[{ "topic": "other" }]""", "record 1.topic", "\"other\"", "\"t\"")]
    [InlineData("""[{ "value": { "a": 1, "b": [1, 2] } }]""", "record 1.value.b[1]", "2", "3")]
    [InlineData("""[{ "value": { "a": 1.0, "b": [1] } }]""", "record 1.value.b[1]", null, "3")]
    [InlineData("""[{ "value": { "b": [1, 3] } }]""", "record 1.value.a", null, "1")]
    [InlineData("""[{ "value": { "a": 1, "b": [1, 3] } }, { "value": null }]""", "record 2", "{\"value\":null}", null)]
    [InlineData("""[{ "error": "x" }]""", "record 1.error", "\"x\"", null)]
    [InlineData("""[{ "typo": 1 }]""", "record 1.typo", "1", null)]
    public void A_difference_says_where_it_is(string expected, string path, string? wanted, string? got)
    {
        var result = Run("""{ "connector.class": "com.acme.Sink", "value.converter": "JsonConverter", "value.converter.schemas.enable": "false" }""", """[{ "topic": "t", "value": { "a": 1, "b": [1, 3] } }]""", expected);

        Assert.Equal([new JsonDifference(path, wanted, got)], result.Differences);
    }

    [Fact]
    public void The_configuration_may_be_a_file_of_its_own_in_the_form_in_which_it_is_posted()
    {
        File.WriteAllText(_folder["connector.json"], """{ "name": "c", "config": { "connector.class": "com.acme.Sink", "tasks.max": 1 } }""");
        File.WriteAllText(_folder["test.json"], """{ "config": "connector.json", "input": [{ "topic": "t", "value": "x" }], "expected": [{ "value": "x" }] }""");

        var file = ConfigTestFile.Read(_folder["test.json"]);

        Assert.Equal("1", file.Config["tasks.max"]);
        Assert.Equal([], Assert.Single(ConfigTestRun.Run(Catalog(), file)).Differences);
    }

    [Theory]
    [InlineData("[]", "it must be a JSON object")]
    [InlineData("{", "it is no JSON")]
    [InlineData("""{ "input": [], "expected": [] }""", "\"config\" must be")]
    [InlineData("""{ "config": {}, "input": [] }""", "\"expected\" must be a list")]
    [InlineData("""{ "config": {}, "tests": [1] }""", "each of \"tests\"")]
    [InlineData("""{ "config": {}, "input": [1], "expected": [] }""", "each of \"input\"")]
    public void A_file_that_is_none_is_refused(string text, string message)
    {
        File.WriteAllText(_folder["test.json"], text);

        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => ConfigTestFile.Read(_folder["test.json"])).Message);
    }

    private PluginCatalog Catalog() => PluginCatalog.Open([_folder["plugins"]], NullLogger.Instance);

    private ConfigTestResult Run(string config, string input, string expected)
    {
        File.WriteAllText(_folder["test.json"], $$"""{ "config": {{config}}, "input": {{input}}, "expected": {{expected}} }""");
        return Assert.Single(ConfigTestRun.Run(Catalog(), ConfigTestFile.Read(_folder["test.json"])));
    }
}
