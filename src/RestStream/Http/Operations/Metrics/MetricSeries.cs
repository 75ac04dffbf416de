namespace RestStream.Http.Operations.Metrics;

/// <summary>One time series: a metric with one set of labels. Written by any thread without a lock, read by a scrape at any time.</summary>
/// <param name="labels">As Prometheus writes them, without braces: <c>topic="a",partition="0"</c>; empty when there are none.</param>
/// <param name="bounds">Upper bounds of a histogram's buckets, ascending, without infinity; null for every other kind.</param>
internal sealed class MetricSeries(string labels, double[]? bounds)
{
    private readonly long[] _buckets = new long[bounds is null ? 0 : bounds.Length + 1];
    private long _integer;
    private double _real;

    public string Labels { get; } = labels;

    public double Value => Volatile.Read(ref _integer) + Volatile.Read(ref _real);

    /// <summary>The scrape that last saw this series of an observable instrument; what was not seen again is gone (a deleted topic).</summary>
    public int SeenInScrape { get; private set; }

    public void Add(long delta) => Interlocked.Add(ref _integer, delta);

    public void Add(double delta)
    {
        double seen, found = Volatile.Read(ref _real);
        do
        {
            seen = found;
            found = Interlocked.CompareExchange(ref _real, seen + delta, seen);
        }
        while (found != seen && !double.IsNaN(found));
    }

    public void Set(double value, int scrape)
    {
        Volatile.Write(ref _integer, 0);
        Volatile.Write(ref _real, value);
        SeenInScrape = scrape;
    }

    /// <summary>For histograms: counts the value in its bucket; the sum is <see cref="Value"/>.</summary>
    public void Record(double value)
    {
        var index = Array.BinarySearch(bounds!, value);
        Interlocked.Increment(ref _buckets[index < 0 ? ~index : index]);
        Add(value);
    }

    /// <summary>A histogram's counts per bucket, not yet summed up; the last one is above every bound.</summary>
    public long[] Buckets() => Array.ConvertAll(_buckets, (long b) => b);
}
