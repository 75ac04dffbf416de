using RestStream.Connect.Configs;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Configs;

public sealed class ConnectorValidationTests : IDisposable
{
    private readonly TestPlugins _plugins = new();
    private readonly TempFolder _folder = new();
    private readonly ManualClock _clock = new();
    private readonly ConnectOptions _options = new();

    public ConnectorValidationTests()
    {
        _options.SecretPaths = [_folder.Path];
        File.WriteAllText(_folder["secrets.properties"], "password=canary-from-file\nurl=https://h/canary-in-url\n");
    }

    public void Dispose()
    {
        _plugins.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_unknown_key_is_no_error_but_a_warning_that_says_what_may_be_meant()
    {
        var infos = await Sink(("tabel", "x"), ("taskmax", "2"), ("completely.different", "1"));

        Assert.Equal(0, infos.ErrorCount);
        Assert.DoesNotContain(infos.Configs, config => config.Value.Name == "tabel");
        Assert.Equal("tabel is not known, and not used. Did you mean table?", Warning(infos, "tabel"));
        Assert.Equal("taskmax is not known, and not used. Did you mean tasks.max?", Warning(infos, "taskmax"));
        Assert.Equal("completely.different is not known, and not used.", Warning(infos, "completely.different"));
    }

    [Fact]
    public async Task A_key_that_is_known_and_yet_not_used_is_a_warning()
    {
        var infos = await Sink(("value.converter.schemas.enable", "false"), ("transforms.b.type", "Filter"), ("consumer.override.fetch.min.bytes", "1"), ("topic.creation.default.partitions", "1"), ("headers.x", "fine"));

        Assert.Equal(0, infos.ErrorCount);
        Assert.Contains("because value.converter is not set", Warning(infos, "value.converter.schemas.enable"));
        Assert.Contains("transforms does not name 'b'", Warning(infos, "transforms.b.type"));
        Assert.Contains("has no effect", Warning(infos, "consumer.override.fetch.min.bytes"));
        Assert.Contains("not known", Warning(infos, "topic.creation.default.partitions"));
        Assert.DoesNotContain(infos.Warnings, warning => warning.Name == "headers.x");
    }

    [Fact]
    public async Task An_override_that_a_sink_reads_is_no_warning_and_any_other_is()
    {
        var read = await Sink([.. ClientOverrides.Honoured(isSource: false).Select(key => (key, (string?)"1"))]);
        var others = await Sink(("consumer.override.isolation.level", "read_committed"), ("producer.override.compression.type", "zstd"));

        Assert.Empty(read.Warnings);
        Assert.Equal(["consumer.override.isolation.level", "producer.override.compression.type"], others.Warnings.Where(w => w.Message.Contains("has no effect", StringComparison.Ordinal)).Select(w => w.Name).Order());
    }

    [Fact]
    public async Task Creation_groups_that_are_not_named_are_a_warning()
    {
        var infos = await Create().ValidateAsync(
            new Dictionary<string, string?>
            {
                ["name"] = "c",
                ["connector.class"] = "test.Source",
                ["topic"] = "t",
                ["topic.creation.groups"] = "a",
                ["topic.creation.a.include"] = "x",
                ["topic.creation.default.partitions"] = "1",
                ["topic.creation.b.include"] = "x",
            },
            default);

        Assert.Equal("topic.creation.b.include", Assert.Single(infos.Warnings).Name);
    }

    [Fact]
    public async Task Secrets_are_in_no_part_of_the_answer_and_references_stay_as_they_are_written()
    {
        var infos = await Sink(
            ("check", "error"), ("connection.password", "${file:secrets.properties:password}"), ("connection.url", "${file:secrets.properties:url}"), ("table", "https://u:canary-in-table@h"), ("my.secret", "canary-unknown"),
            ("consumer.override.ssl.key.password", "canary-override"));

        Assert.Equal("[hidden]", Value(infos, "connection.password").Value);
        Assert.Equal("${file:secrets.properties:url}", Value(infos, "connection.url").Value);
        Assert.Equal("https://u:[hidden]@h", Value(infos, "table").Value);
        Assert.Equal("[hidden]", Value(infos, "consumer.override.ssl.key.password").Value);
        Assert.Equal("Table https://u:[hidden]@h is not there; tried [hidden] with [hidden].", Assert.Single(Value(infos, "table").Errors));
        Assert.DoesNotContain("canary", System.Text.Json.JsonSerializer.Serialize(infos));
    }

    [Fact]
    public async Task What_a_check_of_the_connector_finds_is_reported_by_key()
    {
        var infos = await Sink(("check", "choices"));

        Assert.Equal(0, infos.ErrorCount);
        Assert.Equal(["orders", "users"], Value(infos, "table").RecommendedValues);
        Assert.Equal("It is empty.", Warning(infos, "table"));
    }

    [Fact]
    public async Task A_check_is_not_made_while_single_keys_are_wrong()
    {
        var infos = await Sink(("check", "error"), ("tasks.max", "0"));

        Assert.Equal(1, infos.ErrorCount);
        Assert.Empty(Value(infos, "table").Errors);
    }

    [Fact]
    public async Task A_check_that_throws_is_an_error_of_the_configuration_without_secrets()
    {
        var infos = await Sink(("check", "throw"), ("connection.password", "canary-in-url"));

        Assert.Equal("The connector's own check failed: InvalidOperationException: login failed for [hidden]", Assert.Single(Value(infos, "connector.class").Errors));
    }

    [Fact]
    public async Task A_check_that_never_ends_ends_with_the_time_it_has()
    {
        using var entered = new SharedSignal(DatabaseSinkConnector.Entered);
        var validation = Sink(("check", "block"));
        await entered.Task;
        await ArmedAsync(2);

        _clock.Advance(_options.ProbeTimeout);

        Assert.Contains("did not end within 10 s", Assert.Single(Value(await validation, "connector.class").Errors));
    }

    [Fact]
    public async Task A_connector_whose_check_comes_back_too_late_is_closed_behind_it_and_not_before()
    {
        using var late = new SharedSignal(DatabaseSinkConnector.Late);
        using var closed = new SharedSignal(DatabaseSinkConnector.Closed);
        using var entered = new SharedSignal(DatabaseSinkConnector.Entered);
        var validation = Sink(("check", "late"));
        await entered.Task;
        await ArmedAsync(2);

        _clock.Advance(_options.ProbeTimeout);
        await validation;
        Assert.False(closed.Task.IsCompleted);

        late.Set();
        await closed.Task;
    }

    [Theory]
    [InlineData("constructor", "did not say within 10 s what it can be configured with")]
    [InlineData("exactly-once", "did not come back from the check of its configuration within 20 s")]
    public async Task A_connector_that_hangs_before_its_check_is_refused_when_the_time_is_over(string place, string message)
    {
        using var gate = new SharedSignal(HangingSourceConnector.Gate + place);
        using var entered = new SharedSignal(DatabaseSinkConnector.Entered);
        var config = new Dictionary<string, string?> { ["name"] = "c", ["connector.class"] = TestPlugins.HangingSource, ["exactly.once.support"] = "required" };
        var validation = Create();
        var checking = validation.ValidateAsync(config, default);
        await entered.Task;
        await ArmedAsync(place == "constructor" ? 2 : 1);

        _clock.Advance(place == "constructor" ? _options.ProbeTimeout : _options.ProbeTimeout * 2);

        Assert.Contains(message, (await Assert.ThrowsAsync<ConnectRequestException>(() => checking)).Message);
        if (place != "constructor")
            return;

        // It is not waited for again: the looks of the keys decide what is secret.
        Assert.Equal(["password"], validation.SecretKeys(new Dictionary<string, string> { ["connector.class"] = TestPlugins.HangingSource, ["password"] = "x" }));
        await ArmedAsync(0);
    }

    private async Task ArmedAsync(int timers)
    {
        while (_clock.ArmedTimers != timers)
            await Task.Delay(1);
    }

    /// <summary>What a plugin in a load context of its own and its test both see.</summary>
    private sealed class SharedSignal : IDisposable
    {
        private readonly TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly string _name;

        public SharedSignal(string name) => AppContext.SetData(_name = name, _signal);

        public Task Task => _signal.Task;

        public void Set() => _signal.TrySetResult();

        public void Dispose()
        {
            Set();
            AppContext.SetData(_name, null);
        }
    }

    [Theory]
    [InlineData("connection.password", "[hidden]")]
    [InlineData("connection.url", "https://u:[hidden]@h")]
    public async Task A_mask_that_stands_for_nothing_is_refused(string key, string value)
    {
        var infos = await Sink((key, value));

        Assert.Contains("Send the value itself", Assert.Single(Value(infos, key).Errors));
    }

    [Theory]
    [InlineData("consumer.override.group.id", "mine", null)]
    [InlineData("producer.override.linger.ms", "5", null)]
    [InlineData("producer.override.sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required password=\"p\";", null)]
    [InlineData("producer.override.nope", "x", "The 'All' policy does not allow 'nope' to be overridden in the connector configuration.")]
    [InlineData("producer.override.sasl.jaas.config", "com.sun.security.auth.module.JndiLoginModule required user.provider.url=\"ldap://evil\";", "The 'All' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration.")]
    [InlineData("consumer.override.interceptor.classes", "a.B", "The 'All' policy does not allow 'interceptor.classes' to be overridden in the connector configuration.")]
    [InlineData("admin.override.metric.reporters", "a.B", "The 'All' policy does not allow 'metric.reporters' to be overridden in the connector configuration.")]
    [InlineData("consumer.override.group.id", "connect-cluster", "Consumer group connect-cluster conflicts with Connect worker group connect-cluster")]
    public async Task Client_overrides_are_those_of_Kafkas_clients_that_load_no_code(string key, string value, string? error)
    {
        var infos = await Sink((key, value));

        Assert.Equal(error is null ? [] : [error], Value(infos, key).Errors);
    }

    [Theory]
    [InlineData("None", "producer.override.acks", "The 'None' policy does not allow 'acks' to be overridden in the connector configuration.")]
    [InlineData("Principal", "producer.override.acks", "The 'Principal' policy does not allow 'acks' to be overridden in the connector configuration.")]
    [InlineData("principal", "producer.override.sasl.mechanism", null)]
    [InlineData("acks, linger.ms", "producer.override.acks", null)]
    [InlineData("Allowlist:acks", "producer.override.batch.size", "The 'Allowlist' policy does not allow 'batch.size' to be overridden in the connector configuration.")]
    public async Task The_policy_of_the_worker_decides_about_client_overrides(string policy, string key, string? error)
    {
        _options.ClientOverrides = policy;

        var infos = await Sink((key, "1"));

        Assert.Equal(error is null ? [] : [error], Value(infos, key).Errors);
    }

    [Fact]
    public void A_policy_that_allows_what_loads_code_stops_the_start() =>
        Assert.Contains("'interceptor.classes' is none", Assert.Throws<ConnectException>(() => new ClientOverrides(new ConnectOptions { ClientOverrides = "acks,interceptor.classes" })).Message);

    [Fact]
    public async Task A_client_override_of_the_wrong_type_is_a_bad_request()
    {
        var refused = await Assert.ThrowsAsync<ConnectRequestException>(() => Sink(("producer.override.linger.ms", "x")));

        Assert.Equal((400, "Invalid value x for configuration linger.ms: Not a number of type LONG"), (refused.Status, refused.Message));
    }

    [Theory]
    [InlineData("System.Diagnostics.Process")]
    [InlineData("System.Diagnostics.Process, System.Diagnostics.Process, Version=10.0.0.0")]
    [InlineData("../../evil.dll")]
    [InlineData("JsonConverter")]
    public async Task Only_registered_connectors_are_a_connector_class(string name)
    {
        var refused = await Assert.ThrowsAsync<ConnectRequestException>(() => Create().ValidateAsync(new Dictionary<string, string?> { ["name"] = "c", ["connector.class"] = name }, default));

        Assert.Equal(400, refused.Status);
        Assert.StartsWith($"Failed to find any class that implements Connector and which name matches {name}, available connectors are: ", refused.Message);
    }

    [Fact]
    public async Task A_configuration_without_class_is_a_bad_request_that_shows_no_secrets()
    {
        var refused = await Assert.ThrowsAsync<ConnectRequestException>(() => Create().ValidateAsync(new Dictionary<string, string?> { ["name"] = "x", ["db.password"] = "canary", ["url"] = "http://a:canary@b" }, default));

        Assert.Equal((400, "Connector config {name=x, db.password=[hidden], url=http://a:[hidden]@b} contains no connector type"), (refused.Status, refused.Message));
    }

    [Fact]
    public async Task A_reference_that_cannot_be_read_is_a_bad_request()
    {
        var refused = await Assert.ThrowsAsync<ConnectRequestException>(() => Sink(("table", "${file:nope.properties:k}")));

        Assert.Equal(400, refused.Status);
        Assert.StartsWith("Could not read properties from file nope.properties", refused.Message);
    }

    [Fact]
    public async Task A_reference_that_leads_nowhere_is_a_warning() =>
        Assert.Contains("${env:HOME} refers to nothing", Warning(await Sink(("table", "${env:HOME}")), "table"));

    [Fact]
    public async Task The_newest_version_that_is_allowed_is_used_and_one_that_is_not_there_is_an_error_on_class_and_version()
    {
        var range = await Sink(("connector.plugin.version", "[2.0,3.0)"));
        var missing = await Sink(("connector.plugin.version", "1.0"));

        Assert.Equal(TestPlugins.Version, range.Configs.Single(c => c.Value.Name == "connector.plugin.version").Definition!.DefaultValue);
        Assert.Equal([TestPlugins.Version, TestPlugins.OtherVersion], Value(range, "connector.plugin.version").RecommendedValues);
        var error = $"Plugin test.DatabaseSink not found that matches the version range [1.0,1.0], available versions: [{TestPlugins.Version}, {TestPlugins.OtherVersion}]";
        Assert.Equal(2, missing.ErrorCount);
        Assert.Equal(error, Assert.Single(Value(missing, "connector.class").Errors));
        Assert.Equal(error, Assert.Single(Value(missing, "connector.plugin.version").Errors));
    }

    [Fact]
    public async Task A_version_of_a_transform_that_is_not_there_is_an_error_on_its_type_and_its_version()
    {
        var infos = await Sink(("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.plugin.version", "9.9"));

        Assert.Equal(["transforms.a.type", "transforms.a.plugin.version"], infos.Configs.Where(c => c.Value.Errors.Count > 0).Select(c => c.Value.Name));
    }

    [Theory]
    [InlineData("topics", "", "Must configure one of topics or topics.regex")]
    [InlineData("errors.deadletterqueue.topic.name", "t", "The DLQ topic 't' may not be included in the list of topics ('topics=[t]') consumed by the connector")]
    public async Task A_sink_reads_from_topics_that_are_named_and_not_its_own_dead_letters(string key, string value, string error) =>
        Assert.Contains(error, Value(await Sink((key, value)), "topics").Errors);

    [Fact]
    public async Task A_pattern_of_topics_may_not_match_the_dead_letter_topic_and_must_be_one()
    {
        var matching = await Sink(("topics", null), ("topics.regex", "a.*"), ("errors.deadletterqueue.topic.name", "aa"));
        var broken = await Sink(("topics", null), ("topics.regex", "("));

        Assert.Contains("The DLQ topic 'aa' may not be matched by the regex for the topics ('topics.regex=a.*') consumed by the connector", Value(matching, "topics.regex").Errors);
        Assert.StartsWith("Invalid value ( for configuration topics.regex: Invalid regex: ", Assert.Single(Value(broken, "topics.regex").Errors));
    }

    [Fact]
    public async Task A_sink_whose_group_is_the_workers_is_refused()
    {
        var infos = await Sink(("name", "cluster"));

        Assert.Equal("Consumer group connect-cluster conflicts with Connect worker group connect-cluster", Assert.Single(Value(infos, "name").Errors));
    }

    [Fact]
    public async Task Exactly_once_and_boundaries_are_asked_of_the_source()
    {
        var config = new Dictionary<string, string?> { ["name"] = "c", ["connector.class"] = "test.Source", ["topic"] = "t", ["exactly.once.support"] = "required", ["transaction.boundary"] = "connector" };

        var infos = await Create().ValidateAsync(config, default);

        Assert.StartsWith("The connector does not implement the API required", Assert.Single(Value(infos, "exactly.once.support").Errors));
        Assert.StartsWith("The connector does not support connector-defined transaction boundaries", Assert.Single(Value(infos, "transaction.boundary").Errors));
    }

    [Fact]
    public async Task Settings_of_ours_come_last_and_are_checked()
    {
        var infos = await Sink(("restart.policy", "always"));

        Assert.Equal("Restarts", infos.Groups[^1]);
        Assert.Equal(["restart.policy", "restart.backoff.initial.ms", "restart.backoff.max.ms", "restart.healthy.ms"], infos.Configs.TakeLast(4).Select(c => c.Value.Name));
        Assert.Equal("Invalid value always for configuration restart.policy: String must be one of: on-failure, never", Assert.Single(Value(infos, "restart.policy").Errors));
    }

    [Fact]
    public void Secret_keys_are_those_of_all_plugins_of_a_configuration_and_what_looks_like_one()
    {
        var config = new Dictionary<string, string>
        {
            ["connector.class"] = "test.DatabaseSink",
            ["connection.password"] = "x",
            ["table"] = "t",
            ["consumer.override.ssl.key.password"] = "x",
            ["consumer.override.group.id"] = "g",
            ["stray.token"] = "x",
        };

        Assert.Equal(["connection.password", "consumer.override.ssl.key.password", "stray.token"], Create().SecretKeys(config).Order());
        Assert.Equal(["connection.password", "stray.token"], Create().SecretKeys(new Dictionary<string, string> { ["connector.class"] = "gone", ["connection.password"] = "x", ["stray.token"] = "x" }).Order());
    }

    [Theory]
    [InlineData("nope", null, 404, "Unknown plugin nope.")]
    [InlineData("test.DatabaseSink", "1.0", 400, "Plugin test.DatabaseSink not found that matches the version range [1.0,1.0], available versions: [2.5.0, 9.9.0]")]
    public void A_plugin_that_is_not_there_is_not_described(string plugin, string? version, int status, string message)
    {
        var refused = Assert.Throws<ConnectRequestException>(() => Create().Describe(plugin, version));

        Assert.Equal((status, message), (refused.Status, refused.Message));
    }

    private static ConfigValueInfo Value(ConfigInfos infos, string name) => infos.Configs.Single(config => config.Value.Name == name).Value;

    private static string Warning(ConfigInfos infos, string name) => infos.Warnings.Single(warning => warning.Name == name).Message;

    private Task<ConfigInfos> Sink(params (string Key, string? Value)[] settings)
    {
        var config = new Dictionary<string, string?> { ["name"] = "c", ["connector.class"] = TestPlugins.DatabaseSink, ["topics"] = "t" };
        foreach (var (key, value) in settings)
        {
            if (value is null)
                config.Remove(key);
            else
                config[key] = value;
        }

        return Create().ValidateAsync(config, default);
    }

    private ConnectorValidation Create() => new(_plugins.Catalog, _options, new ConfigReferences(_options), new FileRoots([_folder.Path]), new OutboundPolicy([]), _clock);
}
