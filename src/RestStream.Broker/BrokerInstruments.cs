using System.Diagnostics.Metrics;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Cleaning;

namespace RestStream.Broker;

/// <summary>
/// The instruments of the meter <see cref="MeterName"/>. Names are those of the Prometheus page without <c>_total</c>, which the page adds to counters.
/// What the host knows from <see cref="IBroker"/> (offsets, sizes, disk) it shows by itself. Counts are kept in the topics and read when somebody looks, so the hot path pays an addition.
/// </summary>
internal sealed class BrokerInstruments : IDisposable
{
    public const string MeterName = "RestStream";

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _produceDuration;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _repeated;
    private readonly int _maxTopics;
    private long _corruptBatches;
    private long _slowFlushes;
    private int _parked;
    private long _cleanerPasses, _cleanerBytesRead, _cleanerBytesWritten, _cleanerRecordsRemoved;
    private int _uncleanable;
    private double _lastCleanedPart = 1;

    public BrokerInstruments(BrokerOptions options)
    {
        _maxTopics = options.MaxMetricTopics;
        _produceDuration = _meter.CreateHistogram<double>("reststream_produce_duration_seconds", "s", "From the batch's arrival at the broker to its acknowledgement.");
        _refused = _meter.CreateCounter<long>("reststream_produce_refused", description: "Batches refused, by error code.");
        _repeated = _meter.CreateCounter<long>("reststream_produce_repeated", description: "Requests answered with an earlier result (Producer-Seq, Idempotency-Key); nothing was written.");
        _meter.CreateObservableCounter("reststream_corrupt_batches", () => Interlocked.Read(ref _corruptBatches), description: "Batches found damaged on disk.");
        _meter.CreateObservableCounter("reststream_slow_flushes", () => Interlocked.Read(ref _slowFlushes), description: "Flushes that took unusually long.");
        _meter.CreateObservableCounter("reststream_cleaner_passes", () => Interlocked.Read(ref _cleanerPasses), description: "Compaction passes over a partition.");
        _meter.CreateObservableCounter("reststream_cleaner_read_bytes", () => Interlocked.Read(ref _cleanerBytesRead), "By", "Bytes of segments that compaction replaced.");
        _meter.CreateObservableCounter("reststream_cleaner_written_bytes", () => Interlocked.Read(ref _cleanerBytesWritten), "By", "Bytes of the segments that took their place.");
        _meter.CreateObservableCounter("reststream_cleaner_removed_records", () => Interlocked.Read(ref _cleanerRecordsRemoved), description: "Records that compaction left out.");
        _meter.CreateObservableGauge("reststream_cleaner_last_kept_ratio", () => Volatile.Read(ref _lastCleanedPart), description: "Part of its bytes that the last pass kept.");
        _meter.CreateObservableGauge("reststream_cleaner_uncleanable_partitions", () => Volatile.Read(ref _uncleanable), description: "Partitions that are not compacted until a restart, after a failure.");
        _meter.CreateObservableGauge("reststream_readers_parked", () => ParkedReaders, description: "Readers that wait for new records.");
    }

    public int ParkedReaders => Volatile.Read(ref _parked);

    public bool WantsProduceDuration => _produceDuration.Enabled;

    /// <summary>Instruments that look at a running broker.</summary>
    public void Observe(EmbeddedBroker broker)
    {
        Counter("reststream_records_in", "Records appended.", t => t.Counters.RecordsIn);
        Counter("reststream_records_out", "Records handed to readers.", t => t.Counters.RecordsOut);
        Counter("reststream_bytes_in", "Bytes of batches appended, as stored.", t => t.Counters.BytesIn);
        Counter("reststream_bytes_out", "Bytes of encoded records handed to readers.", t => t.Counters.BytesOut);
        _meter.CreateObservableGauge(
            "reststream_log_size_bytes",
            () => broker.Topics.Take(_maxTopics).Select(t => new Measurement<long>(t.Partitions.Sum(p => p.Log.SizeBytes), Tag("topic", t.Name))),
            "By", "Bytes of all segments on disk.");
        _meter.CreateObservableGauge(
            "reststream_segments",
            () => broker.Topics.Take(_maxTopics).Select(t => new Measurement<long>(t.Partitions.Sum(p => p.Log.SegmentCount), Tag("topic", t.Name))),
            description: "Segments on disk.");
        _meter.CreateObservableGauge("reststream_metric_topics_dropped", () => Math.Max(0, broker.TopicCount - _maxTopics), description: "Topics without metric series of their own.");
        _meter.CreateObservableGauge("reststream_groups", () => broker.Groups.GroupCount, description: "Consumer groups, with members or without.");
        _meter.CreateObservableGauge("reststream_group_members", () => broker.Groups.MemberCount, description: "Members of all groups.");
        _meter.CreateObservableCounter("reststream_group_rebalances", () => broker.Groups.Rebalances, description: "Generations of groups that became stable.");
        _meter.CreateObservableCounter("reststream_group_commits", () => broker.Groups.Commits, description: "Offsets committed.");
        _meter.CreateObservableGauge("reststream_encoded_cache_bytes", () => broker.EncodedCacheBytes, description: "Encoded batches kept for followers.");

        void Counter(string name, string description, Func<Topic, long> value) =>
            _meter.CreateObservableCounter(name, () => broker.Topics.Take(_maxTopics).Select(t => new Measurement<long>(value(t), Tag("topic", t.Name))), description: description);
    }

    public void Produced(double seconds) => _produceDuration.Record(seconds);

    public void ProduceRefused(ErrorCode code)
    {
        if (_refused.Enabled)
            _refused.Add(1, Tag("reason", code.ToString()));
    }

    public void ProduceRepeated() => _repeated.Add(1);

    public void ReaderParked() => Interlocked.Increment(ref _parked);

    public void ReaderLeft() => Interlocked.Decrement(ref _parked);

    public void Cleaned(CleaningResult result)
    {
        Interlocked.Increment(ref _cleanerPasses);
        Interlocked.Add(ref _cleanerBytesRead, result.BytesRead);
        Interlocked.Add(ref _cleanerBytesWritten, result.BytesWritten);
        Interlocked.Add(ref _cleanerRecordsRemoved, result.RecordsRead - result.RecordsKept);
        if (result.BytesRead > 0)
            Volatile.Write(ref _lastCleanedPart, (double)result.BytesWritten / result.BytesRead);
    }

    public void Uncleanable(int partitions) => Volatile.Write(ref _uncleanable, partitions);

    public void CountEvent(StorageEventKind kind)
    {
        if (kind == StorageEventKind.DamageFound)
            Interlocked.Increment(ref _corruptBatches);
        else if (kind == StorageEventKind.SlowFlush)
            Interlocked.Increment(ref _slowFlushes);
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);
}
