using System.Diagnostics;
using System.Numerics;

namespace RestStream.Benchmarks.Load.Client;

/// <summary>A histogram of times with about 3 % of error and no allocation: 32 buckets for each power of two of microseconds.</summary>
internal sealed class Latencies
{
    private const int SubBuckets = 32;

    private readonly long[] _counts = new long[40 * SubBuckets];

    public long Count { get; private set; }

    public void Add(long stopwatchTicks)
    {
        var micros = (ulong)Math.Max(stopwatchTicks * 1_000_000 / Stopwatch.Frequency, SubBuckets);
        var power = BitOperations.Log2(micros);
        _counts[((power - 5) * SubBuckets) + (int)((micros >> (power - 5)) - SubBuckets)]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>In milliseconds; 0 when nothing was measured.</summary>
    public double Percentile(double percent)
    {
        var rank = (long)Math.Ceiling(Count * percent / 100);
        for (var i = 0; i < _counts.Length && rank > 0; i++)
        {
            if ((rank -= _counts[i]) <= 0)
                return (((i % SubBuckets) + SubBuckets) << (i / SubBuckets)) / 1000.0;
        }
        return 0;
    }
}
