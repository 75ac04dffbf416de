using System.ComponentModel.DataAnnotations;

namespace RestStream.Settings;

/// <summary>How members read over HTTP, consumer instances of REST Proxy v2 too, section <c>RestStream:Groups</c>. A native request may name its own timeouts, window and way of assignment.</summary>
internal sealed class GroupMemberOptions
{
    public const string Section = "RestStream:Groups";

    /// <summary>How long a member may be silent before its partitions go to others. Kafka's default, 45 s: a worker may need that long for what one poll gave it.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>How long a rebalance waits for a member to come back. 60 s: longer than a session, so that slow members are not thrown out while they work.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RebalanceTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How partitions are assigned when a member does not say: Kafka's default, range. The other ways are offered to the group behind it.</summary>
    [AllowedValues("range", "roundrobin", "sticky", "cooperative-sticky")]
    public string Assignor { get; set; } = "range";

    /// <summary>
    /// How long a poll waits for its place in the group even when its timeout is shorter: without a place there is nothing to answer. 5 s: a member that is alone needs one flush,
    /// the first group of a server the making of <c>__consumer_offsets</c>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan JoinWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the member of a stream keeps its partitions after the connection was cut. 10 s: a browser is back after 2 s, a restarted program after a few.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:30:00")]
    public TimeSpan RejoinGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Records that a stream sends ahead of the acks. 1,000: some seconds of work, and what is done twice at most when the client dies.</summary>
    [Range(1, 1_000_000)]
    public int StreamWindow { get; set; } = 1_000;

    /// <summary>Largest window that a stream may ask for.</summary>
    [Range(1, 1_000_000)]
    public int MaxStreamWindow { get; set; } = 100_000;
}
