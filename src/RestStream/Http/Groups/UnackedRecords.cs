using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>
/// Records that a stream has sent and nobody acked, counted one by one: offsets may have holes, which nobody can ack. Kept as runs of consecutive offsets,
/// so that a large window costs little. Not thread safe.
/// </summary>
internal sealed class UnackedRecords
{
    private readonly Dictionary<TopicPartition, List<(long First, long Last)>> _runs = [];

    public long Count { get; private set; }

    /// <summary>The partitions that have any.</summary>
    public IEnumerable<TopicPartition> Partitions => _runs.Keys;

    /// <summary>Offsets that were sent behind all earlier ones of the partition.</summary>
    public void Add(TopicPartition partition, ReadOnlySpan<long> offsets)
    {
        if (!_runs.TryGetValue(partition, out var runs))
            _runs[partition] = runs = [];
        foreach (var offset in offsets)
        {
            if (runs.Count > 0 && runs[^1].Last + 1 == offset)
                runs[^1] = (runs[^1].First, offset);
            else
                runs.Add((offset, offset));
        }

        Count += offsets.Length;
    }

    /// <summary>Everything below <paramref name="next"/> is acked.</summary>
    public void Acked(TopicPartition partition, long next)
    {
        if (!_runs.TryGetValue(partition, out var runs))
            return;
        var done = 0;
        while (done < runs.Count && runs[done].Last < next)
        {
            Count -= runs[done].Last - runs[done].First + 1;
            done++;
        }

        runs.RemoveRange(0, done);
        if (runs.Count == 0)
        {
            _runs.Remove(partition);
        }
        else if (runs[0].First < next)
        {
            Count -= next - runs[0].First;
            runs[0] = (next, runs[0].Last);
        }
    }

    /// <summary>The partition belongs to somebody else now.</summary>
    public void Drop(TopicPartition partition) => Acked(partition, long.MaxValue);
}
