using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Changes the type of fields, or of the whole value. Null stays null.</summary>
internal abstract class Cast : PartTransform
{
    private const string Purpose = "cast types";

    private readonly SchemaCache _schemas;
    private Dictionary<string, SchemaType> _fields = [];
    private SchemaType? _whole;
    private bool _replaceNull;

    protected Cast(RecordPart part)
        : base(part) => _schemas = new SchemaCache(CastSchema);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require(
            "spec", ConfigType.List,
            "Fields and their new types, as field1:type,field2:type, or one type for the whole value. Types: int8, int16, int32, int64, float32, float64, boolean, string. "
            + "Bytes become a string only, in Base64.",
            new CastSpec())
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        (_fields, _whole) = CastSpec.Parse(config.GetList("spec"));
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (value is null)
            return record;
        return SchemaOf(record) is { } schema ? WithSchema(record, schema, value) : WithoutSchema(record, value);
    }

    private ConnectRecord WithoutSchema(ConnectRecord record, object value)
    {
        if (_whole is { } type)
            return With(record, null, CastValue.To(type, null, value));

        var map = Maps.Copy(Requirements.Map(value, Purpose));
        foreach (var (field, fieldType) in _fields)
            map[field] = CastValue.To(fieldType, null, map[field]);
        return With(record, null, map);
    }

    private ConnectRecord WithSchema(ConnectRecord record, Schema schema, object value)
    {
        var castSchema = _schemas[schema];
        if (_whole is { } type)
            return With(record, castSchema, CastValue.To(type, schema, value));

        var source = Requirements.Struct(value, Purpose);
        var cast = new Struct(castSchema);
        foreach (var field in source.Schema.Fields)
        {
            var fieldValue = source.Get(field, _replaceNull);
            cast[field.Name] = _fields.TryGetValue(field.Name, out var fieldType) ? CastValue.To(fieldType, field.Schema, fieldValue) : fieldValue;
        }
        return With(record, castSchema, cast);
    }

    private Schema CastSchema(Schema schema)
    {
        if (_whole is { } type)
            return Schemas.CopyBasics(schema, new SchemaBuilder(type)).Finish(schema.IsOptional, CastValue.To(type, schema, schema.Default));

        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        foreach (var field in schema.Fields)
        {
            builder.Field(
                field.Name,
                _fields.TryGetValue(field.Name, out var fieldType)
                    ? new SchemaBuilder(fieldType).Finish(field.Schema.IsOptional, CastValue.To(fieldType, field.Schema, field.Schema.Default))
                    : field.Schema);
        }
        return builder.Finish(schema.IsOptional, CastValue.To(SchemaType.Struct, schema, schema.Default));
    }
}

[Plugin("org.apache.kafka.connect.transforms.Cast$Key")]
internal sealed class CastKeyTransform() : Cast(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.Cast$Value")]
internal sealed class CastValueTransform() : Cast(RecordPart.Value);
