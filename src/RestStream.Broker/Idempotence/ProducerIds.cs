using System.Buffers.Text;
using System.Globalization;
using System.Text;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Idempotence;

/// <summary>
/// Hands out producer ids and epochs. Ids come in blocks, and the number of a block is the offset of a record in <see cref="TopicNames.ProducerIds"/>: the log never gives an offset
/// twice, not across a crash, not behind damage and not after compaction, so an id cannot be given twice either, and nothing must be read to go on.
/// The same topic keeps the epochs of ids that were raised: key = the id, value = epoch and the one before.
/// </summary>
internal sealed class ProducerIds(LogDirectory directory, BrokerOptions options, TimeProvider clock, Func<Task<PartitionLog>> openTopic)
{
    /// <summary>Ids of a block; as many as Kafka's. What is left of one at a stop is not used.</summary>
    private const long BlockSize = 1000;

    private static readonly byte[] s_blockKey = "block"u8.ToArray();

    private readonly SemaphoreSlim _lock = new(1);
    private readonly Dictionary<long, RaisedEpoch> _raised = [];
    private long _next;
    private long _blockEnd;

    public static IReadOnlyDictionary<string, string> TopicConfig { get; } = new Dictionary<string, string>
    {
        [TopicConfigs.CleanupPolicy] = "compact",
        [TopicConfigs.Durability] = "fsync",
        [TopicConfigs.RetentionMs] = "-1",
    };

    /// <summary>Reads the epochs of an earlier run. A damaged part is told of and passed over: its ids go on from the epoch that their owner names.</summary>
    public IReadOnlyList<string> Load(PartitionLog log) => OwnLog.ReadAll(log, batch =>
    {
        using var reader = new RecordReader(batch);
        while (reader.MoveNext())
        {
            var record = reader.Current;
            if (Utf8Parser.TryParse(record.Key, out long id, out var length) && length == record.Key.Length)
                Remember(id, RaisedEpoch.Parse(record.Value, record.Timestamp));
        }
    });

    public async Task<ProducerIdentity> NewAsync(CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            return await TakeAsync();
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>Kafka's rules: the current epoch is raised, the one before it is a retry whose answer was lost, any other is fenced.</summary>
    public async Task<ProducerIdentity> RaiseAsync(ProducerIdentity current, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            var log = await openTopic();
            if (current.Id / BlockSize >= log.HighWatermark)
            {
                throw new BrokerException(ErrorCode.InvalidProducerIdMapping, $"Producer id {current.Id} was never handed out here. POST /producers without a body hands out a new one.")
                {
                    Subject = "producer_id",
                };
            }

            if (_raised.TryGetValue(current.Id, out var known) && current.Epoch != known.Epoch)
            {
                if (current.Epoch == known.Before)
                    return current with { Epoch = known.Epoch };
                throw new BrokerException(ErrorCode.InvalidProducerEpoch, $"Producer {current.Id} has epoch {known.Epoch}, not {current.Epoch}: another took its place. POST /producers without a body hands out an id of your own.")
                {
                    ProducerEpoch = known.Epoch,
                };
            }

            // The last one is left out as in Kafka, where it fences.
            if (current.Epoch >= short.MaxValue - 1)
                return await TakeAsync();
            var raised = new RaisedEpoch((short)(current.Epoch + 1), current.Epoch, Now);
            await AppendAsync(log, Encoding.UTF8.GetBytes(current.Id.ToString(CultureInfo.InvariantCulture)), raised.ToText());
            Remember(current.Id, raised);
            return current with { Epoch = raised.Epoch };
        }
        finally
        {
            _lock.Release();
        }
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<ProducerIdentity> TakeAsync()
    {
        if (_next == _blockEnd)
        {
            var block = await AppendAsync(await openTopic(), s_blockKey, "{}"u8.ToArray());
            (_next, _blockEnd) = (block * BlockSize, (block + 1) * BlockSize);
        }

        return new ProducerIdentity(_next++, 0);
    }

    private async Task<long> AppendAsync(PartitionLog log, byte[] key, byte[] value)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(Now, keyIsNull: false, key, valueIsNull: false, value);
        try
        {
            return (await directory.AppendAsync(log, builder.Build())).BaseOffset;
        }
        catch (StorageException e)
        {
            throw BrokerException.From(e, log.Id, log);
        }
    }

    /// <summary>Bounded like the producers of a partition: what is forgotten goes on from the epoch that its owner names.</summary>
    private void Remember(long id, RaisedEpoch raised)
    {
        _raised[id] = raised;
        if (_raised.Count <= options.MaxProducersPerPartition)
            return;
        foreach (var (oldest, _) in _raised.OrderBy(r => r.Value.Timestamp).Take(Math.Max(1, _raised.Count / 4)).ToList())
            _raised.Remove(oldest);
    }

    /// <param name="Epoch">The epoch now.</param>
    /// <param name="Before">The one that it was raised from.</param>
    /// <param name="Timestamp">When, epoch ms.</param>
    private readonly record struct RaisedEpoch(short Epoch, short Before, long Timestamp)
    {
        public byte[] ToText() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Epoch} {Before}"));

        public static RaisedEpoch Parse(ReadOnlySpan<byte> text, long timestamp)
        {
            Utf8Parser.TryParse(text, out short epoch, out var length);
            Utf8Parser.TryParse(text[Math.Min(text.Length, length + 1)..], out short before, out _);
            return new RaisedEpoch(epoch, before, timestamp);
        }
    }
}
