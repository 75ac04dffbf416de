using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using RestStream.Connect.Configs;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.ConfigTests;

/// <summary>
/// The way of a record through a configuration, without connector and broker. A sink's record comes as it stands in the topic and goes out as the task gets it; a source's comes as the task makes it and goes out as it stands
/// in the topic. What the task sees is written as Kafka's JsonConverter writes it, schemas beside the values (<c>keySchema</c>, <c>valueSchema</c>).
/// </summary>
internal sealed class ConfigTestPipeline : IDisposable
{
    private readonly bool _isSink;
    private readonly ConverterSet _converters;
    private readonly TransformChain _transforms;
    private readonly JsonConverter _model = new();

    /// <exception cref="ConnectException">A class or a setting of the configuration is wrong.</exception>
    public ConfigTestPipeline(PluginCatalog plugins, IReadOnlyDictionary<string, string> config)
    {
        if (!config.TryGetValue(ConnectorConfig.Class, out var connector))
            throw new ConnectException($"The configuration has no {ConnectorConfig.Class}.");
        _isSink = plugins.Find(connector, config.GetValueOrDefault(ConnectorConfig.PluginVersion), PluginKind.Source, PluginKind.Sink).Kind == PluginKind.Sink;
        _model.Configure(_model.Config.Parse(new Dictionary<string, string?> { ["schemas.enable"] = "true", ["decimal.format"] = "NUMERIC", ["converter.type"] = "value" }), isKey: false);
        _converters = ConverterSet.Create(plugins, new ConnectOptions(), config);
        try
        {
            _transforms = TransformChain.Create(plugins, config);
        }
        catch
        {
            _converters.Dispose();
            throw;
        }
    }

    /// <summary>What comes out; null: it was dropped. What fails comes out as <c>{"error": message}</c>.</summary>
    /// <exception cref="InvalidDataException">The record of the test is none.</exception>
    public JsonObject? Run(JsonObject record, int number)
    {
        try
        {
            return _isSink ? FromTopic(record, number) : ToTopic(record);
        }
        catch (ConnectException e)
        {
            return new JsonObject { ["error"] = e.Message };
        }
    }

    public void Dispose()
    {
        _transforms.Dispose();
        _converters.Dispose();
        _model.Dispose();
    }

    private JsonObject? FromTopic(JsonObject form, int number)
    {
        var topic = TopicOf(form);
        var key = Bytes(form["key"], _converters.Key);
        var value = Bytes(form["value"], _converters.Value);
        var keyData = _converters.Key.Read(topic, key, key is null);
        var valueData = _converters.Value.Read(topic, value, value is null);
        var partition = (int)Number(form, "partition", 0);
        var record = _transforms.Apply(new SinkRecord
        {
            Topic = topic,
            Partition = partition,
            OriginalTopic = topic,
            OriginalPartition = partition,
            Offset = Number(form, "offset", number),
            Timestamp = Number(form, "timestamp", 0),
            KeySchema = keyData.Schema,
            Key = keyData.Value,
            ValueSchema = valueData.Schema,
            Value = valueData.Value,
            Headers = [.. HeadersOf(form).Select(header =>
            {
                var bytes = Bytes(header.Value, _converters.Headers);
                var data = _converters.Headers.Read(topic, header.Key, bytes, bytes is null);
                return new Header(header.Key, data.Schema, data.Value);
            })],
        });
        if (record is null)
            return null;

        var output = new JsonObject { ["topic"] = record.Topic, ["partition"] = record.Partition, ["timestamp"] = record.Timestamp };
        (output["keySchema"], output["key"]) = Model(record.KeySchema, record.Key);
        (output["valueSchema"], output["value"]) = Model(record.ValueSchema, record.Value);
        output["headers"] = new JsonArray([.. record.Headers.Select(header =>
        {
            var (schema, data) = Model(header.Schema, header.Value);
            return new JsonObject { ["key"] = header.Key, ["schema"] = schema, ["value"] = data };
        })]);
        return output;
    }

