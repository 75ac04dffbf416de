using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using RestStream.Hosting;
using RestStream.Http.Operations.Metrics;
using RestStream.Settings;

namespace RestStream.Tests.Operations;

public sealed class MetricsTests : IDisposable
{
    /// <summary>More than any instrument of the runtime or of a server that another test runs has.</summary>
    private const int MaxSeries = 500;

    private readonly ServiceProvider _services;
    private readonly MetricsCollector _collector;
    private readonly Meter _meter;

    public MetricsTests()
    {
        _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = _services.GetRequiredService<IMeterFactory>();
        _collector = new MetricsCollector(meters, Options.Create(new ServerOptions { MetricsMaxSeries = MaxSeries }));
        _meter = meters.Create(HostMeter.Name);
    }

    public void Dispose()
    {
        _collector.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void A_counter_ends_in_total_and_adds_up_per_set_of_labels()
    {
        var counter = _meter.CreateCounter<long>("test_records_in", description: "Records\nin.");

        counter.Add(2, new KeyValuePair<string, object?>("topic", "a"));
        counter.Add(3, new KeyValuePair<string, object?>("topic", "a"));
        counter.Add(1, new KeyValuePair<string, object?>("topic", "b"));

        Assert.Contains("""
            # HELP test_records_in_total Records\nin.
            # TYPE test_records_in_total counter
            test_records_in_total{topic="a"} 5
            test_records_in_total{topic="b"} 1

            """, _collector.Scrape());
    }

    [Fact]
    public void Labels_in_another_order_are_the_same_series()
    {
        var counter = _meter.CreateCounter<int>("test_pairs");

        counter.Add(1, new("x", 1), new KeyValuePair<string, object?>("y", true));
        counter.Add(1, new("y", true), new KeyValuePair<string, object?>("x", 1));

        Assert.Contains("test_pairs_total{x=\"1\",y=\"true\"} 2\n", _collector.Scrape());
    }

    [Fact]
    public void Label_values_are_escaped()
    {
        _meter.CreateCounter<int>("test_escapes").Add(1, new KeyValuePair<string, object?>("odd.name", "a\"b\\c\nd"));

        Assert.Contains("""test_escapes_total{odd_name="a\"b\\c\nd"} 1""", _collector.Scrape());
    }

    [Fact]
    public void A_histogram_shows_cumulative_buckets_up_to_infinity_and_its_sum_and_count()
    {
        var histogram = _meter.CreateHistogram("test_wait", "s", "Waits.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });

        foreach (var value in new[] { 0.25, 0.5, 0.75, 8 })
            histogram.Record(value, new KeyValuePair<string, object?>("op", "w"));

        Assert.Contains("""
            # TYPE test_wait_seconds histogram
            test_wait_seconds_bucket{op="w",le="0.5"} 2
            test_wait_seconds_bucket{op="w",le="1"} 3
            test_wait_seconds_bucket{op="w",le="+Inf"} 4
            test_wait_seconds_sum{op="w"} 9.5
            test_wait_seconds_count{op="w"} 4

            """, _collector.Scrape());
    }

    [Fact]
    public void An_observed_value_is_shown_as_it_is_and_forgotten_when_it_is_gone()
    {
        var topics = new Dictionary<string, long> { ["a"] = 5, ["b"] = 6 };
        _meter.CreateObservableGauge("test_size", () => topics.Select(t => new Measurement<long>(t.Value, new KeyValuePair<string, object?>("topic", t.Key))), "By");

        Assert.Contains("test_size_bytes{topic=\"a\"} 5\ntest_size_bytes{topic=\"b\"} 6\n", _collector.Scrape());
        topics.Remove("a");
        topics["b"] = 4;
        var after = _collector.Scrape();

        Assert.DoesNotContain("test_size_bytes{topic=\"a\"}", after);
        Assert.Contains("test_size_bytes{topic=\"b\"} 4\n", after);
    }

    [Fact]
    public async Task Meters_that_go_away_while_they_are_asked_are_left_out()
    {
        using var enough = new CancellationTokenSource();
        var coming = Task.Run(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                using var meter = new Meter(HostMeter.Name);
                for (var i = 0; i < 20; i++)
                    meter.CreateObservableGauge($"test_gone_{i}", () => 1);
            }
        });

        for (var i = 0; i < 300; i++)
            Assert.Contains("reststream_metrics_dropped_total", _collector.Scrape());

        await enough.CancelAsync();
        await coming;
    }

    [Fact]
    public void Series_beyond_the_limit_are_dropped_and_counted()
    {
        var counter = _meter.CreateCounter<long>("test_many");

        for (var i = 0; i < MaxSeries + 5; i++)
            counter.Add(1, new KeyValuePair<string, object?>("id", i));
        var text = _collector.Scrape();

        Assert.Equal(MaxSeries, text.Split('\n').Count(l => l.StartsWith("test_many_total{", StringComparison.Ordinal)));
        Assert.Contains("reststream_metrics_dropped_total 5\n", text);
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_written_as_Prometheus_does()
    {
        _meter.CreateObservableGauge("test_odd", () => new[] { new Measurement<double>(double.NaN, new KeyValuePair<string, object?>("n", 1)), new Measurement<double>(double.NegativeInfinity, new KeyValuePair<string, object?>("n", 2)) });

        Assert.Contains("test_odd{n=\"1\"} NaN\ntest_odd{n=\"2\"} -Inf\n", _collector.Scrape());
    }

    [Fact]
    public void A_counter_of_fractions_loses_nothing_under_contention()
    {
        var counter = _meter.CreateCounter<double>("test_contended", "s");

        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < 10_000; i++)
                counter.Add(0.5, new KeyValuePair<string, object?>("k", "v"));
        });

        Assert.Contains("test_contended_seconds_total{k=\"v\"} 20000\n", _collector.Scrape());
    }

    [Fact]
    public void The_runtime_is_measured_too() => Assert.Contains("\ndotnet_gc_collections_total{", _collector.Scrape());

    [Fact]
    public void A_measurement_of_a_known_series_allocates_nothing()
    {
        var counter = _meter.CreateCounter<long>("test_hot");
        counter.Add(1, new KeyValuePair<string, object?>("topic", "a"));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            counter.Add(1, new KeyValuePair<string, object?>("topic", "a"));

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
