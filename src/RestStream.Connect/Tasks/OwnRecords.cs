using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Errors;
using RestStream.Connect.Transforms;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tasks;

/// <summary>
/// What a sink task writes to topics itself. It has converters of its own, since those of the loop may be reading at the same time. A topic that is not there is made with one partition. Safe on any thread.
/// </summary>
internal sealed class OwnRecords(RunningTask owner, IReadOnlyDictionary<string, string> config, Retries retries) : IDisposable
{
    private readonly Lock _lock = new();
    private ConverterSet? _converters;
    private RecordSerializer? _serializer;
    private bool _disposed;

    public async Task WriteAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken)
    {
        var record = new SinkRecord
        {
            Topic = topic,
            KeySchema = key.Schema,
            Key = key.Value,
            ValueSchema = value.Schema,
            Value = value.Value,
            Headers = headers,
            Offset = -1,
            OriginalTopic = topic,
            OriginalPartition = -1,
        };
        var broker = owner.Services.Broker;
        await retries.Broker.ExecuteAsync(
            async token =>
            {
                if (!broker.TryGetIntake(topic, out var intake))
                {
                    await TopicCreation.CreateAsync(broker, new TopicSpec(topic, 1, new Dictionary<string, string>()), token);
                    if (!broker.TryGetIntake(topic, out intake))
                        throw BrokerException.UnknownTopic(topic);
                }

                var (batch, partition) = Build(record, intake.Partitions);
                await owner.WriteAsync(() => broker.ProduceAsync(new LogPartition(topic, partition), batch).AsTask());
            },
            cancellationToken);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _converters?.Dispose();
        }
    }

    private (BatchBuffer Batch, int Partition) Build(SinkRecord record, int partitions)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _converters ??= ConverterSet.Create(owner.Services.Plugins, owner.Services.Options, config);
            _serializer ??= new RecordSerializer(_converters, new TransformChain([]));
            _serializer.Serialize(record);
            using var builder = new RecordBatchBuilder();
            builder.Append(
                owner.Services.Time.GetUtcNow().ToUnixTimeMilliseconds(), _serializer.KeyIsNull, _serializer.Key, _serializer.ValueIsNull, _serializer.Value, _serializer.Headers, _serializer.HeaderCount);
            return (builder.Build(), _serializer.KeyIsNull ? 0 : Partitioner.ForKey(_serializer.Key, partitions));
        }
    }
}
