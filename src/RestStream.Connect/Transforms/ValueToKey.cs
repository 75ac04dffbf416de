using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>Makes a new key of fields of the value.</summary>
[Plugin("org.apache.kafka.connect.transforms.ValueToKey")]
internal sealed class ValueToKey : Transform
{
    private const string Purpose = "copying fields from value to key";

    private readonly SchemaCache _schemas;
    private IReadOnlyList<string> _fields = [];
    private bool _replaceNull;

    public ValueToKey() => _schemas = new SchemaCache(KeySchema);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("fields", ConfigType.List, "Names of the fields of the value that make the key.", ConfigValidator.ListOf(allowEmpty: false, allowNull: false))
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _fields = config.GetList("fields");
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        if (record.ValueSchema is null)
        {
            var map = Requirements.Map(record.Value, Purpose);
            var entries = new Dictionary<string, object?>(_fields.Count);
            foreach (var field in _fields)
                entries[field] = map[field];
            return record with { KeySchema = null, Key = entries };
        }

        var value = Requirements.Struct(record.Value, Purpose);
        var key = new Struct(_schemas[value.Schema]);
        foreach (var field in key.Schema.Fields)
            key[field] = value.Get(value.Schema.Field(field.Name)!, _replaceNull);
        return record with { KeySchema = key.Schema, Key = key };
    }

    private Schema KeySchema(Schema value)
    {
        var builder = SchemaBuilder.Struct();
        foreach (var name in _fields)
            builder.Field(name, (value.Field(name) ?? throw new DataException($"Field does not exist: {name}")).Schema);
        return builder.Build();
    }
}
