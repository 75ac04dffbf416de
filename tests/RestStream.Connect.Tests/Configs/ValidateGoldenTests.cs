using System.Text.Json;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Configs;

/// <summary>Validation against a running worker of Kafka (golden/connect/validate.json). What the golden README lets differ differs: documentation, more recommended values, texts of the JVM.</summary>
public sealed class ValidateGoldenTests : IDisposable
{
    private static readonly GoldenFile s_file = GoldenFile.Open("validate.json");

    private readonly TestPlugins _plugins = new();

    public static TheoryData<string> Validated => s_file.Ids(golden => golden.Has("config"));

    public static TheoryData<string> Described => s_file.Ids(golden => !golden.Has("config"));

    public void Dispose() => _plugins.Dispose();

    [Theory]
    [MemberData(nameof(Validated))]
    public async Task A_configuration_is_validated_as_Kafka_does(string id)
    {
        var golden = s_file[id];
        var expected = golden.Json.GetProperty("body");
        var config = golden.Config();

        var infos = await Create().ValidateAsync(config, default);

        var differences = new List<string>();
        if (infos.Name != expected.GetProperty("name").GetString())
            differences.Add($"name {infos.Name}");
        var groups = expected.GetProperty("groups").EnumerateArray().Select(g => g.GetString()).ToList();
        if (!groups.SequenceEqual(infos.Groups.SkipLast(1)) || infos.Groups[^1] != "Restarts")
            differences.Add($"groups: expected {string.Join(", ", groups)}, were {string.Join(", ", infos.Groups)}");
        if (infos.ErrorCount != expected.GetProperty("error_count").GetInt32())
            differences.Add($"error_count: expected {expected.GetProperty("error_count")}, was {infos.ErrorCount}: {string.Join(" | ", infos.Configs.SelectMany(c => c.Value.Errors))}");
        var shown = golden.Json.TryGetProperty("show", out var show) && show.ValueKind == JsonValueKind.Array ? show.EnumerateArray().Select(s => s.GetString()!).ToList() : null;
        var found = infos.Configs.Where(c => !IsOurs(c) && shown?.Any(prefix => c.Value.Name.StartsWith(prefix, StringComparison.Ordinal)) != false).ToList();
        var wanted = expected.GetProperty("configs").EnumerateArray().ToList();
        if (!wanted.Select(c => c.GetProperty("value").GetProperty("name").GetString()).SequenceEqual(found.Select(c => c.Value.Name)))
            differences.Add($"names: expected {string.Join(", ", wanted.Select(c => c.GetProperty("value").GetProperty("name").GetString()))}, were {string.Join(", ", found.Select(c => c.Value.Name))}");
        foreach (var (want, have) in wanted.Zip(found))
            differences.AddRange(Compare(want, have));

        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    [Theory]
    [MemberData(nameof(Described))]
    public void A_plugin_is_described_as_Kafka_does(string id)
    {
        var golden = s_file[id];
        var body = golden.Json.GetProperty("body");
        if (golden.Json.GetProperty("status").GetInt32() != 200)
        {
            var refused = Assert.Throws<ConnectRequestException>(() => Create().Describe(golden.Text("plugin"), null));
            Assert.Equal(golden.Json.GetProperty("status").GetInt32(), refused.Status);
            Assert.Equal(body.GetProperty("message").GetString(), refused.Message);
            return;
        }

        var keys = Create().Describe(golden.Text("plugin"), null);

        Assert.Equal(body.EnumerateArray().Select(Summary), keys.Select(Summary));
    }

    [Theory]
    [InlineData("org.apache.kafka.connect.file.FileStreamSourceConnector", 3 + 24)]
    [InlineData("FileStreamSink", 1 + 24)]
    public void A_connector_is_described_by_its_own_settings_then_those_of_every_connector_then_ours(string plugin, int ofKafka)
    {
        var keys = Create().Describe(plugin, null);

        Assert.Equal("file", keys[0].Name);
        Assert.Equal(ofKafka, keys.TakeWhile(key => key.Group != "Restarts").Count());
        Assert.Equal(ConnectorConfig.Ours.Keys.Select(key => key.Name), keys.Skip(ofKafka).Select(key => key.Name));
        Assert.Null(keys.Single(key => key.Name == "key.converter").DefaultValue);
    }

    private static bool IsOurs(ConfigInfo info) => info.Definition?.Group == "Restarts";

    private static IEnumerable<string> Compare(JsonElement want, ConfigInfo have)
    {
        var name = have.Value.Name;
        if (want.GetProperty("definition").ValueKind == JsonValueKind.Null != (have.Definition is null))
            yield return $"{name}: definition";
        else if (have.Definition is not null && Summary(want.GetProperty("definition")) != Summary(have.Definition))
            yield return $"{name}: expected {Summary(want.GetProperty("definition"))}\n was {Summary(have.Definition)}";

        var value = want.GetProperty("value");
        var errors = value.GetProperty("errors").EnumerateArray().Select(e => e.GetString()!).ToList();
        var ofTheJvm = errors.Any(e => e.Contains("class java.", StringComparison.Ordinal) || e.Contains("Cannot invoke", StringComparison.Ordinal) || e.Contains("Invalid regex", StringComparison.Ordinal) || e.Contains("No enum constant", StringComparison.Ordinal));
        if (ofTheJvm ? have.Value.Errors.Count == 0 : !errors.SequenceEqual(have.Value.Errors))
            yield return $"{name}: expected errors {string.Join(" | ", errors)}\n were {string.Join(" | ", have.Value.Errors)}";
        if (!ofTheJvm && value.GetProperty("value").GetString() != have.Value.Value)
            yield return $"{name}: expected value {value.GetProperty("value")}, was {have.Value.Value}";
        if (value.GetProperty("visible").GetBoolean() != have.Value.Visible)
            yield return $"{name}: visible {have.Value.Visible}";
        var missing = value.GetProperty("recommended_values").EnumerateArray().Select(r => r.GetString()).Except(have.Value.RecommendedValues).ToList();
        if (missing.Count > 0)
            yield return $"{name}: not recommended: {string.Join(", ", missing)}";
    }

    private static string Summary(JsonElement key) =>
        $"{key.GetProperty("name")} {key.GetProperty("type")} required={key.GetProperty("required").GetBoolean()} default={key.GetProperty("default_value").GetString() ?? "null"} {key.GetProperty("importance")} "
        + $"group={key.GetProperty("group").GetString() ?? "null"} {key.GetProperty("order_in_group")} {key.GetProperty("width")} '{key.GetProperty("display_name")}' [{string.Join(",", key.GetProperty("dependents").EnumerateArray())}]";

    private static string Summary(ConfigKeyInfo key) =>
        $"{key.Name} {key.Type} required={key.Required} default={key.DefaultValue ?? "null"} {key.Importance} group={key.Group ?? "null"} {key.OrderInGroup} {key.Width} '{key.DisplayName}' [{string.Join(",", key.Dependents)}]";

    private ConnectorValidation Create() =>
        new(_plugins.Catalog, new ConnectOptions(), new ConfigReferences(new ConnectOptions()), new FileRoots(["/"]), new OutboundPolicy([]), TimeProvider.System);
}
