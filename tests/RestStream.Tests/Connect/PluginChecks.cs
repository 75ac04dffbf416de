namespace RestStream.Tests.Connect;

/// <summary>Checks 25 to 28: plugins, their settings, validation.</summary>
[Collection(ConnectChecks.Name)]
public class PluginChecks(ConnectFixture fixture)
{
    private const string FileSource = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    private const string FileSink = "org.apache.kafka.connect.file.FileStreamSinkConnector";

    private readonly ConnectServer _connect = fixture.Connect;

    [Fact]
    public async Task Check_25_Connectors_are_listed_with_type_and_version_and_the_rest_on_request()
    {
        var connectors = (await _connect.GetAsync("connector-plugins")).Json.EnumerateArray().ToList();
        var all = (await _connect.GetAsync("connector-plugins/?connectorsOnly=false")).Json.EnumerateArray().ToList();
        var true1 = (await _connect.GetAsync("connector-plugins?connectorsOnly=true")).Json.EnumerateArray().ToList();

        Assert.Contains(connectors, p => p.ToString() == $$"""{"class":"{{FileSource}}","type":"source","version":"4.3.1"}""");
        Assert.Contains(connectors, p => p.ToString() == $$"""{"class":"{{FileSink}}","type":"sink","version":"4.3.1"}""");
        Assert.Contains(connectors, p => p.ToString() == """{"class":"test.MonitorableSourceConnector","type":"source","version":"1.2.3"}""");
        Assert.All(connectors, p => Assert.Contains(p.GetProperty("type").GetString(), new[] { "source", "sink" }));
        Assert.Equal(connectors.Select(p => p.ToString()), true1.Select(p => p.ToString()));
        Assert.Equal(["converter", "header_converter", "predicate", "sink", "source", "transformation"], all.Select(p => p.GetProperty("type").GetString()!).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(all.Count, all.Select(p => p.ToString()).Distinct().Count());
        Assert.Equal(2, all.Count(p => p.GetProperty("class").GetString() == "org.apache.kafka.connect.storage.StringConverter"));
    }

    [Theory]
    [InlineData("FileStreamSource", 3, 24)]
    [InlineData("FileStreamSourceConnector", 3, 24)]
    [InlineData(FileSource, 3, 24)]
    [InlineData("FileStreamSink", 1, 24)]
    public async Task Check_26_The_settings_of_a_connector_are_its_own_and_then_those_of_the_framework(string plugin, int own, int framework)
    {
        var keys = (await _connect.GetAsync($"connector-plugins/{plugin}/config")).Json.EnumerateArray().ToList();

        var names = keys.Select(k => k.GetProperty("name").GetString()!).ToList();
        Assert.Equal("file", names[0]);
        Assert.Equal("name", names[own]);
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.True(names.Count >= own + framework, $"{names.Count} settings: {string.Join(' ', names)}");
        Assert.All(keys, k => Assert.Equal(
            ["default_value", "dependents", "display_name", "documentation", "group", "importance", "name", "order_in_group", "required", "type", "width"],
            k.EnumerateObject().Select(m => m.Name).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("org.apache.kafka.connect.transforms.Cast$Value", "spec")]
    [InlineData("JsonConverter", "converter.type")]
    [InlineData("org.apache.kafka.connect.transforms.predicates.TopicNameMatches", "pattern")]
    public async Task Check_26_Every_kind_of_plugin_has_settings(string plugin, string key)
    {
        var keys = await _connect.GetAsync($"connector-plugins/{Uri.EscapeDataString(plugin)}/config");

        Assert.Equal(200, keys.Status);
        Assert.Contains(keys.Json.EnumerateArray(), k => k.GetProperty("name").GetString() == key);
    }

    [Fact]
    public async Task Check_26_An_unknown_plugin_is_404_and_an_unknown_version_400()
    {
        var plugin = await _connect.GetAsync("connector-plugins/nope/config");
        var version = await _connect.GetAsync("connector-plugins/FileStreamSource/config?version=9.9");

        Assert.Equal("404 Unknown plugin nope.", $"{plugin.Status} {plugin.Message}");
        Assert.Equal(400, version.Status);
        Assert.Equal(200, (await _connect.GetAsync("connector-plugins/FileStreamSource/config?version=4.3.1")).Status);
    }

    [Theory]
    [InlineData(FileSource, FileSource)]
    [InlineData("FileStreamSourceConnector", FileSource)]
    [InlineData("FileStreamSource", FileSource)]
    [InlineData("FileStreamSource", "FileStreamSource")]
    [InlineData("Source", "FileStreamSource")]
    public async Task Check_27_A_configuration_is_validated_by_any_name_of_its_class(string plugin, string connectorClass)
    {
        var valid = await ValidateAsync(plugin, new() { ["name"] = "x", ["connector.class"] = connectorClass, ["topic"] = "t", ["file"] = "f" });

        Assert.True(valid.Status == 200, valid.ToString());
        Assert.Equal(0, valid.Json.GetProperty("error_count").GetInt32());
        Assert.Equal(connectorClass, valid.Json.GetProperty("name").GetString());
        var groups = valid.Json.GetProperty("groups").EnumerateArray().Select(g => g.GetString());
        Assert.Equal(["Common", "Transforms", "Predicates", "Error Handling", "Topic Creation", "Exactly Once Support", "offsets.topic"], groups.Take(7));
    }

    [Fact]
    public async Task Check_27_Another_class_than_that_of_the_path_is_refused_as_are_none_and_an_unknown_one()
    {
        var other = await ValidateAsync("FileStreamSink", new() { ["name"] = "x", ["connector.class"] = "FileStreamSource", ["topic"] = "t" });
        var none = await ValidateAsync("FileStreamSource", new() { ["name"] = "x" });
        var unknown = await ValidateAsync("Nope", new() { ["name"] = "x", ["connector.class"] = "Nope" });

        Assert.Equal("400 Included connector type FileStreamSource does not match request type FileStreamSink", $"{other.Status} {other.Message}");
        Assert.Equal("400 Connector config {name=x} contains no connector type", $"{none.Status} {none.Message}");
        Assert.Equal(400, unknown.Status);
        Assert.Contains("Failed to find any class that implements Connector and which name matches Nope, available connectors are: ", unknown.Message);
    }

    /// <summary>Kafka's ConnectorValidationIntegrationTest.</summary>
    [Theory]
    [InlineData(2, "topics", null)]
    [InlineData(2, "topics.regex", "a.*")]
    [InlineData(1, "errors.deadletterqueue.topic.name", "t")]
    [InlineData(1, "consumer.override.group.id", "connect-cluster")]
    [InlineData(1, "transforms.a.type=org.apache.kafka.connect.transforms.DropHeaders transforms.a.headers=x transforms", "a,a")]
    [InlineData(1, "predicates.p.type=org.apache.kafka.connect.transforms.predicates.RecordIsTombstone predicates", "p,p")]
    [InlineData(1, "key.converter", "Nope")]
    [InlineData(1, "value.converter", FileSource)]
    [InlineData(1, "header.converter", "Nope")]
    [InlineData(1, "tasks.max", "0")]
    [InlineData(1, "errors.tolerance", "some")]
    [InlineData(1, "transforms=a transforms.a.type", "Nope")]
    [InlineData(1, "transforms=a transforms.a.type", "org.apache.kafka.connect.storage.StringConverter")]
    [InlineData(1, "predicates=p predicates.p.type", "Nope")]
    [InlineData(1, "transforms=a transforms.a.type=org.apache.kafka.connect.transforms.DropHeaders transforms.a.headers=x transforms.a.negate", "true")]
    [InlineData(1, "value.converter=org.apache.kafka.connect.json.JsonConverter value.converter.schemas.enable", "maybe")]
    [InlineData(0, "value.converter=org.apache.kafka.connect.storage.StringConverter value.converter.x", "y")]
    public async Task Check_28_The_errors_of_a_sink_are_counted(int errors, string keys, string? last)
    {
        var config = new Dictionary<string, string> { ["name"] = "x", ["connector.class"] = "FileStreamSink", ["topics"] = "t", ["file"] = "f" };
        var parts = keys.Split(' ');
        foreach (var part in parts[..^1])
            config[part.Split('=')[0]] = part.Split('=')[1];
        config.Remove(parts[^1]);
        if (last is not null)
            config[parts[^1]] = last;

        var validated = await ValidateAsync("FileStreamSink", config);

        Assert.True(validated.Status == 200, validated.ToString());
        Assert.True(validated.Json.GetProperty("error_count").GetInt32() == errors, string.Join('\n', Errors(validated)));
        Assert.Equal(errors, Errors(validated).Count());
    }

    [Fact]
    public async Task Check_28_A_dead_letter_topic_may_not_match_the_topics_that_are_read()
    {
        var validated = await ValidateAsync("FileStreamSink", new()
        {
            ["name"] = "x",
            ["connector.class"] = "FileStreamSink",
            ["file"] = "f",
            ["topics.regex"] = "a.*",
            ["errors.deadletterqueue.topic.name"] = "aa",
        });

        Assert.Equal("The DLQ topic 'aa' may not be matched by the regex for the topics ('topics.regex=a.*') consumed by the connector", Assert.Single(Errors(validated)).Split(": ", 2)[1]);
    }

    [Fact]
    public async Task Check_28_Duplicate_topic_creation_groups_and_exactly_once_are_checked_for_a_source()
    {
        var groups = await ValidateAsync("FileStreamSource", new() { ["name"] = "x", ["connector.class"] = "FileStreamSource", ["topic"] = "t", ["file"] = "f", ["topic.creation.groups"] = "a,a", ["topic.creation.default.replication.factor"] = "1", ["topic.creation.default.partitions"] = "1" });
        var boundary = await ValidateAsync("FileStreamSource", new() { ["name"] = "x", ["connector.class"] = "FileStreamSource", ["topic"] = "t", ["file"] = "f", ["transaction.boundary"] = "connector" });

        Assert.Equal(1, groups.Json.GetProperty("error_count").GetInt32());
        Assert.Equal(1, boundary.Json.GetProperty("error_count").GetInt32());
    }

    [Fact]
    public async Task A_key_that_nobody_reads_is_a_warning_with_what_may_be_meant()
    {
        var validated = await ValidateAsync("FileStreamSource", new() { ["name"] = "x", ["connector.class"] = "FileStreamSource", ["topic"] = "t", ["file"] = "f", ["batch.sise"] = "7" });

        var warning = Assert.Single(validated.Json.GetProperty("warnings").EnumerateArray());
        Assert.Equal("batch.sise", warning.GetProperty("name").GetString());
        Assert.Contains("batch.size", warning.GetProperty("message").GetString());
        Assert.Equal(0, validated.Json.GetProperty("error_count").GetInt32());
    }

    [Fact]
    public async Task A_rescan_answers_what_came() => Assert.Equal("200 []", (await _connect.PostAsync("connector-plugins/rescan")).ToString());

    private Task<Answer> ValidateAsync(string plugin, Dictionary<string, string> config) => _connect.PutAsync($"connector-plugins/{plugin}/config/validate", config);

    private static IEnumerable<string> Errors(Answer validated) => validated.Json.GetProperty("configs").EnumerateArray()
        .SelectMany(c => c.GetProperty("value").GetProperty("errors").EnumerateArray().Select(e => $"{c.GetProperty("value").GetProperty("name")}: {e}"));
}
