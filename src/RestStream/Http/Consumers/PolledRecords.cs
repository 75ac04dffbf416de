using System.Buffers;
using RestStream.Broker;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>What one poll hands out: runs of records in batches that were encoded once for everybody, and where the instance stood before.</summary>
internal sealed class PolledRecords(int number)
{
    private const int FlushBytes = 64 * 1024;

    private readonly List<EncodedSlice> _slices = [];

    /// <summary>Which of the instance's polls this is.</summary>
    public int Number { get; } = number;

    public int Records { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>Where the instance stood in each partition before this poll first read it, and where behind it.</summary>
    public Dictionary<TopicPartition, (long Before, long After)> Moves { get; } = [];

    public void Add(List<EncodedSlice> slices)
    {
        foreach (var slice in slices)
        {
            Records += slice.Last - slice.First + 1;
            Bytes += slice.Batch.Ends[slice.Last] - slice.Batch.Start(slice.First);
        }

        _slices.AddRange(slices);
    }

    /// <summary>Hands out nothing after all.</summary>
    public void Clear()
    {
        _slices.Clear();
        Moves.Clear();
        (Records, Bytes) = (0, 0);
    }

    /// <summary>Writes the JSON array of the records.</summary>
    public async Task WriteAsync(HttpResponse response, string contentType, CancellationToken cancellationToken)
    {
        response.ContentType = contentType;
        response.ContentLength = Bytes + Math.Max(0, Records - 1) + 2;
        var writer = response.BodyWriter;
        writer.Write("["u8);
        var first = true;
        long unflushed = 0;
        foreach (var slice in _slices)
        {
            for (var i = slice.First; i <= slice.Last; i++)
            {
                if (!first)
                    writer.Write(","u8);
                first = false;
                var record = slice.Batch.Record(i).Span;
                writer.Write(record);
                unflushed += record.Length;
                if (unflushed < FlushBytes)
                    continue;
                unflushed = 0;
                await writer.FlushAsync(cancellationToken);
            }
        }

        writer.Write("]"u8);
        await writer.FlushAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
