using System.Text.Json;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tests.Golden;

/// <summary>Schemas of golden files: <c>{"type","optional"?,"name"?,"version"?,"doc"?,"parameters"?,"default"?,"fields"?,"keySchema"?,"valueSchema"?}</c>.</summary>
internal static class GoldenSchema
{
    public static Schema? Parse(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null)
            return null;

        var builder = Start(json);
        if (json.TryGetProperty("optional", out var optional) && optional.GetBoolean())
            builder.Optional();
        if (Text(json, "name") is { } name)
            builder.Named(name);
        if (json.TryGetProperty("version", out var version) && version.ValueKind != JsonValueKind.Null)
            builder.WithVersion(version.GetInt32());
        if (Text(json, "doc") is { } doc)
            builder.WithDoc(doc);
        if (json.TryGetProperty("parameters", out var parameters) && parameters.ValueKind != JsonValueKind.Null)
            builder.WithParameters(parameters.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!));
        if (json.TryGetProperty("fields", out var fields))
        {
            foreach (var field in fields.EnumerateArray())
                builder.Field(field.GetProperty("field").GetString()!, Parse(field)!);
        }

        // Last: a default is checked against everything else.
        if (json.TryGetProperty("default", out var defaultValue) && defaultValue.ValueKind != JsonValueKind.Null)
            builder.WithDefault(GoldenValue.Parse(defaultValue, builder.Build()));
        return builder.Build();
    }

    private static SchemaBuilder Start(JsonElement json)
    {
        var type = Enum.Parse<SchemaType>(json.GetProperty("type").GetString()!, ignoreCase: true);
        return type switch
        {
            SchemaType.Array => Member(json, "valueSchema") is { } elements ? SchemaBuilder.Array(elements) : SchemaBuilder.ArrayOfNull(),
            SchemaType.Map => Member(json, "keySchema") is { } keys && Member(json, "valueSchema") is { } values
                ? SchemaBuilder.Map(keys, values)
                : SchemaBuilder.MapOfUnknown(Member(json, "keySchema"), Member(json, "valueSchema")),
            _ => new SchemaBuilder(type),
        };
    }

    private static Schema? Member(JsonElement json, string name) => json.TryGetProperty(name, out var member) ? Parse(member) : null;

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;
}
