using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Replaces the whole value by one of its fields, nested ones too (<c>field.syntax.version=V2</c>). Null stays null.</summary>
internal abstract class ExtractField(RecordPart part) : PartTransform(part)
{
    private const string Purpose = "field extraction";

    private string _field = "";
    private FieldPath _path = null!;
    private bool _replaceNull;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("field", ConfigType.String, "Name of the field, or with field.syntax.version=V2 the path to it.", importance: Importance.Medium)
        .ReplaceNull()
        .Optional(
            "field.syntax.version", ConfigType.String, "V1",
            "What the field is: V1 = a name, whatever characters it has. V2 = a path of names with dots between them; a name that has dots stands in backticks: `a.b`.c",
            ConfigValidator.InIgnoringCase("V1", "V2"), Importance.High);

    public override void Configure(ConfigValues config)
    {
        _field = config.GetString("field");
        _path = config.GetString("field.syntax.version").Equals("V2", StringComparison.OrdinalIgnoreCase) ? FieldPath.Parse(_field) : FieldPath.Of(_field);
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        if (SchemaOf(record) is not { } schema)
            return With(record, null, Requirements.MapOrNull(ValueOf(record), Purpose) is { } map ? _path.In(map) : null);

        var value = Requirements.StructOrNull(ValueOf(record), Purpose);
        var field = _path.In(schema) ?? throw new DataException($"Unknown field: {_field}");
        return With(record, field.Schema, value is null ? null : _path.In(value, _replaceNull));
    }
}

[Plugin("org.apache.kafka.connect.transforms.ExtractField$Key")]
internal sealed class ExtractFieldKey() : ExtractField(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.ExtractField$Value")]
internal sealed class ExtractFieldValue() : ExtractField(RecordPart.Value);
