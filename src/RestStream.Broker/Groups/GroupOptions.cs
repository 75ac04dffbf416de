using System.ComponentModel.DataAnnotations;

namespace RestStream.Broker.Groups;

/// <summary>Settings of consumer groups, section <c>RestStream:Groups</c>.</summary>
public sealed class GroupOptions : IValidatableObject
{
    public const string Section = "RestStream:Groups";

    /// <summary>
    /// Partitions of <c>__consumer_offsets</c>, made when the first group appears; later changes have no effect (Kafka's <c>offsets.topic.num.partitions</c>).
    /// 50 as in Kafka, so that a group lies in the same partition there.
    /// </summary>
    [Range(1, 1_000)]
    public int OffsetsTopicPartitions { get; set; } = 50;

    /// <summary>How long committed offsets outlive their group's last member, or the last commit of a group without members (Kafka's <c>offsets.retention.minutes</c>). 7 days as in Kafka: a long weekend and a holiday.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00")]
    public TimeSpan OffsetsRetention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Pause between two looks for expired offsets. 10 minutes as in Kafka: nothing against a retention of days.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan OffsetsRetentionCheckInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Most bytes of text that may be kept with a committed offset (Kafka's <c>offset.metadata.max.bytes</c>). 4096 as in Kafka.</summary>
    [Range(0, 1024 * 1024)]
    public int OffsetMetadataMaxBytes { get; set; } = 4096;

    /// <summary>Shortest session timeout that a member may ask for. 1 s: below, a pause of the garbage collector ends memberships. Kafka's 6 s are for clients that need a heartbeat thread.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan MinSessionTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest session timeout that a member may ask for: so long may a dead member hold its partitions. 30 min as in Kafka.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxSessionTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// How long the first rebalance of an empty group waits for more members (Kafka's <c>group.initial.rebalance.delay.ms</c>, 3 s there).
    /// None: a rebalance here costs milliseconds, and the first record should not wait for members that may never come.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan InitialRebalanceDelay { get; set; } = TimeSpan.Zero;

    /// <summary>Most members of one group (Kafka's <c>group.max.size</c>, unlimited there). 10,000: more than one topic may have partitions, and a rebalance is still done in a second.</summary>
    [Range(1, 1_000_000)]
    public int MaxGroupSize { get; set; } = 10_000;

    /// <summary>Most groups. 10,000: some KiB each; more is mostly a client that makes up a new name at every start.</summary>
    [Range(1, 10_000_000)]
    public int MaxGroups { get; set; } = 10_000;

    /// <summary>
    /// Most members with a name of their own over all groups, those not forgotten yet included. 100,000: some hundred MiB at the very most; more is mostly a client that makes up
    /// a new name at every call.
    /// </summary>
    [Range(1, 10_000_000)]
    public int MaxNamedMembers { get; set; } = 100_000;

    /// <summary>
    /// How long a member whose session ended is still known by its name, so that its next call joins again as if nothing had been. 5 min: the time in which REST Proxy forgets an instance.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan ConsumerRetention { get; set; } = TimeSpan.FromMinutes(5);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (MinSessionTimeout > MaxSessionTimeout)
            yield return new ValidationResult($"{nameof(MinSessionTimeout)} must not be longer than {nameof(MaxSessionTimeout)}.", [nameof(MinSessionTimeout)]);
    }
}
