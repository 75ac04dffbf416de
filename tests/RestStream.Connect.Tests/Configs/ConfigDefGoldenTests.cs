using System.Text.Json;
using RestStream.Connect.Config;
using RestStream.Connect.Tests.Golden;
using RestStream.Connect.Transforms.Patterns;

namespace RestStream.Connect.Tests.Configs;

/// <summary>ConfigDef against Kafka's own (golden/connect/configdef.json).</summary>
public class ConfigDefGoldenTests
{
    private static readonly GoldenFile s_file = GoldenFile.Open("configdef.json");

    public static TheoryData<string> Cases => s_file.Ids();

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_definition_does_what_Kafkas_does(string id)
    {
        var golden = s_file[id];
        object? found = null;
        var error = Record.Exception(() => found = Run(golden));

        if (golden.Error is { } expected)
            Assert.Null(expected.Difference(error));
        else if (error is not null)
            Assert.Fail($"{id}: {error}");
        else
            Assert.Equal(Canonical(golden.Json.GetProperty("output")), Canonical(JsonSerializer.SerializeToElement(found)));
    }

    private static object? Run(GoldenCase golden)
    {
        switch (golden.Text("op"))
        {
            case "parseType":
                return Tagged(ConfigDef.ParseType("key", Untagged(golden.Json.GetProperty("value")), Type(golden.Text("type"))));
            case "convertToString":
                return ConfigDef.ToText(Untagged(golden.Json.GetProperty("value")));
            case "describe":
                return Validator(golden.Json.GetProperty("validator")).ToString();
            case "validator":
                Validator(golden.Json.GetProperty("validator")).EnsureValid("key", Untagged(golden.Json.GetProperty("value")));
                return "ok";
            case "parse":
                var definition = Definition(golden.Json.GetProperty("definition"));
                var parsed = definition.Parse(golden.Config());
                return definition.Keys.ToDictionary(key => key.Name, key => Tagged(parsed[key.Name]));
            default:
                return Definition(golden.Json.GetProperty("definition")).Validate(golden.Config()).Values.OrderBy(value => value.Name, StringComparer.Ordinal).Select(value => new
                {
                    name = value.Name,
                    value = Tagged(value.Parsed),
                    recommended_values = value.Recommended,
                    errors = value.Errors,
                    visible = value.IsVisible,
                }).ToList();
        }
    }

    private static ConfigType Type(string name) => Enum.Parse<ConfigType>(name, ignoreCase: true);

    private static ConfigDef Definition(JsonElement json)
    {
        var definition = new ConfigDef();
        foreach (var key in json.EnumerateArray())
        {
            definition.Define(new ConfigKey(key.GetProperty("name").GetString()!, Type(key.GetProperty("type").GetString()!))
            {
                HasDefault = key.TryGetProperty("default", out var byDefault),
                Default = byDefault.ValueKind == JsonValueKind.Undefined ? null : Untagged(byDefault),
                Validator = key.TryGetProperty("validator", out var validator) ? Validator(validator) : null,
                Dependents = key.TryGetProperty("dependents", out var dependents) ? [.. dependents.EnumerateArray().Select(d => d.GetString()!)] : [],
                Recommender = key.TryGetProperty("recommender", out var recommender) ? new GoldenRecommender(recommender) : null,
            });
        }

        return definition;
    }

    private static ConfigValidator Validator(JsonElement json)
    {
        string[] values = json.TryGetProperty("values", out var v) ? [.. v.EnumerateArray().Select(word => word.GetString()!)] : [];
        return json.GetProperty("kind").GetString() switch
        {
            "Range" when Number(json, "min") is double or null && Number(json, "max") is double or null => Number(json, "max") is double max
                ? ConfigValidator.Between((double)Number(json, "min")!, max) : ConfigValidator.AtLeast((double)Number(json, "min")!),
            "Range" => Number(json, "max") is long max ? ConfigValidator.Between((long)Number(json, "min")!, max) : ConfigValidator.AtLeast((long)Number(json, "min")!),
            "ValidString" => ConfigValidator.In(values),
            "CaseInsensitiveValidString" => ConfigValidator.InIgnoringCase(values),
            "ValidList" => ConfigValidator.ListOf(Flag(json, "emptyAllowed", true), Flag(json, "nullAllowed", false), values),
            "NonEmptyString" => ConfigValidator.NonEmpty(),
            "NonNull" => ConfigValidator.NonNull(),
            "NonEmptyStringWithoutControlChars" => ConfigValidator.NonEmptyWithoutControlCharacters(),
            "NonEmptyList" => ConfigValidator.NonEmptyList(),
            "Composite" => ConfigValidator.All([.. json.GetProperty("of").EnumerateArray().Select(Validator)]),
            "Regex" => new JavaRegexText(),
            var other => throw new InvalidOperationException($"no validator {other}"),
        };
    }

    private static object? Number(JsonElement json, string name) => !json.TryGetProperty(name, out var number) ? null : number.TryGetInt64(out var whole) ? (object)whole : number.GetDouble();

    private static bool Flag(JsonElement json, string name, bool byDefault) => json.TryGetProperty(name, out var flag) ? flag.GetBoolean() : byDefault;

    /// <summary>A whole number is an int when it fits, else a long (golden/README.md).</summary>
    private static object? Untagged(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number when json.TryGetInt32(out var i) => i,
        JsonValueKind.Number when json.TryGetInt64(out var l) => l,
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.Array => json.EnumerateArray().Select(e => e.GetString()!).ToList(),
        _ when json.TryGetProperty("$password", out var secret) => new ConfigSecret(secret.GetString()!),
        _ => throw new InvalidOperationException(json.GetRawText()),
    };

    private static object? Tagged(object? value) => value switch
    {
        ConfigSecret secret => new Dictionary<string, object?> { ["$password"] = secret.Value },
        double d when !double.IsFinite(d) => new Dictionary<string, object?> { ["$float64"] = double.IsNaN(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity" },
        _ => value,
    };

    /// <summary>Text that is equal when the values are: 1.0 and 1 alike, a parsed class is its name.</summary>
    private static string Canonical(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number => json.GetDouble().ToString("R", System.Globalization.CultureInfo.InvariantCulture),
        JsonValueKind.Array => "[" + string.Join(",", json.EnumerateArray().Select(Canonical)) + "]",
        JsonValueKind.String => $"\"{json.GetString()}\"",
        JsonValueKind.Object when json.TryGetProperty("$class", out var name) => Canonical(name),
        JsonValueKind.Object => "{" + string.Join(",", json.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}:{Canonical(p.Value)}")) + "}",
        _ => json.GetRawText(),
    };

    private sealed class GoldenRecommender(JsonElement json) : ConfigRecommender
    {
        public override IReadOnlyList<object?> ValidValues(string name, IReadOnlyDictionary<string, object?> parsed)
        {
            if (json.TryGetProperty("values", out var values))
                return [.. values.EnumerateArray().Select(Untagged)];
            return json.TryGetProperty("valuesWhen", out var when) && when.TryGetProperty(Depended(parsed), out var chosen) ? [.. chosen.EnumerateArray().Select(Untagged)] : [];
        }

        public override bool IsVisible(string name, IReadOnlyDictionary<string, object?> parsed) => !json.TryGetProperty("visibleWhen", out var when) || when.GetString() == Depended(parsed);

        private string Depended(IReadOnlyDictionary<string, object?> parsed) => RestStream.Connect.Data.Values.ToText(parsed.GetValueOrDefault(json.GetProperty("key").GetString()!));
    }
}