    private JsonObject? ToTopic(JsonObject form)
    {
        var (keySchema, key) = Model(form["keySchema"], form["key"]);
        var (valueSchema, value) = Model(form["valueSchema"], form["value"]);
        var record = _transforms.Apply(new SourceRecord
        {
            Topic = TopicOf(form),
            Partition = form["partition"] is null ? null : (int)Number(form, "partition", 0),
            Timestamp = form["timestamp"] is null ? null : Number(form, "timestamp", 0),
            KeySchema = keySchema,
            Key = key,
            ValueSchema = valueSchema,
            Value = value,
            Headers = [.. HeadersOf(form).Select(header =>
            {
                var (schema, data) = Model(header.Schema, header.Value);
                return new Header(header.Key, schema, data);
            })],
            SourcePartition = new Dictionary<string, object?>(),
            SourceOffset = new Dictionary<string, object?>(),
        });
        if (record is null)
            return null;

        return new JsonObject
        {
            ["topic"] = record.Topic,
            ["partition"] = record.Partition,
            ["timestamp"] = record.Timestamp,
            ["key"] = Written(_converters.Key, output => _converters.Key.Write(record.Topic, record.KeySchema, record.Key, output)),
            ["value"] = Written(_converters.Value, output => _converters.Value.Write(record.Topic, record.ValueSchema, record.Value, output)),
            ["headers"] = new JsonArray([.. record.Headers.Select(header => new JsonObject
            {
                ["key"] = header.Key,
                ["value"] = Written(_converters.Headers, output => _converters.Headers.Write(record.Topic, header.Key, header.Schema, header.Value, output)),
            })]),
        };
    }

    private static string TopicOf(JsonObject form) => form["topic"]?.ToString() ?? throw new InvalidDataException("A record of \"input\" has no \"topic\".");

    private static long Number(JsonObject form, string name, long otherwise)
    {
        if (form[name] is not { } node)
            return otherwise;
        return node is JsonValue value && value.TryGetValue<long>(out var number) ? number : throw new InvalidDataException($"\"{name}\" of a record must be a number, not {node.ToJsonString()}.");
    }

    private static IEnumerable<(string Key, JsonNode? Schema, JsonNode? Value)> HeadersOf(JsonObject form) => form["headers"] switch
    {
        null => [],
        JsonArray headers => headers.OfType<JsonObject>().Select(header => (header["key"]?.ToString() ?? throw new InvalidDataException("A header has no \"key\"."), header["schema"], header["value"])),
        var other => throw new InvalidDataException($"\"headers\" of a record must be a list of {{\"key\", \"value\"}}, not {other.ToJsonString()}."),
    };

    /// <summary>The bytes in the topic: a text as it stands, anything else as JSON; for the JSON converter texts are JSON too. <c>{"$bytes": base64}</c> are those bytes.</summary>
    private static byte[]? Bytes(JsonNode? node, object converter) => node switch
    {
        null => null,
        JsonObject { Count: 1 } bytes when bytes["$bytes"] is { } encoded => Base64(encoded.ToString()),
        JsonValue value when converter is not JsonConverter && value.TryGetValue<string>(out var text) => Encoding.UTF8.GetBytes(text),
        _ => Encoding.UTF8.GetBytes(node.ToJsonString()),
    };

    private static byte[] Base64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : throw new InvalidDataException($"\"$bytes\" must be base64, not '{text}'.");
    }

    /// <summary>The other way.</summary>
    private static JsonNode? Written(object converter, Func<IBufferWriter<byte>, bool> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        if (!write(buffer))
            return null;
        if (converter is JsonConverter)
            return JsonNode.Parse(buffer.WrittenSpan);
        try
        {
            return JsonValue.Create(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(buffer.WrittenSpan));
        }
        catch (DecoderFallbackException)
        {
            return new JsonObject { ["$bytes"] = Convert.ToBase64String(buffer.WrittenSpan) };
        }
    }

    private (JsonNode? Schema, JsonNode? Value) Model(Schema? schema, object? value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        if (!_model.Write("", schema, value, buffer))
            return (null, null);
        var envelope = JsonNode.Parse(buffer.WrittenSpan)!.AsObject();
        return (envelope["schema"]?.DeepClone(), envelope["payload"]?.DeepClone());
    }

    private (Schema? Schema, object? Value) Model(JsonNode? schema, JsonNode? value)
    {
        var envelope = new JsonObject { ["schema"] = schema?.DeepClone(), ["payload"] = value?.DeepClone() };
        var data = _model.Read("", Encoding.UTF8.GetBytes(envelope.ToJsonString()), isNull: false);
        return (data.Schema, data.Value);
    }
}
