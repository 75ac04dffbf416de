using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>
/// JSON, with an envelope of schema and payload or plain (<c>schemas.enable=false</c>, the worker's default). The bytes are those that Kafka's converter of this name writes. Values are written and read without a tree of nodes
/// between; schemas of envelopes are kept on both ways.
/// </summary>
[Plugin("org.apache.kafka.connect.json.JsonConverter")]
internal sealed class JsonConverter : Converter
{
    private const string SchemasEnable = "schemas.enable";
    private const string SchemasCacheSize = "schemas.cache.size";
    private const string SchemaContent = "schema.content";
    private const string DecimalFormat = "decimal.format";
    private const string ReplaceNullWithDefault = "replace.null.with.default";
    private const string Numeric = "NUMERIC";
    private const int SchemaAt = 10; // behind {"schema":
    private const int PayloadAt = 11; // behind ,"payload":

    private readonly JsonOutput _output = new();
    private bool _schemasEnabled = true;
    private Schema? _schemaOfAll;
    private JsonValueWriter _values;
    private JsonSchemaWriter _schemas;
    private JsonValueReader _valueReader;
    private JsonSchemaReader _schemaReader;

    public JsonConverter() => Use(new JsonFormat(), cacheSize: 0);

    /// <summary>Nested as deep as Jackson allows.</summary>
    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = JsonValueWriter.MaxDepth };

    public override ConfigDef Config { get; } = Define();

    public override void Configure(ConfigValues config, bool isKey)
    {
        _schemasEnabled = config.GetBoolean(SchemasEnable);
        var format = new JsonFormat(Numeric.Equals(config.GetString(DecimalFormat), StringComparison.OrdinalIgnoreCase), config.GetBoolean(ReplaceNullWithDefault));
        Use(format, config.GetInt(SchemasCacheSize));
        if (config.FindString(SchemaContent) is { Length: > 0 } content)
            _schemaOfAll = ReadSchemaOfAll(content);
    }

    public override bool Write(string topic, Schema? schema, object? value, IBufferWriter<byte> output)
    {
        if (schema is null && value is null)
            return false;
        _output.Clear();
        if (_schemasEnabled)
        {
            _output.Raw("{\"schema\":"u8);
            _output.Raw(_schemas.Bytes(schema));
            _output.Raw(",\"payload\":"u8);
            _values.Write(schema, value);
            _output.Mark('}');
        }
        else
            _values.Write(schema, value);

        output.Write(_output.Written);
        return true;
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull)
    {
        if (isNull)
            return SchemaAndValue.Null;
        var json = JsonText.ToUtf8(bytes);
        try
        {
            return Read(json);
        }
        catch (JsonException e)
        {
            // Kafka's reader takes 007 for 7, which .NET's does not. Rare enough to be looked for only when something is wrong.
            if (JsonNumber.TryRemoveLeadingZeros(json, out var plain))
                return Read(topic, plain, isNull: false);
            throw new DataException("Converting byte[] to Kafka Connect data failed due to serialization error: ", e);
        }
    }

    private SchemaAndValue Read(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
            throw new JsonException("The bytes are no UTF-8.");
        if (!_schemasEnabled)
            return new SchemaAndValue(null, ReadPlain(json));
        return _schemaOfAll is null ? ReadEnvelope(json) : ReadBySchemaOfAll(json, _schemaOfAll);
    }

    private static ConfigDef Define()
    {
        const string Schemas = "Schemas";
        const string Serialization = "Serialization";
        return ConverterConfig.Define()
            .Define(new ConfigKey(SchemasEnable, ConfigType.Boolean)
            {
                HasDefault = true, Default = true, Group = Schemas, OrderInGroup = 0, Width = Width.Medium, DisplayName = "Enable Schemas",
                Documentation = "Include schemas within each of the serialized values and keys.",
            })
            .Define(new ConfigKey(SchemasCacheSize, ConfigType.Int)
            {
                HasDefault = true, Default = 1000, Group = Schemas, OrderInGroup = 1, Width = Width.Medium, DisplayName = "Schema Cache Size",
                Documentation = "The maximum number of schemas that can be cached in this converter instance.",
            })
            .Define(new ConfigKey(SchemaContent, ConfigType.String)
            {
                HasDefault = true, Group = Schemas, OrderInGroup = 2, Width = Width.Medium, DisplayName = "Schema Content",
                Documentation = "When set, this is used as the schema for all messages that are read, which are then plain JSON without an envelope. Applies only when schemas.enable is true, and only to sink connectors.",
            })
            .Define(new ConfigKey(DecimalFormat, ConfigType.String)
            {
                HasDefault = true, Default = "BASE64", Importance = Importance.Low, Group = Serialization, OrderInGroup = 0, Width = Width.Medium, DisplayName = "Decimal Format",
                Documentation = "How decimals are written: BASE64 (the bytes of the unscaled number, the default) or NUMERIC (a JSON number), in upper or lower case. Both are read.",
                Validator = ConfigValidator.InIgnoringCase(Numeric, "BASE64"),
            })
            .Define(new ConfigKey(ReplaceNullWithDefault, ConfigType.Boolean)
            {
                HasDefault = true, Default = true, Importance = Importance.Low, Group = Serialization, OrderInGroup = 1, Width = Width.Medium, DisplayName = "Replace null with default",
                Documentation = "Whether fields that are null and have a default value get that value. When false, they stay null.",
            });
    }

    [MemberNotNull(nameof(_values), nameof(_schemas), nameof(_valueReader), nameof(_schemaReader))]
    private void Use(JsonFormat format, int cacheSize)
    {
        _values = new JsonValueWriter(_output, format);
        _schemas = new JsonSchemaWriter(cacheSize, format);
        _valueReader = new JsonValueReader(format);
        _schemaReader = new JsonSchemaReader(cacheSize, _valueReader);
    }

    private Schema? ReadSchemaOfAll(string content)
    {
        try
        {
            return _schemaReader.Read(Encoding.UTF8.GetBytes(content));
        }
        catch (JsonException e)
        {
            throw new DataException("Failed to parse schema in converter config due to serialization error: ", e);
        }
    }

    private object? ReadPlain(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        return TryStart(ref reader, json) ? _valueReader.Read(ref reader, null) : null;
    }

    private SchemaAndValue ReadBySchemaOfAll(ReadOnlySpan<byte> json, Schema schema)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        if (!TryStart(ref reader, json))
            return new SchemaAndValue(schema, _valueReader.Read(ref reader, schema));

        // First to the end: that it is no JSON counts for more than that it does not fit.
        var start = reader;
        reader.Skip();
        return new SchemaAndValue(schema, _valueReader.Read(ref start, schema));
    }

    /// <summary>
    /// The envelope that our own writer and Kafka's make, with the schema of the one before: then the schema's bytes are compared, not read. False for everything else, errors too.
    /// </summary>
    private bool TryReadNextEnvelope(ReadOnlySpan<byte> json, out SchemaAndValue read)
    {
        read = default;
        if (_schemaReader.Last is not { } last || !json.StartsWith("{\"schema\":"u8) || !json[SchemaAt..].StartsWith(last.Json.Span))
            return false;
        var rest = json[(SchemaAt + last.Json.Length)..];
        if (!rest.StartsWith(",\"payload\":"u8) || rest[^1] != '}')
            return false;
        var payload = rest[PayloadAt..^1];

        // Numbers and the like cannot be read without what follows them, which may be anything.
        if (payload.IsEmpty || !"{[\""u8.Contains(payload[0]))
            return false;
        var reader = new Utf8JsonReader(payload, ReaderOptions);
        reader.Read();
        var start = reader;
        reader.Skip();
        if (reader.BytesConsumed != payload.Length)
            return false;
        read = new SchemaAndValue(last.Schema, _valueReader.Read(ref start, last.Schema));
        return true;
    }

    // Schema and payload in any order and nothing else; the payload may come first, so both are only found here and read afterwards.
    private SchemaAndValue ReadEnvelope(ReadOnlySpan<byte> json)
    {
        if (TryReadNextEnvelope(json, out var read))
            return read;
        var reader = new Utf8JsonReader(json, ReaderOptions);
        var isEnvelope = TryStart(ref reader, json) && reader.TokenType == JsonTokenType.StartObject;
        ReadOnlySpan<byte> schema = default;
        Utf8JsonReader payload = default;
        if (isEnvelope)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isSchema = reader.ValueTextEquals("schema"u8);
                var isPayload = !isSchema && reader.ValueTextEquals("payload"u8);
                isEnvelope &= isSchema || isPayload;
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (isPayload)
                    payload = reader;
                reader.Skip();
                if (isSchema)
                    schema = json[start..(int)reader.BytesConsumed];
            }
        }
        else
            reader.Skip();

        if (!isEnvelope || schema.IsEmpty || payload.TokenType == JsonTokenType.None)
        {
            throw new DataException("JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields."
                + " If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.");
        }

        var found = _schemaReader.Read(schema);
        return new SchemaAndValue(found, _valueReader.Read(ref payload, found));
    }

    // False: no JSON at all, which Jackson calls a missing node and not an error.
    private static bool TryStart(ref Utf8JsonReader reader, ReadOnlySpan<byte> json) => json.ContainsAnyExcept(" \t\r\n"u8) && reader.Read();
}
