using System.Collections;

namespace RestStream.Connect.Data;

/// <summary>Whether a value fits a schema; the messages are Kafka's (ConnectSchema.validateValue), with CLR types where it names Java's.</summary>
internal static class SchemaCheck
{
    public static void Validate(string? field, Schema schema, object? value)
    {
        if (value is null)
        {
            if (!schema.IsOptional)
                throw new DataException($"Invalid value: null used for required field: \"{field}\", schema type: {schema.Type.ToString().ToUpperInvariant()}");
            return;
        }

        if (!Fits(schema, value))
            throw new DataException($"Invalid Java object for schema {Describe(schema)}with type {schema.Type.ToString().ToUpperInvariant()}: class {value.GetType().FullName}{(field is null ? "" : $" for field: \"{field}\"")}");

        switch (value)
        {
            case Struct s when !ReferenceEquals(s.Schema, schema) && !s.Schema.Equals(schema):
                throw new DataException("Struct schemas do not match.");
            case Struct s:
                s.Validate();
                break;
            case IDictionary map when schema.Type == SchemaType.Map:
                foreach (DictionaryEntry entry in map)
                {
                    Validate("map key", schema.KeySchema!, entry.Key);
                    Validate("map value", schema.ValueSchema!, entry.Value);
                }

                break;
            case IList list when schema.Type == SchemaType.Array:
                foreach (var item in list)
                    Validate("array element", schema.ValueSchema!, item);
                break;
        }
    }

    private static string Describe(Schema schema) => schema.Name is null ? "" : $"\"{schema.Name}\" ";

    private static bool Fits(Schema schema, object value) => schema.Name switch
    {
        Schema.DecimalName => value is BigDecimal or decimal,
        Schema.DateName or Schema.TimeName or Schema.TimestampName => value is Instant,
        _ => schema.Type switch
        {
            SchemaType.Int8 => value is sbyte,
            SchemaType.Int16 => value is short,
            SchemaType.Int32 => value is int,
            SchemaType.Int64 => value is long,
            SchemaType.Float32 => value is float,
            SchemaType.Float64 => value is double,
            SchemaType.Boolean => value is bool,
            SchemaType.String => value is string,
            SchemaType.Bytes => value is byte[],
            SchemaType.Array => value is IList and not byte[],
            SchemaType.Map => value is IDictionary,
            _ => value is Struct,
        },
    };
}
