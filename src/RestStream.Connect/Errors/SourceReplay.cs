using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Connect.Transforms;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Errors;

/// <summary>
/// A dead letter of a source on its way once more: the converters read back what the source brought, then transforms and converters do what they do in the task. What the converters cannot read back (it stands in the queue as
/// text because they refused it), and what fails again, cannot go. Not thread safe.
/// </summary>
internal sealed class SourceReplay(TaskPlugins plugins) : IDisposable
{
    private static readonly Dictionary<string, object?> s_nowhere = [];

    private readonly RecordDeserializer _reader = new(plugins.Converters, new TransformChain([]));
    private readonly RecordSerializer _writer = new(plugins.Converters, plugins.Transforms);

    /// <param name="topic">That the source named.</param>
    /// <param name="letter">The record without the headers of its error.</param>
    /// <returns>What the topic gets; the partition only where a transform says it. Null: it failed, or a transform dropped it.</returns>
    public (string Topic, DeadLetter Letter, int? Partition)? Run(string topic, DeadLetter letter)
    {
        using var batch = letter.Build();
        try
        {
            var read = _reader.Read(RawRecordEncoder.Shared.Encode(new LogPartition(topic, 0), batch.Span), 0, topic, 0);
            var record = new SourceRecord
            {
                Topic = topic,
                KeySchema = read.KeySchema,
                Key = read.Key,
                ValueSchema = read.ValueSchema,
                Value = read.Value,
                Timestamp = read.Timestamp,
                Headers = read.Headers,
                SourcePartition = s_nowhere,
                SourceOffset = s_nowhere,
            };
            if (_writer.Transform(record) is not { } transformed)
                return null;
            _writer.Serialize(transformed);
            return (
                transformed.Topic,
                new DeadLetter(
                    _writer.KeyIsNull ? null : _writer.Key.ToArray(), _writer.ValueIsNull ? null : _writer.Value.ToArray(), _writer.Headers.ToArray(), _writer.HeaderCount,
                    transformed.Timestamp ?? letter.Timestamp),
                transformed.Partition);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Plugins throw what they like; it failed before, and does still.
            return null;
        }
    }

    public void Dispose() => plugins.Dispose();
}
