using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RestStream.Broker;
using RestStream.Connect.Configs;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Errors;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tasks;

/// <summary>
/// Records on their way through a connector's converters and transforms, shown after each step. Nothing is written, and no task is made. For a sink: records of its topics, or samples; for a source: samples.
/// Secrets of the configuration, also those that a transform puts into a record, are shown as <c>[hidden]</c>.
/// </summary>
internal sealed class Preview : IDisposable
{
    private const int DefaultRecords = 10;
    private const int MostRecords = 100;

    private readonly WorkerServices _services;
    private readonly TaskPlugins _plugins;
    private readonly RecordJson _json = new();
    private readonly bool _isSink;
    private string _stage = "";
    private string? _class;

    private Preview(WorkerServices services, TaskPlugins plugins, bool isSink) => (_services, _plugins, _isSink) = (services, plugins, isSink);

    /// <param name="services">Of the worker.</param>
    /// <param name="config">The connector's configuration, references as written.</param>
    /// <param name="request">
    /// <c>records</c>: samples <c>{"topic","key","value","headers":{..},"partition","timestamp"}</c>. For a source key and value are JSON (without a topic the setting <c>topic</c> counts), with an envelope <c>{"schema","payload"}</c> when <c>schemas</c> is true.
    /// For a sink they are what stands in the topic: a text as it is, other JSON as its text. Without samples a sink shows the newest <c>limit</c> (10, at most 100) records of <c>topic</c>, or of each of its topics.
    /// </param>
    /// <param name="cancellationToken">The user has gone.</param>
    /// <returns><c>{"type","records":[{"input","steps":[{"name","class","record","dropped"}],"output","error"}]}</c></returns>
    /// <exception cref="ConnectRequestException">400: the request makes no sense, or something of the configuration is wrong.</exception>
    public static Task<JsonObject> RunAsync(WorkerServices services, IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken)
    {
        try
        {
            var plugin = services.Plugins.Find(config.GetValueOrDefault(ConnectorConfig.Class, ""), config.GetValueOrDefault(ConnectorConfig.PluginVersion), PluginKind.Source, PluginKind.Sink);
            return RunAsync(services, plugin.Kind, config, request, cancellationToken);
        }
        catch (PluginNotFoundException e)
        {
            throw ConnectRequestException.BadRequest(e.Message);
        }
    }

