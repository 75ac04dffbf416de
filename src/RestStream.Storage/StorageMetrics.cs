using System.Diagnostics.Metrics;

namespace RestStream.Storage;

/// <summary>Instruments of the log, on the meter <c>RestStream</c> that all projects share by name.</summary>
internal static class StorageMetrics
{
    private static readonly Meter Meter = new("RestStream");

    public static Histogram<double> FlushDuration { get; } =
        Meter.CreateHistogram<double>("reststream_fsync_duration_seconds", "s", "Time of a flush that appends waited for");

    private static long s_failedFlushes;

    // Observed, not counted, so that it is shown as 0 before the first.
    static StorageMetrics() => Meter.CreateObservableCounter(
        "reststream_fsync_failures", () => Interlocked.Read(ref s_failedFlushes), description: "Failed writes and flushes; after one, writes are stopped");

    public static void FlushFailed() => Interlocked.Increment(ref s_failedFlushes);
}
