using RestStream.Broker;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

/// <summary>The times of records that are in the log already, for the answer to a repeated request.</summary>
internal sealed class RecordTimes : RecordEncoder
{
    private static readonly RecordTimes s_encoder = new();

    private RecordTimes() { }

    /// <summary>Time by offset, of so many records from an offset on; what cannot be read (deleted, damaged) is left out.</summary>
    public static Dictionary<long, long> Read(IBroker broker, TopicPartition partition, long offset, int records)
    {
        var times = new Dictionary<long, long>();
        var slices = new List<EncodedSlice>();
        try
        {
            using var fetch = broker.OpenFetch([new FetchPosition(partition, offset)]);
            fetch.Read(s_encoder, records, int.MaxValue, slices);
        }
        catch (BrokerException e) when (e.Code is ErrorCode.OffsetOutOfRange or ErrorCode.CorruptMessage or ErrorCode.UnknownTopicOrPartition or ErrorCode.TopicRecreated)
        {
            return times;
        }

        foreach (var slice in slices)
        {
            for (var i = slice.First; i <= slice.Last; i++)
                times[slice.Batch.Offsets[i]] = slice.Batch.Timestamps[i];
        }

        return times;
    }

    public override EncodedBatch Encode(TopicPartition partition, ReadOnlySpan<byte> batch)
    {
        if (!RecordBatch.IsCrcValid(batch))
            throw new CorruptBatchException("The checksum is wrong.");
        var (offsets, timestamps) = (new List<long>(), new List<long>());
        using var reader = new RecordReader(batch);
        while (!reader.Header.IsControl && reader.MoveNext())
        {
            offsets.Add(reader.Current.Offset);
            timestamps.Add(reader.Current.Timestamp);
        }

        return new EncodedBatch([], new int[offsets.Count], [.. offsets], [.. timestamps], hasLineBreaks: false);
    }
}
