using RestStream.Connect.Data;

namespace RestStream.Connect.Converters;

/// <summary>The schema part of envelopes (asJsonSchema of Kafka's JsonConverter), each schema written once and kept as bytes. Not thread safe.</summary>
internal sealed class JsonSchemaWriter
{
    private static readonly byte[] s_none = "null"u8.ToArray();

    private readonly int _cacheSize;
    private readonly JsonOutput _output = new();
    private readonly JsonValueWriter _defaults;
    private readonly Dictionary<Schema, byte[]> _cache = [];
    private Schema? _last;
    private byte[] _lastBytes = s_none;

    public JsonSchemaWriter(int cacheSize, JsonFormat format)
    {
        _cacheSize = cacheSize;
        _defaults = new JsonValueWriter(_output, format);
    }

    /// <summary>The JSON of a schema; of none <c>null</c>.</summary>
    public ReadOnlySpan<byte> Bytes(Schema? schema)
    {
        // A topic usually has one schema, and the same object record after record.
        if (!ReferenceEquals(schema, _last))
        {
            _lastBytes = schema is null ? s_none : Find(schema);
            _last = schema;
        }

        return _lastBytes;
    }

    private byte[] Find(Schema schema)
    {
        if (_cache.TryGetValue(schema, out var known))
            return known;
        _output.Clear();
        Write(schema, field: null);
        var bytes = _output.Written.ToArray();
        if (_cache.Count >= _cacheSize)
            _cache.Clear();
        if (_cacheSize > 0)
            _cache[schema] = bytes;
        return bytes;
    }

    private void Write(Schema schema, string? field)
    {
        _output.Raw("{\"type\":"u8);
        _output.Text(JsonSchemaTypes.Name(schema.Type));
        switch (schema.Type)
        {
            case SchemaType.Array:
                Member("items", schema.ValueSchema);
                break;
            case SchemaType.Map:
                Member("keys", schema.KeySchema);
                Member("values", schema.ValueSchema);
                break;
            case SchemaType.Struct:
                Property("fields");
                _output.Mark('[');
                foreach (var member in schema.Fields)
                {
                    if (member.Index > 0)
                        _output.Mark(',');
                    Write(member.Schema, member.Name);
                }

                _output.Mark(']');
                break;
        }

        Property("optional");
        _output.Boolean(schema.IsOptional);
        Text("name", schema.Name);
        if (schema.Version is { } version)
        {
            Property("version");
            _output.Number(version);
        }

        Text("doc", schema.Doc);
        if (schema.Parameters.Count > 0)
            Parameters(schema);
        if (schema.Default is { } defaultValue)
        {
            Property("default");
            _defaults.Write(schema, defaultValue);
        }

        Text("field", field);
        _output.Mark('}');
    }

    private void Parameters(Schema schema)
    {
        Property("parameters");
        var mark = '{';
        foreach (var (name, value) in schema.Parameters)
        {
            _output.Mark(mark);
            _output.Text(name);
            _output.Mark(':');
            _output.Text(value);
            mark = ',';
        }

        _output.Mark('}');
    }

    private void Member(string name, Schema? schema)
    {
        Property(name);
        if (schema is null)
            _output.Null();
        else
            Write(schema, field: null);
    }

    private void Text(string name, string? value)
    {
        if (value is null)
            return;
        Property(name);
        _output.Text(value);
    }

    private void Property(string name)
    {
        _output.Mark(',');
        _output.Text(name);
        _output.Mark(':');
    }
}
