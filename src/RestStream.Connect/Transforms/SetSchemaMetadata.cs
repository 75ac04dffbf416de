using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Gives the schema of a struct another name, another version, or both. Other schemas are refused, as in Kafka.</summary>
internal abstract class SetSchemaMetadata : PartTransform
{
    private readonly SchemaCache _schemas;
    private string? _name;
    private int? _version;
    private bool _replaceNull;

    protected SetSchemaMetadata(RecordPart part)
        : base(part) => _schemas = new SchemaCache(Rename);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("schema.name", ConfigType.String, null, "Name that the schema gets. Default: it keeps its own.", importance: Importance.High)
        .Optional("schema.version", ConfigType.Int, null, "Version that the schema gets. Default: it keeps its own.", importance: Importance.High)
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _name = config.FindString("schema.name");
        _version = (int?)config["schema.version"];
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
        if (_name is null && _version is null)
            throw new ConfigException("Neither schema name nor version configured");
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var schema = SchemaOf(record);
        var value = ValueOf(record);
        if (schema is null && value is null)
            return record;

        var renamed = _schemas[Requirements.Schema(schema, "updating schema metadata")];
        return With(record, renamed, value is Struct s ? CopyTo(renamed, s) : value);
    }

    private Struct CopyTo(Schema renamed, Struct source)
    {
        var copy = new Struct(renamed);
        foreach (var field in renamed.Fields)
            copy[field] = source.Get(field, _replaceNull);
        return copy;
    }

    private Schema Rename(Schema schema)
    {
        if (schema.Type != SchemaType.Struct)
            throw new DataException("Cannot list fields on non-struct type");

        // Not by a builder: it would hold the default, a struct of the old schema, against the new one. Kafka keeps it as it is.
        return new Schema(
            schema.Type, schema.IsOptional, schema.Default, _name ?? schema.Name, _version ?? schema.Version, schema.Doc, schema.Parameters, schema.Fields, keySchema: null, valueSchema: null);
    }
}

[Plugin("org.apache.kafka.connect.transforms.SetSchemaMetadata$Key")]
internal sealed class SetSchemaMetadataKey() : SetSchemaMetadata(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.SetSchemaMetadata$Value")]
internal sealed class SetSchemaMetadataValue() : SetSchemaMetadata(RecordPart.Value);
