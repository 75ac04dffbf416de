using System.Diagnostics.Metrics;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>
/// The instruments of the meter <see cref="MeterName"/>. Names are those of the Prometheus page without <c>_total</c>, which the page adds to counters.
/// Counts are kept in the topics and read when somebody looks, so the hot path pays an addition.
/// </summary>
public sealed class BrokerMetrics : IDisposable
{
    public const string MeterName = "RestStream";

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _produceDuration;
    private readonly Counter<long> _refused;
    private readonly int _maxTopics;
    private readonly bool _perPartition;
    private long _corruptBatches;
    private long _slowFlushes;
    private int _parked;

    internal BrokerMetrics(BrokerOptions options)
    {
        _maxTopics = options.MaxMetricTopics;
        _perPartition = options.PartitionMetrics;
        _produceDuration = _meter.CreateHistogram<double>("reststream_produce_duration_seconds", "s", "From the batch's arrival at the broker to its acknowledgement.");
        _refused = _meter.CreateCounter<long>("reststream_produce_refused", description: "Batches refused, by error code.");
        _meter.CreateObservableCounter("reststream_corrupt_batches", () => Interlocked.Read(ref _corruptBatches), description: "Batches found damaged on disk.");
        _meter.CreateObservableCounter("reststream_slow_flushes", () => Interlocked.Read(ref _slowFlushes), description: "Flushes that took unusually long.");
        _meter.CreateObservableGauge("reststream_readers_parked", () => Volatile.Read(ref _parked), description: "Readers that wait for new records.");
    }

    internal bool WantsProduceDuration => _produceDuration.Enabled;

    /// <summary>Instruments that look at a running broker.</summary>
    internal void Observe(EmbeddedBroker broker)
    {
        Counter("reststream_records_in", "Records appended.", t => t.Counters.RecordsIn);
        Counter("reststream_records_out", "Records handed to readers.", t => t.Counters.RecordsOut);
        Counter("reststream_bytes_in", "Bytes of batches appended, as stored.", t => t.Counters.BytesIn);
        Counter("reststream_bytes_out", "Bytes of encoded records handed to readers.", t => t.Counters.BytesOut);
        Gauge("reststream_log_size_bytes", "Bytes on disk.", p => p.Log.SizeBytes);
        Gauge("reststream_segments", "Segments on disk.", p => p.Log.Segments.Count);
        if (_perPartition)
        {
            PartitionGauge("reststream_log_end_offset", "Next offset readers will see.", p => p.Log.HighWatermark);
            PartitionGauge("reststream_log_start_offset", "First offset kept.", p => p.Log.LogStartOffset);
        }

        _meter.CreateObservableGauge("reststream_topics", () => broker.TopicCount, description: "Topics, internal ones included.");
        _meter.CreateObservableGauge("reststream_partitions", () => broker.PartitionCount, description: "Partitions of all topics.");
        _meter.CreateObservableGauge("reststream_metric_topics_dropped", () => Math.Max(0, broker.TopicCount - _maxTopics), description: "Topics without metric series of their own.");
        _meter.CreateObservableGauge("reststream_disk_free_bytes", () => broker.FreeBytes, "By", "Bytes that may still be written.");
        _meter.CreateObservableGauge("reststream_writes_stopped", () => broker.Health.WritesStoppedReason is null ? 0 : 1, description: "1 after a failed write or flush, until a restart.");
        _meter.CreateObservableGauge("reststream_encoded_cache_bytes", () => broker.EncodedCacheBytes, "By", "Encoded batches kept for followers.");

        void Counter(string name, string description, Func<Topic, long> value) =>
            _meter.CreateObservableCounter(name, () => broker.Topics.Take(_maxTopics).Select(t => new Measurement<long>(value(t), Tag("topic", t.Name))), description: description);

        void Gauge(string name, string description, Func<Partition, long> value) =>
            _meter.CreateObservableGauge(
                name, () => broker.Topics.Take(_maxTopics).Select(t => new Measurement<long>(t.Partitions.Sum(value), Tag("topic", t.Name))), description: description);

        void PartitionGauge(string name, string description, Func<Partition, long> value) =>
            _meter.CreateObservableGauge(
                name,
                () => broker.Topics.Take(_maxTopics).SelectMany(t => t.Partitions)
                    .Select(p => new Measurement<long>(value(p), Tag("topic", p.Id.Topic), Tag("partition", p.Id.Partition))),
                description: description);
    }

    internal void Produced(double seconds) => _produceDuration.Record(seconds);

    internal void ProduceRefused(ErrorCode code)
    {
        if (_refused.Enabled)
            _refused.Add(1, Tag("reason", code.ToString()));
    }

    internal void ReaderParked() => Interlocked.Increment(ref _parked);

    internal void ReaderLeft() => Interlocked.Decrement(ref _parked);

    internal void CountEvent(StorageEventKind kind)
    {
        if (kind == StorageEventKind.DamageFound)
            Interlocked.Increment(ref _corruptBatches);
        else if (kind == StorageEventKind.SlowFlush)
            Interlocked.Increment(ref _slowFlushes);
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);
}
