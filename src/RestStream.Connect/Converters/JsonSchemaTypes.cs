using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>What types are called in envelopes: as in Kafka, but <c>float</c> and <c>double</c>.</summary>
internal static class JsonSchemaTypes
{
    private static readonly Dictionary<string, SchemaType> s_types = Enum.GetValues<SchemaType>().ToDictionary(Name);

    public static string Name(SchemaType type) => type switch
    {
        SchemaType.Float32 => "float",
        SchemaType.Float64 => "double",
        _ => type.ToString().ToLowerInvariant(),
    };

    /// <exception cref="DataException">There is no such type.</exception>
    public static SchemaType Parse(string name) => s_types.TryGetValue(name, out var type) ? type : throw new DataException($"Unknown schema type: {name}");
}
