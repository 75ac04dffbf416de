using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>The setting <c>spec</c> of <see cref="Cast"/>: <c>field:type,field2:type</c> or one <c>type</c> alone.</summary>
internal sealed class CastSpec : ConfigValidator
{
    public override void EnsureValid(string name, object? value)
    {
        if (value is not IReadOnlyList<string> { Count: > 0 } mappings)
            throw new ConfigException("Must specify at least one field to cast.");
        Parse(mappings);
    }

    public override string ToString() => "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>";

    /// <summary>The types by field, or that of the whole value.</summary>
    public static (Dictionary<string, SchemaType> Fields, SchemaType? Whole) Parse(IReadOnlyList<string> mappings)
    {
        var fields = new Dictionary<string, SchemaType>();
        SchemaType? whole = null;
        foreach (var mapping in mappings)
        {
            // "field:" is one word in Java, whose split drops what is empty at the end.
            switch (mapping.TrimEnd(':').Split(':'))
            {
                case [var type]:
                    whole = ParseType(type.Trim());
                    break;
                case [var field, var type]:
                    fields[field.Trim()] = ParseType(type.Trim());
                    break;
                default:
                    throw new ConfigException("spec", mappings, $"Invalid cast mapping: {mapping}");
            }
        }
        if (whole is not null && mappings.Count > 1)
            throw new ConfigException("Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec");
        return (fields, whole);
    }

    private static SchemaType ParseType(string name)
    {
        if (name.Length == 0 || !char.IsAsciiLetter(name[0]) || !Enum.TryParse<SchemaType>(name, ignoreCase: true, out var type))
            throw new ConfigException($"Invalid type found in casting spec: {name}");
        if (type is SchemaType.Bytes or SchemaType.Array or SchemaType.Map or SchemaType.Struct)
        {
            throw new ConfigException(
                $"Cast transformation does not support casting to {type.ToString().ToUpperInvariant()}; supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]");
        }
        return type;
    }
}
