using System.ComponentModel.DataAnnotations;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker;

/// <summary>Settings of the embedded broker, section <c>RestStream:Broker</c>. Sizes in bytes.</summary>
public sealed class BrokerOptions : IValidatableObject
{
    public const string Section = "RestStream:Broker";

    /// <summary>Partitions of a topic that is made without a count (Kafka's <c>num.partitions</c>). 1: order over the whole topic until the user asks for more.</summary>
    [Range(1, 10_000)]
    public int DefaultPartitions { get; set; } = 1;

    /// <summary>Most topics, internal ones included. 10,000: ten times what a node is tested with daily; each costs some KiB of memory and a directory.</summary>
    [Range(1, 1_000_000)]
    public int MaxTopics { get; set; } = 10_000;

    /// <summary>Most partitions over all topics. 20,000: each may hold open files, and the usual limit of a service is 65,536.</summary>
    [Range(1, 1_000_000)]
    public int MaxPartitions { get; set; } = 20_000;

    /// <summary>Most partitions of one topic. 1,000: far above what one machine gains from, so a larger number is a typing error.</summary>
    [Range(1, 100_000)]
    public int MaxPartitionsPerTopic { get; set; } = 1_000;

    /// <summary>Pause between two passes of retention. 30 s: an expired record is gone soon (Kafka waits 5 minutes), and a pass over idle partitions costs next to nothing.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RetentionCheckInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Pause between two looks for partitions that are due for compaction (Kafka's <c>log.cleaner.backoff.ms</c>). 15 s as in Kafka: a look costs next to nothing, and what is due is
    /// compacted without a pause in between.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan CompactionCheckInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Most memory for the keys of one compaction pass (Kafka's <c>log.cleaner.dedupe.buffer.size</c>), 24 bytes each. 128 MiB as in Kafka: five million different keys, more than most
    /// topics have; a pass takes only what it needs, and more keys only mean more passes.
    /// </summary>
    [Range(64 * 1024, 1L << 35)]
    public long CompactionMemoryBytes { get; set; } = 128L * 1024 * 1024;

    /// <summary>
    /// How long retention by time waits after the machine's clock jumped ahead. 1 h: time for NTP or a person to set it right before anything is deleted
    /// because it looks old. Retention by size goes on.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan ClockJumpHold { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Appends are refused as disk full when less than this is free. 64 MiB: room for deletes, checkpoints and the journal.</summary>
    [Range(0, long.MaxValue)]
    public long MinFreeBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>Size of one journal file. 32 MiB: small enough to recycle often, large enough that switching is rare.</summary>
    [Range(64 * 1024, 1024 * 1024 * 1024)]
    public int JournalFileBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Journaled bytes not yet safe in segments at which appends wait. 512 MiB: replayed in about a second after a crash.</summary>
    [Range(256 * 1024, 1L << 40)]
    public long JournalMaxBytes { get; set; } = 512L * 1024 * 1024;

    /// <summary>Longest that journaled records wait for the background flush of their segments. 10 s: few flushes under load, a short journal.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SegmentFlushInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Encoded batches kept for all followers together. 64 MiB: enough for the newest second of busy partitions, a small part of a small machine.
    /// One partition takes at most a sixteenth.
    /// </summary>
    [Range(0, 1L << 36)]
    public long EncodedCacheBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>
    /// How long an idempotent producer that writes nothing to a partition is remembered there (Kafka's <c>producer.id.expiration.ms</c>). 1 day, as in Kafka.
    /// Afterwards its next batch is taken whatever its sequence.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan ProducerIdExpiration { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Most idempotent producers that one partition remembers. 100,000: about 30 MB; beyond, those that wrote the longest ago are forgotten.</summary>
    [Range(10, 10_000_000)]
    public int MaxProducersPerPartition { get; set; } = 100_000;

    /// <summary>How long a request with an Idempotency-Key is remembered. 24 h: longer than any client retries.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan IdempotencyKeyAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Most requests with an Idempotency-Key that one topic remembers, the newest. 100,000: about 8 MB of memory.</summary>
    [Range(1, 100_000_000)]
    public int IdempotencyKeysPerTopic { get; set; } = 100_000;

    /// <summary>Most that all topics remember together, the newest. 1,000,000: about 80 MB, read in about a second at the start.</summary>
    [Range(1, 100_000_000)]
    public int IdempotencyKeysInAll { get; set; } = 1_000_000;

    /// <summary>Re-reads every batch of every segment at start, not only those since the last flush.</summary>
    public bool VerifyAllOnStart { get; set; }

    /// <summary>Most topics with metric series of their own; the rest is not shown. 1,000: what a Prometheus scrape takes without notice.</summary>
    [Range(0, 100_000)]
    public int MaxMetricTopics { get; set; } = 1_000;

    /// <summary>
    /// Defaults of topic configs, by the topic's name (<c>retention.ms</c>) or by Kafka's broker-wide one (<c>log.retention.hours</c>), so that lines of a
    /// server.properties can be taken over. Empty: Kafka's own defaults, with every acknowledged record flushed.
    /// </summary>
    public IDictionary<string, string> TopicDefaults { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        foreach (var (key, problem) in TopicConfigs.FindProblems(TopicConfigs.FromServerNames(TopicDefaults)))
            yield return new ValidationResult($"{nameof(TopicDefaults)}: {problem}", [$"{nameof(TopicDefaults)}:{key}"]);
        if (JournalMaxBytes < 2L * JournalFileBytes)
            yield return new ValidationResult($"{nameof(JournalMaxBytes)} must be at least twice {nameof(JournalFileBytes)}.", [nameof(JournalMaxBytes)]);
    }

    /// <summary>Most bytes that are written all or nothing: they are one entry of the journal, and four of them must not make appends wait.</summary>
    internal long MaxAtomicBytes => JournalMaxBytes / 4;

    internal LogDirectoryOptions ToLogDirectoryOptions(string dataDirectory) => new()
    {
        Path = Path.GetFullPath(dataDirectory),
        JournalFileBytes = JournalFileBytes,
        JournalMaxBytes = JournalMaxBytes,
        SegmentFlushInterval = SegmentFlushInterval,
        MinFreeBytes = MinFreeBytes,
        VerifyAll = VerifyAllOnStart,
        ProducerExpiration = ProducerIdExpiration,
        MaxProducers = MaxProducersPerPartition,
    };
}
