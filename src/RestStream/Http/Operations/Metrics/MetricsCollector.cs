using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Options;
using RestStream.Hosting;
using RestStream.Settings;

namespace RestStream.Http.Operations.Metrics;

/// <summary>
/// Listens to the meters of this program, of Kestrel, of ASP.NET Core's hosting and of the runtime, and keeps their values for <c>GET /metrics</c>.
/// Instruments made before the collector are found; what they measured before is not.
/// </summary>
internal sealed class MetricsCollector : IDisposable
{
    private static readonly string[] s_foreign = ["Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    /// <summary>Seconds, for histograms that bring no bounds of their own: from a tenth of a flush to what a client gives up on.</summary>
    private static readonly double[] s_defaultBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _publishing = new();
    private readonly Lock _scraping = new();
    private readonly SortedDictionary<string, Entry> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly IMeterFactory _meters;
    private readonly int _maxSeries;
    private readonly MetricFamily _dropped;
    private int _scrape;

    public MetricsCollector(IMeterFactory meters, IOptions<ServerOptions> options)
    {
        _meters = meters;
        _maxSeries = options.Value.MetricsMaxSeries;
        _dropped = Add("reststream_metrics_dropped_total", "Measurements that were not kept because their metric has too many series (RestStream:MetricsMaxSeries).",
            MetricKind.Counter, bounds: null, observable: false)!;
        _dropped.Find([])!.Add(0);

        _listener.InstrumentPublished = Publish;
        // No state: the instrument goes away (a connector that is deleted, a worker that stops) while it is asked.
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, state) => (state as Target)?.Take(value, tags));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, state) => (state as Target)?.Take((double)value, tags));
        _listener.Start();
    }

    /// <summary>Everything as Prometheus text. Asks the observable instruments first; one scrape at a time.</summary>
    public string Scrape()
    {
        lock (_scraping)
        {
            _scrape++;
            _listener.RecordObservableInstruments();
            Entry[] entries;
            lock (_publishing)
                entries = [.. _families.Values];
            var text = new StringBuilder(64 * 1024);
            foreach (var entry in entries)
                PrometheusText.Write(text, entry.Family, entry.Family.Series(entry.Observable ? _scrape : null));
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Publish(Instrument instrument, MeterListener listener)
    {
        // Two hosts in one process (tests) each see their own meters, and those that belong to the process.
        if ((instrument.Meter.Scope is not null && instrument.Meter.Scope != _meters)
            || (instrument.Meter.Name != HostMeter.Name && !s_foreign.Contains(instrument.Meter.Name)))
        {
            return;
        }

        var type = instrument.GetType().GetGenericTypeDefinition();
        var kind = type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter
            : type == typeof(Histogram<>) ? MetricKind.Histogram
            : MetricKind.Gauge;
        var bounds = kind == MetricKind.Histogram ? Bounds(instrument) : null;
        var name = PrometheusText.Name(instrument.Name, instrument.Unit, kind);
        if (Add(name, instrument.Description ?? instrument.Name, kind, bounds, instrument.IsObservable) is { } family)
            listener.EnableMeasurementEvents(instrument, new Target(this, family, sets: instrument.IsObservable || type == typeof(Gauge<>)));
    }

    /// <summary>Null when the name is taken by a metric of another kind; the first one keeps it.</summary>
    private MetricFamily? Add(string name, string help, MetricKind kind, double[]? bounds, bool observable)
    {
        lock (_publishing)
        {
            if (!_families.TryGetValue(name, out var entry))
                _families[name] = entry = new(new MetricFamily(name, help, kind, bounds, _maxSeries, () => _dropped?.Find([])!.Add(1)), observable);
            return entry.Family.Kind == kind && entry.Observable == observable ? entry.Family : null;
        }
    }

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => s_defaultBounds,
    };

    private sealed record Entry(MetricFamily Family, bool Observable);

    /// <summary>Where the measurements of one instrument go.</summary>
    private sealed class Target(MetricsCollector collector, MetricFamily family, bool sets)
    {
        public void Take(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (sets || family.Kind == MetricKind.Histogram)
                Take((double)value, tags);
            else
                family.Find(tags)?.Add(value);
        }

        public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (family.Find(tags) is not { } series)
                return;
            if (sets)
                series.Set(value, collector._scrape);
            else if (family.Kind == MetricKind.Histogram)
                series.Record(value);
            else
                series.Add(value);
        }
    }
}
