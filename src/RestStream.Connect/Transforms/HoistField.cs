using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Puts the whole value into a field of a struct (with a schema) or a map (without).</summary>
internal abstract class HoistField : PartTransform
{
    private readonly SchemaCache _schemas;
    private string? _field;

    protected HoistField(RecordPart part)
        : base(part) => _schemas = new SchemaCache(schema => SchemaBuilder.Struct().Field(_field!, schema).Build());

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("field", ConfigType.String, "Name of the field that the value is put into.", importance: Importance.Medium);

    public override void Configure(ConfigValues config) => _field = config.FindString("field");

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (SchemaOf(record) is not { } schema)
            return With(record, null, _field is null ? new Dictionary<object, object?> { [NullKey.Instance] = value } : new Dictionary<string, object?> { [_field] = value });
        var hoisted = _schemas[schema];
        return With(record, hoisted, new Struct(hoisted).Put(_field!, value));
    }
}

[Plugin("org.apache.kafka.connect.transforms.HoistField$Key")]
internal sealed class HoistFieldKey() : HoistField(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.HoistField$Value")]
internal sealed class HoistFieldValue() : HoistField(RecordPart.Value);
