using RestStream.Broker.Topics;
using RestStream.Connect.Stores;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;
using PartitionAndOffset = (System.Collections.Generic.IReadOnlyDictionary<string, object?> Partition, System.Collections.Generic.IReadOnlyDictionary<string, object?>? Offset);

namespace RestStream.Connect.Tasks;

/// <summary>
/// Records of a source that go to the log as one, with the offsets behind them. Filled, then handed over as often as it takes: <see cref="CopyBatches"/> gives the log bytes of its own, because it keeps what it is given.
/// Not thread safe.
/// </summary>
internal sealed class SourceUnit(CompressionCodec codec) : IDisposable
{
    private readonly Dictionary<string, RecordBatchBuilder?[]> _builders = new(StringComparer.Ordinal);
    private readonly List<(LogPartition Partition, BatchBuffer Batch)> _batches = [];
    private readonly Dictionary<IReadOnlyDictionary<string, object?>, IReadOnlyDictionary<string, object?>> _offsets = new(SourcePartitionComparer.Instance);
    private (string Topic, RecordBatchBuilder?[] Builders) _last = ("", []);
    private (IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset) _lastOffset;
    private long _finishedBytes;
    private long _openBytes;

    /// <summary>Records polled, those that were dropped on the way included; kept only for a task that wants to hear of them.</summary>
    public List<SourceRecord> Polled { get; } = [];

    /// <summary>Number of records polled.</summary>
    public int PolledCount { get; private set; }

    /// <summary>Records to be written.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of its batches.</summary>
    public long Bytes => _finishedBytes + _openBytes;

    public bool IsEmpty => PolledCount == 0;

    /// <summary>When its first record came (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    public long Started { get; set; }

    /// <summary>Topics that get records.</summary>
    public IEnumerable<string> Topics => _builders.Keys;

    /// <summary>Adds a record; a batch that would become larger than the topic takes is ended first.</summary>
    public void Append(string topic, int partition, in TopicIntake intake, long timestamp, bool keyIsNull, ReadOnlySpan<byte> key, bool valueIsNull, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers, int headerCount)
    {
        var builders = _last.Topic == topic ? _last.Builders : Builders(topic, intake.Partitions);
        if (partition >= builders.Length)
            builders = Grow(topic, intake.Partitions);
        var builder = builders[partition] ??= new RecordBatchBuilder();
        var bytes = builder.Bytes;
        if (builder.Count > 0 && bytes + MostBytes(key, value, headers) > SafeBytes(intake))
        {
            Finish(new LogPartition(topic, partition), builder);
            bytes = builder.Bytes;
        }

        builder.Append(timestamp, keyIsNull, key, valueIsNull, value, headers, headerCount);
        _openBytes += builder.Bytes - (builder.Count == 1 ? 0 : bytes);
        Count++;
    }

    /// <summary>Most bytes that the record adds to a batch: its parts and seven variable numbers.</summary>
    public static int MostBytes(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers) => key.Length + value.Length + headers.Length + 1 + (7 * VarInt.MaxBytes);

    /// <summary>A batch of so many bytes the topic takes, whatever compressing makes of it: what is random grows, with every codec by less than this leaves room for.</summary>
    public static int SafeBytes(in TopicIntake intake) => intake.Compressed ? intake.MaxMessageBytes - (intake.MaxMessageBytes / 128) - 128 : intake.MaxMessageBytes;

    /// <summary>The record's offset is part of the unit, whether the record is or was dropped.</summary>
    public void Passed(SourceRecord record, bool keep)
    {
        PolledCount++;
        if (keep)
            Polled.Add(record);

        // Sources hand out one map for a whole partition: then nothing is hashed.
        if (!ReferenceEquals(record.SourcePartition, _lastOffset.Partition))
        {
            NoteLastOffset();
            _lastOffset.Partition = record.SourcePartition;
        }

        _lastOffset.Offset = record.SourceOffset;
    }

    /// <summary>Drops the records that were not written yet; their offsets stay.</summary>
    public void DropRecords()
    {
        DisposeBatches();
        Count = 0;
    }

    /// <summary>The newest offset of each source partition.</summary>
    public IReadOnlyList<PartitionAndOffset> Offsets()
    {
        NoteLastOffset();
        return [.. _offsets.Select(o => new PartitionAndOffset(o.Key, o.Value))];
    }

    /// <summary>Its batches, for the log to keep.</summary>
    public List<(LogPartition Partition, BatchBuffer Batch)> CopyBatches()
    {
        foreach (var (topic, builders) in _builders)
        {
            for (var partition = 0; partition < builders.Length; partition++)
            {
                if (builders[partition] is { Count: > 0 } builder)
                    Finish(new LogPartition(topic, partition), builder);
            }
        }

        var copies = new List<(LogPartition Partition, BatchBuffer Batch)>(_batches.Count + 1);
        foreach (var (partition, batch) in _batches)
        {
            var copy = BatchBuffer.Rent(batch.Length);
            copy.Length = batch.Length;
            batch.Span.CopyTo(copy.Span);
            copies.Add((partition, copy));
        }

        return copies;
    }

    /// <summary>Empty again, to be filled anew.</summary>
    public void Reset()
    {
        DisposeBatches();
        _offsets.Clear();
        _lastOffset = default;
        Polled.Clear();
        (PolledCount, Count) = (0, 0);
    }

    public void Dispose() => Reset();

    private void NoteLastOffset()
    {
        if (_lastOffset is { Partition: { } partition, Offset: { } offset })
            _offsets[partition] = offset;
    }

    private void Finish(LogPartition partition, RecordBatchBuilder builder)
    {
        _openBytes -= builder.Bytes;
        var batch = builder.Build(codec);
        _finishedBytes += batch.Length;
        _batches.Add((partition, batch));
    }

    private RecordBatchBuilder?[] Builders(string topic, int partitions)
    {
        if (!_builders.TryGetValue(topic, out var builders))
            _builders[topic] = builders = new RecordBatchBuilder?[partitions];
        _last = (topic, builders);
        return builders;
    }

    private RecordBatchBuilder?[] Grow(string topic, int partitions)
    {
        var builders = Builders(topic, partitions);
        if (builders.Length < partitions)
            Array.Resize(ref builders, partitions);
        _builders[topic] = builders;
        _last = (topic, builders);
        return builders;
    }

    private void DisposeBatches()
    {
        foreach (var (_, batch) in _batches)
            batch.Dispose();
        _batches.Clear();
        foreach (var builder in _builders.Values.SelectMany(b => b))
            builder?.Dispose();
        _builders.Clear();
        _last = ("", []);
        (_finishedBytes, _openBytes) = (0, 0);
    }
}
