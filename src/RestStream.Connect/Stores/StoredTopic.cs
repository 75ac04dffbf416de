using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Storage;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Stores;

/// <summary>A topic that the worker keeps its state in.</summary>
internal static class StoredTopic
{
    /// <summary>Bytes read at a time.</summary>
    private const int ReadBytes = 1024 * 1024;

    public delegate void RecordSeen(AppendResult place, int partition, RawRecord record);

    /// <summary>Makes the topic when it is not there; one that is there is taken as it is.</summary>
    public static async Task<TopicDescription> EnsureAsync(IBroker broker, string topic, int partitions, IReadOnlyDictionary<string, string> configs, CancellationToken cancellationToken)
    {
        try
        {
            if (!broker.TryGetIntake(topic, out _))
                return await broker.CreateTopicAsync(new TopicSpec(topic, partitions, configs), cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists)
        {
            // Somebody else was faster.
        }

        return broker.DescribeTopic(topic);
    }

    /// <summary>Shows every record that is there now, partition after partition.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.CorruptMessage"/>: records are damaged. State that is not whole is not used.</exception>
    public static void ReadAll(IBroker broker, TopicDescription topic, RecordSeen seen)
    {
        var slices = new List<EncodedSlice>();
        foreach (var partition in topic.Partitions)
        {
            using var fetch = broker.OpenFetch([new FetchPosition(new LogPartition(topic.Name, partition.Partition), partition.LogStartOffset, topic.TopicId)]);
            while (fetch.Read(RawRecordEncoder.Shared, int.MaxValue, ReadBytes, slices) > 0)
            {
                foreach (var slice in slices)
                {
                    for (var i = slice.First; i <= slice.Last; i++)
                        seen(new AppendResult(slice.Batch.Offsets[i], slice.Batch.Timestamps[i]), partition.Partition, new RawRecord(slice.Batch.Record(i).Span));
                }
            }
        }
    }
}
