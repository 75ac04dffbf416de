using System.Diagnostics.Metrics;

namespace RestStream.Storage;

/// <summary>Instruments of the log, on the meter <c>RestStream</c> that all projects share by name.</summary>
internal static class StorageMetrics
{
    private static readonly Meter Meter = new("RestStream");

    public static Histogram<double> FlushDuration { get; } =
        Meter.CreateHistogram<double>("reststream_fsync_duration_seconds", "s", "Time of a flush that appends waited for");

    public static Counter<long> FlushFailures { get; } =
        Meter.CreateCounter<long>("reststream_fsync_failures", description: "Failed writes and flushes; after one, writes are stopped");
}
