using System.Collections;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>The type that a value without a schema has by its CLR type.</summary>
internal static class InferredType
{
    /// <summary>Null for what Kafka's data model has no type for without a schema: points in time, decimals, anything foreign.</summary>
    public static SchemaType? Of(object value) => value switch
    {
        sbyte => SchemaType.Int8,
        short => SchemaType.Int16,
        int => SchemaType.Int32,
        long => SchemaType.Int64,
        float => SchemaType.Float32,
        double => SchemaType.Float64,
        bool => SchemaType.Boolean,
        string => SchemaType.String,
        byte[] => SchemaType.Bytes,
        IDictionary => SchemaType.Map,
        IList => SchemaType.Array,
        Struct => SchemaType.Struct,
        _ => null,
    };
}
