using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Data;
using RestStream.Connect.Errors;
using RestStream.Connect.Transforms;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tasks;

/// <summary>Writes records of a sink's own (answers of the system outside, say), by the connector's converters. A topic that its configuration names is made when it is missing, as a dead letter topic is. Safe on any thread.</summary>
internal sealed class SinkProducer(RunningTask owner, TaskPlugins plugins, Retries retries)
{
    private readonly RecordSerializer _serializer = new(plugins.Converters, new TransformChain([]));

    /// <summary>Held while converters work, here and in the loop: one thread at a time may call them.</summary>
    public Lock Converting { get; } = new();

    public async Task ProduceAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken)
    {
        owner.Guard();
        var broker = owner.Services.Broker;
        await retries.Broker.ExecuteAsync(
            async token =>
            {
                if (!broker.TryGetIntake(topic, out var intake))
                {
                    await TopicCreation.CreateAsync(broker, new TopicSpec(topic, null, new Dictionary<string, string>()), token);
                    if (!broker.TryGetIntake(topic, out intake))
                        throw BrokerException.UnknownTopic(topic);
                }

                var (batch, partition) = Build(topic, key, value, headers, intake.Partitions);
                await owner.WriteAsync(() => broker.ProduceAsync(new LogPartition(topic, partition), batch).AsTask());
            },
            cancellationToken);
    }

    private (BatchBuffer Batch, int Partition) Build(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, int partitions)
    {
        lock (Converting)
        {
            _serializer.Serialize(new SinkRecord
            {
                Topic = topic, OriginalTopic = topic, OriginalPartition = 0, Offset = 0, KeySchema = key.Schema, Key = key.Value, ValueSchema = value.Schema, Value = value.Value, Headers = headers,
            });
            using var builder = new RecordBatchBuilder();
            builder.Append(
                owner.Services.Time.GetUtcNow().ToUnixTimeMilliseconds(), _serializer.KeyIsNull, _serializer.Key, _serializer.ValueIsNull, _serializer.Value, _serializer.Headers, _serializer.HeaderCount);
            return (builder.Build(), _serializer.KeyIsNull ? Random.Shared.Next(partitions) : Partitioner.ForKey(_serializer.Key, partitions));
        }
    }
}
