using RestStream.Broker;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>How far a group is behind in everything that it has committed or reads now. Costs one small read for each partition that is behind.</summary>
internal static class GroupLag
{
    /// <exception cref="BrokerException"><see cref="ErrorCode.GroupIdNotFound"/>.</exception>
    public static LagJson Of(IBroker broker, string group, DateTimeOffset now)
    {
        var members = new Dictionary<TopicPartition, string>();
        foreach (var member in broker.DescribeGroup(group).Members)
        {
            foreach (var partition in member.Assignment)
                members[partition] = member.InstanceId ?? member.MemberId;
        }

        var committed = broker.CommittedOffsets(group).ToDictionary(o => o.Partition, o => o.Offset);
        var partitions = new List<PartitionLagJson>();
        foreach (var topic in committed.Keys.Union(members.Keys).GroupBy(p => p.Topic, StringComparer.Ordinal).OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            if (!broker.TryGetIntake(topic.Key, out _))
                continue;
            var described = broker.DescribeTopic(topic.Key).Partitions;
            foreach (var partition in topic.Where(p => p.Partition < described.Count).OrderBy(p => p.Partition))
            {
                var log = described[partition.Partition];
                long? offset = committed.TryGetValue(partition, out var known) ? known : null;
                var next = Math.Max(offset ?? 0, log.LogStartOffset);
                var lag = Math.Max(0, log.HighWatermark - next);
                var lagMs = lag > 0 && TimestampAt(broker, partition, next) is { } oldest ? Math.Max(0, now.ToUnixTimeMilliseconds() - oldest) : 0;
                partitions.Add(new PartitionLagJson(partition.Topic, partition.Partition, offset, log.HighWatermark, lag, lagMs, members.GetValueOrDefault(partition)));
            }
        }

        return new LagJson(group, partitions.Sum(p => p.Lag), partitions.Select(p => p.LagMs).DefaultIfEmpty().Max(), partitions);
    }

    /// <summary>Of the first record at or behind an offset; null when there is none that can be read.</summary>
    private static long? TimestampAt(IBroker broker, TopicPartition partition, long offset)
    {
        using var fetch = broker.OpenFetch([new FetchPosition(partition, offset)]);
        var slices = new List<EncodedSlice>();
        while (true)
        {
            try
            {
                return fetch.Read(RecordJson.Native(DataFormat.Text, DataFormat.Json), 1, 1, slices) > 0 ? slices[0].Batch.Timestamps[slices[0].First] : null;
            }
            catch (BrokerException gap) when (gap.Code is ErrorCode.OffsetOutOfRange or ErrorCode.CorruptMessage && gap.Earliest > fetch.Positions[0].Offset)
            {
                fetch.Seek(0, gap.Earliest);
            }
        }
    }
}
