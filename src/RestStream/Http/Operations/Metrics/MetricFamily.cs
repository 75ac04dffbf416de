namespace RestStream.Http.Operations.Metrics;

internal enum MetricKind
{
    Counter, Gauge, Histogram,
}

/// <summary>
/// All series of one metric name. Finding the series of a measurement allocates nothing and takes no lock once the series exists;
/// beyond <paramref name="maxSeries"/> new ones are dropped and counted, so that a client cannot fill the memory by making up labels.
/// </summary>
internal sealed class MetricFamily(string name, string help, MetricKind kind, double[]? bounds, int maxSeries, Action dropped)
{
    private readonly Lock _adding = new();
    private readonly Node?[] _byHash = new Node?[1024];
    private readonly Dictionary<string, MetricSeries> _byLabels = new(StringComparer.Ordinal);
    private MetricSeries? _withoutLabels;

    public string Name { get; } = name;
    public string Help { get; } = help;
    public MetricKind Kind { get; } = kind;
    public double[]? Bounds { get; } = bounds;

    public MetricSeries? Find(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (labels.IsEmpty)
            return Volatile.Read(ref _withoutLabels) ?? Insert(labels, 0);
        var hash = Hash(labels);
        for (var node = Volatile.Read(ref _byHash[hash & (_byHash.Length - 1)]); node is not null; node = node.Next)
        {
            if (node.Hash == hash && Same(node.Tags, labels))
                return node.Series;
        }

        return Insert(labels, hash);
    }

    /// <summary>A snapshot, in the order of the labels. With <paramref name="scrape"/>, series of observable instruments that it did not see are forgotten.</summary>
    public MetricSeries[] Series(int? scrape)
    {
        lock (_adding)
        {
            if (scrape is not null)
            {
                var gone = _byLabels.Values.Where(s => s.SeenInScrape != scrape).ToHashSet();
                if (gone.Count > 0)
                    Forget(gone);
            }

            return [.. _byLabels.Values.OrderBy(s => s.Labels, StringComparer.Ordinal)];
        }
    }

    private MetricSeries? Insert(ReadOnlySpan<KeyValuePair<string, object?>> labels, int hash)
    {
        lock (_adding)
        {
            // The same labels in another order are the same series.
            var text = PrometheusText.Labels(labels);
            if (!_byLabels.TryGetValue(text, out var series))
            {
                if (_byLabels.Count >= maxSeries)
                {
                    dropped();
                    return null;
                }

                _byLabels[text] = series = new MetricSeries(text, Bounds);
            }

            if (labels.IsEmpty)
            {
                Volatile.Write(ref _withoutLabels, series);
                return series;
            }

            ref var head = ref _byHash[hash & (_byHash.Length - 1)];
            for (var node = head; node is not null; node = node.Next)
            {
                if (node.Hash == hash && Same(node.Tags, labels))
                    return series;
            }

            Volatile.Write(ref head, new Node(hash, labels.ToArray(), series, head));
            return series;
        }
    }

    private void Forget(HashSet<MetricSeries> gone)
    {
        foreach (var series in gone)
            _byLabels.Remove(series.Labels);
        if (_withoutLabels is not null && gone.Contains(_withoutLabels))
            _withoutLabels = null;
        for (var i = 0; i < _byHash.Length; i++)
        {
            Node? kept = null;
            for (var node = _byHash[i]; node is not null; node = node.Next)
            {
                if (!gone.Contains(node.Series))
                    kept = new Node(node.Hash, node.Tags, node.Series, kept);
            }

            Volatile.Write(ref _byHash[i], kept);
        }
    }

    private static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var hash = new HashCode();
        foreach (var (key, value) in labels)
        {
            hash.Add(key);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    private static bool Same(ReadOnlySpan<KeyValuePair<string, object?>> a, ReadOnlySpan<KeyValuePair<string, object?>> b)
    {
        if (a.Length != b.Length)
            return false;
        for (var i = 0; i < a.Length; i++)
        {
            if (a[i].Key != b[i].Key || !Equals(a[i].Value, b[i].Value))
                return false;
        }

        return true;
    }

    private sealed record Node(int Hash, KeyValuePair<string, object?>[] Tags, MetricSeries Series, Node? Next);
}
