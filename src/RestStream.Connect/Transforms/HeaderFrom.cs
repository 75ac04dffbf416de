using System.Collections;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Moves or copies fields to headers, behind those that are there.</summary>
internal abstract class HeaderFrom : PartTransform
{
    private readonly SchemaCache _schemas;
    private IReadOnlyList<string> _fields = [];
    private IReadOnlyList<string> _headers = [];
    private string _purpose = "";
    private bool _move;
    private bool _replaceNull;

    protected HeaderFrom(RecordPart part)
        : base(part) => _schemas = new SchemaCache(WithoutFields);

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("fields", ConfigType.List, "Names of the fields that become headers.", ConfigValidator.NonEmptyList())
        .Require("headers", ConfigType.List, "Names of the headers, in the order of the fields.", ConfigValidator.NonEmptyList())
        .Require("operation", ConfigType.String, "move: the fields are removed where they were. copy: they stay.", ConfigValidator.In("move", "copy"))
        .ReplaceNull();

    public override void Configure(ConfigValues config)
    {
        _fields = config.GetList("fields");
        _headers = config.GetList("headers");
        if (_fields.Count != _headers.Count)
            throw new ConfigException("'fields' config must have the same number of elements as 'headers' config.");
        _purpose = "header " + config.GetString("operation");
        _move = config.GetString("operation") == "move";
        _replaceNull = config.GetBoolean(CommonKeys.ReplaceNullWithDefault);
    }

    public override ConnectRecord Apply(ConnectRecord record) => SchemaOf(record) is { } schema ? FromStruct(record, schema) : FromMap(record);

    private ConnectRecord FromMap(ConnectRecord record)
    {
        var map = Requirements.Map(ValueOf(record), _purpose);
        var headers = new List<Header>(record.Headers.Count + _fields.Count);
        headers.AddRange(record.Headers);
        for (var i = 0; i < _fields.Count; i++)
            headers.Add(new Header(_headers[i], null, map[_fields[i]]));
        return With(record, null, _move ? WithoutFields(map) : map) with { Headers = headers };
    }

    private ConnectRecord FromStruct(ConnectRecord record, Schema schema)
    {
        var value = Requirements.Struct(ValueOf(record), _purpose);
        var headers = new List<Header>(record.Headers.Count + _fields.Count);
        headers.AddRange(record.Headers);
        for (var i = 0; i < _fields.Count; i++)
        {
            var field = schema.Field(_fields[i]) ?? throw new DataException($"Field does not exist: {_fields[i]}");
            headers.Add(new Header(_headers[i], field.Schema, value.Get(field, _replaceNull)));
        }
        if (!_move)
            return record with { Headers = headers };

        var rest = new Struct(_schemas[schema]);
        foreach (var field in rest.Schema.Fields)
            rest[field] = value.Get(schema.Field(field.Name)!, _replaceNull);
        return With(record, rest.Schema, rest) with { Headers = headers };
    }

    private IDictionary WithoutFields(IDictionary map)
    {
        var rest = Maps.Copy(map);
        foreach (var field in _fields)
            rest.Remove(field);
        return rest;
    }

    private Schema WithoutFields(Schema schema)
    {
        var builder = Schemas.CopyBasics(schema, SchemaBuilder.Struct());
        foreach (var field in schema.Fields.Where(f => !_fields.Contains(f.Name)))
            builder.Field(field.Name, field.Schema);
        return builder.Build();
    }
}

[Plugin("org.apache.kafka.connect.transforms.HeaderFrom$Key")]
internal sealed class HeaderFromKey() : HeaderFrom(RecordPart.Key);

[Plugin("org.apache.kafka.connect.transforms.HeaderFrom$Value")]
internal sealed class HeaderFromValue() : HeaderFrom(RecordPart.Value);
