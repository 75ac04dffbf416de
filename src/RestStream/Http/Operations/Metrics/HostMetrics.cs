using System.Diagnostics.Metrics;
using RestStream.Broker;
using RestStream.Hosting;

namespace RestStream.Http.Operations.Metrics;

/// <summary>What the host knows and the broker does not: which build runs, whether it is ready, what recovery did. Asked at each scrape.</summary>
internal sealed class HostMetrics
{
    private readonly BrokerService _service;

    public HostMetrics(BrokerService service, IMeterFactory meters)
    {
        _service = service;
        var meter = meters.Create(HostMeter.Name);
        meter.CreateObservableGauge("reststream_build_info", () => new Measurement<int>(1,
            new("version", ProductVersion.Version), new("commit", ProductVersion.Commit), new KeyValuePair<string, object?>("runtime", Environment.Version.ToString())),
            description: "Version of the program; always 1.");
        meter.CreateObservableGauge("reststream_ready", () => _service.IsOpen(out _) ? 1 : 0, description: "1 once the log is recovered.");
        meter.CreateObservableGauge("reststream_disk_free_bytes", () => Health(h => h.FreeBytes), "By", "Bytes that may still be written on the disk of the data directory.");
        meter.CreateObservableGauge("reststream_disk_full", () => Health(h => h.DiskFull ? 1 : 0), description: "1 while appends are refused because the disk is full.");
        meter.CreateObservableGauge("reststream_damaged_ranges", () => Health(h => h.Damaged.Sum(d => d.Ranges.Count)),
            description: "Ranges of offsets that fail their checksum and cannot be read.");
        meter.CreateObservableGauge("reststream_recovery_duration_seconds", () => Health(h => h.Recovery.Took.TotalSeconds), "s", "How long opening the log took at the last start.");
    }

    private IEnumerable<Measurement<T>> Health<T>(Func<BrokerHealth, T> value)
        where T : struct => _service.IsOpen(out var broker) ? [new Measurement<T>(value(broker.Health))] : [];
}