    /// <summary>The same for a connector whose kind is known.</summary>
    internal static async Task<JsonObject> RunAsync(WorkerServices services, PluginKind kind, IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken)
    {
        // Transforms and converters are the plugins' code: the caller's thread shall not depend on it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            using var preview = new Preview(services, TaskPlugins.Create(config, services), kind == PluginKind.Sink);
            return (JsonObject)preview.Hide(preview.Run(request, cancellationToken))!;
        }
        catch (Exception e) when (e is ConnectException or BrokerException)
        {
            throw ConnectRequestException.BadRequest(e.Message);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException && request.ContainsKey("records"))
        {
            throw ConnectRequestException.BadRequest($"A member of a sample has the wrong type: {e.Message}");
        }
    }

    public void Dispose() => _plugins.Dispose();

    private JsonObject Run(JsonObject request, CancellationToken cancellationToken)
    {
        var records = new JsonArray();
        if (request["records"] is JsonArray samples)
        {
            foreach (var sample in samples.Take(MostRecords))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var given = sample as JsonObject ?? throw ConnectRequestException.BadRequest("Each of \"records\" must be an object such as {\"topic\":\"orders\",\"key\":\"k\",\"value\":{\"id\":1}}.");
                records.Add((JsonNode)(_isSink ? OfSinkSample(given) : OfSource(given, WantsSchemas(request))));
            }
        }
        else if (_isSink)
        {
            var limit = request["limit"] is JsonValue number && number.TryGetValue<int>(out var wanted) ? Math.Clamp(wanted, 1, MostRecords) : DefaultRecords;
            foreach (var topic in Topics(request))
            {
                foreach (var (batch, index, partition) in Newest(topic, limit, cancellationToken))
                    records.Add((JsonNode)OfSink(batch, index, topic, partition));
            }
        }
        else
        {
            throw ConnectRequestException.BadRequest("A source has no records before it runs: give samples as {\"records\":[{\"topic\":\"orders\",\"value\":{\"id\":1}}]}.");
        }

        return new JsonObject { ["type"] = _isSink ? "sink" : "source", ["records"] = records };
    }

    /// <summary>The same without secrets, in names and in texts.</summary>
    private JsonNode? Hide(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(m => KeyValuePair.Create(_plugins.Secrets.Scrub(m.Key), Hide(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Hide)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => _plugins.Secrets.Scrub(value.GetValue<string>()),
        _ => node?.DeepClone(),
    };

    private static bool WantsSchemas(JsonObject request) => request["schemas"] is JsonValue value && value.TryGetValue<bool>(out var schemas) && schemas;

    private IEnumerable<string> Topics(JsonObject request)
    {
        if (request["topic"]?.GetValue<string>() is { } topic)
            return [topic];
        var named = SinkMember.TopicsOf(_plugins.Config);
        return named.Count > 0 ? named : throw ConnectRequestException.BadRequest("Name a topic, {\"topic\":\"orders\"}: the connector reads topics by a pattern.");
    }

    /// <summary>The newest records of a topic, oldest first in each partition.</summary>
    private IEnumerable<(EncodedBatch Batch, int Index, int Partition)> Newest(string topic, int limit, CancellationToken cancellationToken)
    {
        var partitions = _services.Broker.DescribeTopic(topic).Partitions;
        var share = Math.Max(1, limit / Math.Max(1, partitions.Count(p => p.HighWatermark > p.LogStartOffset)));
        var slices = new List<EncodedSlice>();
        foreach (var partition in partitions.Where(p => p.HighWatermark > p.LogStartOffset).Take(limit))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var fetch = _services.Broker.OpenFetch([new FetchPosition(new LogPartition(topic, partition.Partition), Math.Max(partition.LogStartOffset, partition.HighWatermark - share))]);
            fetch.Read(RawRecordEncoder.Shared, share, int.MaxValue, slices);
            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                    yield return (slice.Batch, i, partition.Partition);
            }
        }
    }

    private JsonObject OfSinkSample(JsonObject sample)
    {
        var topic = sample["topic"]?.GetValue<string>() ?? SinkMember.TopicsOf(_plugins.Config).FirstOrDefault("");
        using var builder = new Storage.Records.RecordBatchBuilder();
        byte[]? key = Bytes(sample["key"]), value = Bytes(sample["value"]);
        using var headers = new MemoryStream();
        var count = 0;
        foreach (var (name, text) in sample["headers"] as JsonObject ?? [])
        {
            byte[] encodedName = Encoding.UTF8.GetBytes(name), encoded = Bytes(text) ?? [];
            var header = new byte[Storage.Records.HeaderEncoder.MaxBytes(encodedName.Length, encoded.Length)];
            headers.Write(header, 0, Storage.Records.HeaderEncoder.Write(header, encodedName, text is null, encoded));
            count++;
        }

        builder.Append(Timestamp(sample) ?? _services.Time.GetUtcNow().ToUnixTimeMilliseconds(), key is null, key, value is null, value, headers.ToArray(), count);
        using var batch = builder.Build();
        var partition = sample["partition"]?.GetValue<int>() ?? 0;
        return OfSink(RawRecordEncoder.Shared.Encode(new LogPartition(topic, partition), batch.Span), 0, topic, partition);
    }

    private JsonObject OfSink(EncodedBatch batch, int index, string topic, int partition)
    {
        var raw = new RawRecord(batch.Record(index).Span);
        var shown = new JsonObject
        {
            ["input"] = new JsonObject
            {
                ["topic"] = topic,
                ["partition"] = partition,
                ["offset"] = batch.Offsets[index],
                ["timestamp"] = batch.Timestamps[index],
                ["key"] = Text(raw.KeyIsNull, raw.Key),
                ["value"] = Text(raw.ValueIsNull, raw.Value),
            },
        };
        var steps = new JsonArray();
        shown["steps"] = steps;
        var deserializer = new RecordDeserializer(_plugins.Converters, _plugins.Transforms);
        try
        {
            var record = deserializer.Read(batch, index, topic, partition);
            steps.Add((JsonNode)new JsonObject { ["name"] = "converters", ["class"] = ErrorTrace.PluginName(_plugins.Converters.Value.GetType()), ["record"] = _json.Write(record) });
            shown["output"] = Transform(record, steps) is { } output ? _json.Write(output) : null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // What the plugin says is the answer.
            shown["error"] = Error(steps.Count == 0 ? deserializer.Stage : _stage, steps.Count == 0 ? deserializer.ClassName : _class, e);
        }

        return shown;
    }

    private JsonObject OfSource(JsonObject sample, bool schemas)
    {
        var shown = new JsonObject { ["input"] = sample.DeepClone() };
        var steps = new JsonArray();
        shown["steps"] = steps;
        var serializer = new RecordSerializer(_plugins.Converters, _plugins.Transforms);
        var transformed = false;
        try
        {
            var (key, value) = (_json.Read(sample["key"], schemas), _json.Read(sample["value"], schemas));
            var record = new SourceRecord
            {
                Topic = sample["topic"]?.GetValue<string>() ?? _plugins.Config.GetValueOrDefault("topic") ?? throw new ConnectException("A sample needs the topic that the source would write it to."),
                Partition = sample["partition"]?.GetValue<int>(),
                KeySchema = key.Schema,
                Key = key.Value,
                ValueSchema = value.Schema,
                Value = value.Value,
                Timestamp = Timestamp(sample),
                Headers = [.. (sample["headers"] as JsonObject ?? []).Select(h => new Header(h.Key, null, _json.Read(h.Value, schemas: false).Value))],
                SourcePartition = new Dictionary<string, object?>(),
                SourceOffset = new Dictionary<string, object?>(),
            };
            var output = Transform(record, steps);
            transformed = true;
            shown["output"] = null;
            if (output is null)
                return shown;
            serializer.Serialize(output);
            shown["output"] = new JsonObject { ["topic"] = output.Topic, ["key"] = Text(serializer.KeyIsNull, serializer.Key), ["value"] = Text(serializer.ValueIsNull, serializer.Value) };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            shown["error"] = Error(transformed ? serializer.Stage : _stage, transformed ? serializer.ClassName : _class, e);
        }

        return shown;
    }

    private ConnectRecord? Transform(ConnectRecord record, JsonArray steps)
    {
        ConnectRecord? current = record;
        foreach (var step in _plugins.Transforms.Steps)
        {
            (_stage, _class) = (Stage.Transformation, step.ClassName);
            var wanted = step.Wants(current);
            current = step.Apply(current);
            steps.Add((JsonNode)new JsonObject
            {
                ["name"] = step.Alias,
                ["class"] = step.ClassName,
                ["applied"] = wanted,
                ["record"] = current is null ? null : _json.Write(current),
                ["dropped"] = current is null,
            });
            if (current is null)
                return null;
        }

        return current;
    }

    private JsonObject Error(string stage, string? className, Exception error) => new()
    {
        ["stage"] = stage,
        ["class"] = className,
        ["exception"] = ErrorTrace.ClassName(error),
        ["message"] = _plugins.Secrets.Scrub(error.Message),
    };

    private static long? Timestamp(JsonObject sample) => sample["timestamp"] is JsonValue value && value.TryGetValue<long>(out var timestamp) ? timestamp : null;

    private static byte[]? Bytes(JsonNode? node) => node is null ? null : Encoding.UTF8.GetBytes(node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString());

    /// <summary>Text where it is text, else <c>{"base64":".."}</c>.</summary>
    private JsonNode? Text(bool isNull, ReadOnlySpan<byte> bytes)
    {
        if (isNull)
            return null;
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return JsonValue.Create(Encoding.UTF8.GetString(bytes));

        // A secret would not be found in Base64.
        var text = Encoding.UTF8.GetString(bytes);
        return _plugins.Secrets.Scrub(text) == text ? new JsonObject { ["base64"] = Convert.ToBase64String(bytes) } : JsonValue.Create(_plugins.Secrets.Scrub(text));
    }

    /// <summary>Records as JSON and back, by the converter that everybody knows.</summary>
    private sealed class RecordJson
    {
        private readonly JsonConverter _envelopes = Make(schemas: true);
        private readonly JsonConverter _plain = Make(schemas: false);

        public JsonObject Write(ConnectRecord record)
        {
            var json = new JsonObject { ["topic"] = record.Topic, ["partition"] = record.Partition, ["timestamp"] = record.Timestamp };
            Add(json, "key", record.KeySchema, record.Key);
            Add(json, "value", record.ValueSchema, record.Value);
            json["headers"] = new JsonArray([.. record.Headers.Select(h =>
            {
                var header = new JsonObject { ["key"] = h.Key };
                Add(header, "value", h.Schema, h.Value);
                return (JsonNode)header;
            })]);
            return json;
        }

        public SchemaAndValue Read(JsonNode? json, bool schemas) =>
            (schemas ? _envelopes : _plain).Read("preview", json is null ? default : Encoding.UTF8.GetBytes(json.ToJsonString()), json is null);

        private static JsonConverter Make(bool schemas)
        {
            var converter = new JsonConverter();
            converter.Configure(converter.Config.Parse(new Dictionary<string, string?> { ["schemas.enable"] = schemas ? "true" : "false", [ConverterConfig.Type] = ConverterConfig.Value }), isKey: false);
            return converter;
        }

        /// <summary>The value as plain JSON, and its schema when it has one.</summary>
        private void Add(JsonObject json, string name, Schema? schema, object? value)
        {
            json[name] = null;
            var bytes = new System.Buffers.ArrayBufferWriter<byte>();
            if (!_envelopes.Write("preview", schema, value, bytes))
                return;
            var envelope = JsonNode.Parse(bytes.WrittenSpan)!.AsObject();
            var payload = envelope["payload"];
            envelope.Remove("payload");
            json[name] = payload;
            if (schema is not null)
                json[name + "_schema"] = envelope["schema"]?.DeepClone();
        }
    }
}
