using System.Collections;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Makes one level of nested structs or maps, with names joined by a delimiter. Arrays stay as they are; maps with a schema are refused, as in Kafka.</summary>
internal abstract class Flatten : PartTransform
{
    private const string Purpose = "flattening";

    private readonly SchemaCache _schemas;
    private string _delimiter = ".";

    protected Flatten(RecordPart part)
        : base(part) => _schemas = new SchemaCache(FlattenSchema);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("delimiter", ConfigType.String, ".", "What stands between the names of the levels in a new name.");

    public override void Configure(ConfigValues config) => _delimiter = config.GetString("delimiter");

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (value is null)
            return record;
        if (SchemaOf(record) is { } schema)
        {
            var source = Requirements.Struct(value, Purpose);
            var flat = new Struct(_schemas[schema]);
            FlattenStruct(source, schema, "", flat);
            return With(record, flat.Schema, flat);
        }

        var entries = new Dictionary<string, object?>();
        FlattenMap(Requirements.Map(value, Purpose), "", entries);
        return With(record, null, entries);
    }

    private string Join(string prefix, string name) => prefix.Length == 0 ? name : prefix + _delimiter + name;

    private void FlattenMap(IDictionary source, string prefix, Dictionary<string, object?> flat)
    {
        foreach (DictionaryEntry entry in source)
        {
            var name = Join(prefix, Maps.Name(entry.Key, Purpose));
            switch (entry.Value is null ? null : InferredType.Of(entry.Value))
            {
                case SchemaType.Map:
                    FlattenMap((IDictionary)entry.Value!, name, flat);
                    break;
                case SchemaType.Struct:
                    throw new DataException($"Flatten transformation does not support STRUCT for record without schemas (for field {name}).");
                case null when entry.Value is not null:
                    throw new DataException($"Flatten transformation was passed a value of type {Requirements.TypeName(entry.Value)} which is not supported by Connect's data API");
                default:
                    flat[name] = entry.Value;
                    break;
            }
        }
    }

    /// <summary>Fills in the fields of a struct, or nulls where there is none.</summary>
    private void FlattenStruct(Struct? source, Schema schema, string prefix, Struct flat)
    {
        foreach (var field in schema.Fields)
        {
            var name = Join(prefix, field.Name);
            if (field.Schema.Type == SchemaType.Struct)
                FlattenStruct((Struct?)source?.GetWithoutDefault(field.Name), field.Schema, name, flat);
            else if (source is not null)
                flat[name] = source[field];
        }
    }

    private Schema FlattenSchema(Schema schema)
    {
        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        AddFields(schema, "", schema.IsOptional, (Struct?)schema.Default, builder);
        return builder.Build();
    }

    /// <param name="schema">Of one level.</param>
    /// <param name="prefix">Names of the levels above.</param>
    /// <param name="optional">Whether one of the levels above, or this one, may be null, and so every field of it.</param>
    /// <param name="defaults">Default of the level; its fields are then the defaults of the fields.</param>
    /// <param name="builder">Of the flat schema.</param>
    private void AddFields(Schema schema, string prefix, bool optional, Struct? defaults, SchemaBuilder builder)
    {
        foreach (var field in schema.Fields)
        {
            var name = Join(prefix, field.Name);
            var isOptional = optional || field.Schema.IsOptional;
            var defaultValue = field.Schema.Default ?? defaults?[field.Name];
            switch (field.Schema.Type)
            {
                case SchemaType.Struct:
                    AddFields(field.Schema, name, isOptional, (Struct?)defaultValue, builder);
                    break;
                case SchemaType.Map:
                    throw new DataException($"Flatten transformation does not support MAP for record with schemas (for field {name}).");
                case SchemaType.Array:
                    builder.Field(name, Schemas.CopyBasics(field.Schema, SchemaBuilder.Array(field.Schema.ValueSchema!)).Finish(isOptional, defaultValue));
                    break;
                default:
                    builder.Field(name, Schemas.CopyBasics(field.Schema, new SchemaBuilder(field.Schema.Type)).Finish(isOptional, defaultValue));
                    break;
            }
        }
    }
}

[Plugin("org.apache.kafka.connect.transforms.Flatten$Key")]
internal sealed class FlattenKey() : Flatten(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.Flatten$Value")]
internal sealed class FlattenValue() : Flatten(RecordPart.Value);
