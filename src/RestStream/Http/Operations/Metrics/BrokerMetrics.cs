using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Hosting;
using RestStream.Settings;

namespace RestStream.Http.Operations.Metrics;

/// <summary>
/// What the log looks like now, asked at each scrape: per topic (offsets and sizes summed over its partitions), or per partition when
/// <see cref="ServerOptions.MetricsPerPartition"/> is on.
/// </summary>
internal sealed class BrokerMetrics
{
    /// <summary>The instruments of one scrape share one walk over the topics.</summary>
    private static readonly TimeSpan s_snapshotAge = TimeSpan.FromMilliseconds(250);

    private readonly BrokerService _service;
    private readonly TimeProvider _clock;
    private readonly bool _perPartition;
    private List<TopicDescription> _topics = [];
    private long _takenAt = long.MinValue;

    public BrokerMetrics(BrokerService service, IMeterFactory meters, TimeProvider clock, IOptions<ServerOptions> options)
    {
        (_service, _clock, _perPartition) = (service, clock, options.Value.MetricsPerPartition);
        var meter = meters.Create(HostMeter.Name);
        meter.CreateObservableGauge("reststream.log.end_offset", () => Each(p => p.HighWatermark), description: "Next offset that a record will get; per topic the sum over its partitions.");
        meter.CreateObservableGauge("reststream.log.start_offset", () => Each(p => p.LogStartOffset), description: "First offset that can be read; per topic the sum over its partitions.");
        meter.CreateObservableGauge("reststream.log.size", () => Each(p => p.Bytes), "By", "Bytes of all segments.");
        meter.CreateObservableGauge("reststream.topics", () => Topics().Count, description: "Topics, internal ones included.");
        meter.CreateObservableGauge("reststream.partitions", () => Topics().Sum(t => t.Partitions.Count), description: "Partitions of all topics.");
        meter.CreateObservableGauge("reststream.disk.free", () => Health(h => h.FreeBytes), "By", "Free bytes of the disk that holds the data directory.");
        meter.CreateObservableGauge("reststream.disk.full", () => Health(h => h.DiskFull ? 1 : 0), description: "1 while appends are refused because the disk is full.");
        meter.CreateObservableGauge("reststream.writes.stopped", () => Health(h => h.WritesStoppedReason is null ? 0 : 1), description: "1 after a failed write or flush: appends are refused until a restart.");
        meter.CreateObservableGauge("reststream.damaged_ranges", () => Health(h => h.Damaged.Sum(d => d.Ranges.Count)), description: "Ranges of offsets that fail their checksum and cannot be read.");
        meter.CreateObservableGauge("reststream.recovery.duration", () => Health(h => h.Recovery.Took.TotalSeconds), "s", "How long opening the log took at the last start.");
        meter.CreateObservableGauge("reststream.ready", () => _service.IsOpen(out _) ? 1 : 0, description: "1 once the log is recovered.");
        meter.CreateObservableGauge("reststream.build_info", () => new Measurement<int>(1,
            new("version", ProductVersion.Version), new("commit", ProductVersion.Commit), new KeyValuePair<string, object?>("runtime", Environment.Version.ToString())),
            description: "Version of the program; always 1.");
    }

    private IEnumerable<Measurement<T>> Health<T>(Func<BrokerHealth, T> value)
        where T : struct => _service.IsOpen(out var broker) ? [new Measurement<T>(value(broker.Health))] : [];

    private IEnumerable<Measurement<long>> Each(Func<PartitionDescription, long> value) => _perPartition
        ? Topics().SelectMany(t => t.Partitions.Select(p => new Measurement<long>(value(p), new("topic", t.Name), new KeyValuePair<string, object?>("partition", p.Partition))))
        : Topics().Select(t => new Measurement<long>(t.Partitions.Sum(value), new KeyValuePair<string, object?>("topic", t.Name)));

    private List<TopicDescription> Topics()
    {
        if (!_service.IsOpen(out var broker))
            return [];
        var now = _clock.GetTimestamp();
        if (_takenAt != long.MinValue && _clock.GetElapsedTime(_takenAt, now) < s_snapshotAge)
            return _topics;

        var topics = new List<TopicDescription>();
        while (broker.ListTopics(topics.Count == 0 ? null : topics[^1].Name, limit: 1000, includeInternal: true) is { Count: > 0 } page)
            topics.AddRange(page);
        (_topics, _takenAt) = (topics, now);
        return topics;
    }
}
