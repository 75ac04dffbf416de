using RestStream.Broker.Idempotence;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker;

public sealed partial class EmbeddedBroker
{
    private readonly ProducerIds _producerIds;
    private readonly IdempotencyKeys _keys;

    public Task<ProducerIdentity> InitProducerAsync(ProducerIdentity? current, CancellationToken cancellationToken) =>
        current is { } raised ? _producerIds.RaiseAsync(raised, cancellationToken) : _producerIds.NewAsync(cancellationToken);

    public IdempotentRequest BeginIdempotent(string? topic, string key, ReadOnlySpan<byte> hash)
    {
        var request = _keys.Begin(topic is null ? Guid.Empty : FindTopic(topic).Id, key, hash);
        if (request.Receipt is not null)
            _instruments.ProduceRepeated();
        return request;
    }

    public async ValueTask<IReadOnlyList<AppendResult>> ProduceOnceAsync(
        IdempotentRequest request, IReadOnlyList<(TopicPartition Partition, BatchBuffer Batch)> parts, ReadOnlyMemory<byte> receipt)
    {
        var accepted = AcceptUnit(parts);
        PartitionLog log;
        try
        {
            log = await OpenKeysAsync();
        }
        catch
        {
            foreach (var batch in accepted)
                batch.Batch.Dispose();
            throw;
        }

        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        List<(PartitionLog, BatchBuffer)> unit = [.. accepted.Select(a => (a.Partition.Log, a.Batch)), (log, request.ToBatch(receipt.Span, accepted.Count, now))];
        var results = await AppendUnitAsync(accepted, unit, lastTakesResults: true);
        _keys.Complete(request, log, results[^1].BaseOffset, now);
        return results;
    }

    /// <summary>The log of the keys, not longer than the settings allow.</summary>
    private async Task<PartitionLog> OpenKeysAsync()
    {
        var log = await OpenOwnTopicAsync(TopicNames.IdempotencyKeys, IdempotencyKeys.TopicConfig);
        if (_keys.CutAt(log) is >= 0 and var cut)
        {
            try
            {
                await _directory.DeleteRecordsAsync(log, cut);
            }
            catch (StorageException e)
            {
                throw BrokerException.From(e, log.Id, log);
            }
        }

        return log;
    }

    /// <summary>What an earlier run kept, once the topics are there.</summary>
    private void LoadIdempotence()
    {
        if (_topics.TryGetValue(TopicNames.ProducerIds, out var ids))
            Load(ids, _producerIds.Load);
        if (_topics.TryGetValue(TopicNames.IdempotencyKeys, out var keys))
        {
            KeepKeys(keys);
            Load(keys, _keys.Load);
        }
    }

    /// <summary>How long keys stay is a setting of the broker, whatever it was when their topic was made.</summary>
    private void KeepKeys(Topic topic) => topic.Partition(0).SetConfig(topic.Settings.Log with { RetentionMs = _keys.MaxAgeMs });

    private void Load(Topic topic, Func<PartitionLog, IReadOnlyList<string>> load)
    {
        foreach (var problem in load(topic.Partition(0).Log))
            _logger.OwnTopicDamaged(topic.Name, problem);
    }

    /// <summary>The one partition of a topic of the broker's own, which is made when it is first needed.</summary>
    private async Task<PartitionLog> OpenOwnTopicAsync(string name, IReadOnlyDictionary<string, string> configs)
    {
        if (!_topics.ContainsKey(name))
        {
            try
            {
                await CreateAsync(new TopicSpec(name, 1, configs), CancellationToken.None);
                if (name == TopicNames.IdempotencyKeys)
                    KeepKeys(FindTopic(name));
            }
            catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists)
            {
                // Two first requests at the same time.
            }
        }

        return FindTopic(name).Partition(0).Log;
    }
}
