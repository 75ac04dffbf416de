using System.Text;
using RestStream.Broker;
using RestStream.Connect.Converters;
using RestStream.Connect.Errors;
using RestStream.Connect.Stores;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tasks;

/// <summary>Bytes of a topic through converters and transforms to a record for a sink. Where it was when something threw is told by <see cref="Stage"/> and <see cref="ClassName"/>. Not thread safe.</summary>
internal sealed class RecordDeserializer(ConverterSet converters, TransformChain transforms)
{
    private readonly string _keyClass = ErrorTrace.PluginName(converters.Key.GetType());
    private readonly string _valueClass = ErrorTrace.PluginName(converters.Value.GetType());
    private readonly string _headerClass = ErrorTrace.PluginName(converters.Headers.GetType());

    /// <summary>Where the record is, by Kafka's name.</summary>
    public string Stage { get; private set; } = Errors.Stage.KafkaConsume;

    /// <summary>The plugin at work there.</summary>
    public string? ClassName { get; private set; }

    /// <summary>The record as the converters give it.</summary>
    public SinkRecord Read(EncodedBatch batch, int index, string topic, int partition)
    {
        var raw = new RawRecord(batch.Record(index).Span);
        (Stage, ClassName) = (Errors.Stage.KeyConverter, _keyClass);
        var key = converters.Key.Read(topic, raw.Key, raw.KeyIsNull);
        (Stage, ClassName) = (Errors.Stage.ValueConverter, _valueClass);
        var value = converters.Value.Read(topic, raw.Value, raw.ValueIsNull);
        return new SinkRecord
        {
            Topic = topic,
            Partition = partition,
            OriginalTopic = topic,
            OriginalPartition = partition,
            Offset = batch.Offsets[index],
            Timestamp = batch.Timestamps[index],
            KeySchema = key.Schema,
            Key = key.Value,
            ValueSchema = value.Schema,
            Value = value.Value,
            Headers = raw.HeaderCount == 0 ? [] : ReadHeaders(topic, raw),
        };
    }

    /// <summary>The record after all transforms; null when one dropped it.</summary>
    public SinkRecord? Transform(SinkRecord record)
    {
        Stage = Errors.Stage.Transformation;
        ConnectRecord? current = record;
        foreach (var step in transforms.Steps)
        {
            ClassName = step.ClassName;
            current = step.Apply(current);
            if (current is null)
                return null;
        }

        return current as SinkRecord ?? throw new ConnectException($"The transform {ClassName} made a {current!.GetType().Name} of a record for a sink. It must answer the type that it was given.");
    }

    private List<Header> ReadHeaders(string topic, RawRecord raw)
    {
        (Stage, ClassName) = (Errors.Stage.HeaderConverter, _headerClass);
        var headers = new List<Header>(raw.HeaderCount);
        var reader = raw.Headers();
        while (reader.MoveNext())
        {
            var name = Encoding.UTF8.GetString(reader.Key);
            var value = converters.Headers.Read(topic, name, reader.Value, reader.ValueIsNull);
            headers.Add(new Header(name, value.Schema, value.Value));
        }

        return headers;
    }
}
