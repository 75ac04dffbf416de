using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Adds fields with what the record is beside its value (topic, partition, offset, timestamp) or with a fixed text. Null stays null.</summary>
internal abstract class InsertField : PartTransform
{
    private const string Purpose = "field insertion";

    private static readonly Schema s_optionalTimestamp = SchemaBuilder.From(Schema.Timestamp).Optional().Build();

    private readonly SchemaCache _schemas;
    private Insertion? _topic;
    private Insertion? _partition;
    private Insertion? _offset;
    private Insertion? _timestamp;
    private Insertion? _static;
    private string? _staticValue;
    private bool _replaceNull;

    protected InsertField(RecordPart part)
        : base(part) => _schemas = new SchemaCache(Extend);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional("topic.field", ConfigType.String, null, "Field for the topic. " + Insertion.Suffixes)
        .Optional("partition.field", ConfigType.String, null, "Field for the partition. " + Insertion.Suffixes)
        .Optional("offset.field", ConfigType.String, null, "Field for the offset; sinks only. " + Insertion.Suffixes)
        .Optional("timestamp.field", ConfigType.String, null, "Field for the record's timestamp. " + Insertion.Suffixes)
        .Optional("static.field", ConfigType.String, null, "Field for a fixed text. " + Insertion.Suffixes)
        .Optional("static.value", ConfigType.String, null, "The text of static.field.")
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _topic = Insertion.Parse(config.FindString("topic.field"));
        _partition = Insertion.Parse(config.FindString("partition.field"));
        _offset = Insertion.Parse(config.FindString("offset.field"));
        _timestamp = Insertion.Parse(config.FindString("timestamp.field"));
        _static = Insertion.Parse(config.FindString("static.field"));
        _staticValue = config.FindString("static.value");
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);

        if (_topic is null && _partition is null && _offset is null && _timestamp is null && _static is null)
            throw new ConfigException("No field insertion configured");
        if (_static is not null && _staticValue is null)
            throw new ConfigException("static.value", null, $"No value specified for static field: {_static.Name}");
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var value = ValueOf(record);
        if (value is null)
            return record;
        return SchemaOf(record) is null ? IntoMap(record, value) : IntoStruct(record, value);
    }

    private ConnectRecord IntoMap(ConnectRecord record, object value)
    {
        var map = Maps.Copy(Requirements.Map(value, Purpose));
        if (_topic is not null)
            map[_topic.Name] = record.Topic;
        if (_partition is not null && record.Partition is { } partition)
            map[_partition.Name] = partition;
        if (_offset is not null)
            map[_offset.Name] = Requirements.SinkRecord(record, Purpose).Offset;
        if (_timestamp is not null && record.Timestamp is { } timestamp)
            map[_timestamp.Name] = timestamp;
        if (_static is not null)
            map[_static.Name] = _staticValue;
        return With(record, null, map);
    }

    private ConnectRecord IntoStruct(ConnectRecord record, object value)
    {
        var source = Requirements.Struct(value, Purpose);
        var extended = new Struct(_schemas[source.Schema]);
        foreach (var field in source.Schema.Fields)
            extended[field] = source.Get(field, _replaceNull);
        if (_topic is not null)
            extended[_topic.Name] = record.Topic;
        if (_partition is not null && record.Partition is { } partition)
            extended[_partition.Name] = partition;
        if (_offset is not null)
            extended[_offset.Name] = Requirements.SinkRecord(record, Purpose).Offset;
        if (_timestamp is not null && record.Timestamp is { } timestamp)
            extended[_timestamp.Name] = new Instant(timestamp);
        if (_static is not null)
            extended[_static.Name] = _staticValue;
        return With(record, extended.Schema, extended);
    }

    private Schema Extend(Schema schema)
    {
        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        foreach (var field in schema.Fields)
            builder.Field(field.Name, field.Schema);
        Add(_topic, Schema.String, Schema.OptionalString);
        Add(_partition, Schema.Int32, Schema.OptionalInt32);
        Add(_offset, Schema.Int64, Schema.OptionalInt64);
        Add(_timestamp, Schema.Timestamp, s_optionalTimestamp);
        Add(_static, Schema.String, Schema.OptionalString);
        return builder.Build();

        void Add(Insertion? insertion, Schema required, Schema optional)
        {
            if (insertion is not null)
                builder.Field(insertion.Name, insertion.Optional ? optional : required);
        }
    }

    /// <summary>The name of a new field and whether its schema is optional.</summary>
    private sealed record Insertion(string Name, bool Optional)
    {
        public const string Suffixes = "Suffix ! makes it a required field, ? an optional one (the default).";

        public static Insertion? Parse(string? text) => text switch
        {
            null => null,
            [.. var name, '?'] => new(name, true),
            [.. var name, '!'] => new(name, false),
            _ => new(text, true),
        };
    }
}

[Plugin("org.apache.kafka.connect.transforms.InsertField$Key")]
internal sealed class InsertFieldKey() : InsertField(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.InsertField$Value")]
internal sealed class InsertFieldValue() : InsertField(RecordPart.Value);
