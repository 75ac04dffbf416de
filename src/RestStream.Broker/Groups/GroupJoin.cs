namespace RestStream.Broker.Groups;

/// <summary>Who joins a consumer group, and what for.</summary>
public sealed record GroupJoin
{
    public required string Group { get; init; }

    /// <summary>
    /// The member's own lasting name, Kafka's <c>group.instance.id</c>: the same name comes back to the same membership, after a lost connection or a restart of the server too.
    /// Null: a member for once, whose id the coordinator makes up.
    /// </summary>
    public string? InstanceId { get; init; }

    /// <summary>Topics wanted. They need not exist yet; the group is balanced anew when one appears, grows or goes.</summary>
    public IReadOnlyList<string> Topics { get; init; } = [];

    /// <summary>Or all topics whose whole name matches this regular expression (internal topics never do). Null: <see cref="Topics"/> counts.</summary>
    public string? TopicPattern { get; init; }

    /// <summary>
    /// Ways of assignment that the member can live with, best first: <c>range</c>, <c>roundrobin</c>, <c>sticky</c>, <c>cooperative-sticky</c>. The group takes one that all members have, by vote.
    /// </summary>
    public IReadOnlyList<string> Assignors { get; init; } = ["range", "roundrobin", "sticky", "cooperative-sticky"];

    /// <summary>How long the member may be silent (no call, no open connection) before its partitions go to others. Kafka's default, 45 s.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>How long a rebalance waits for the member to finish what it has in hand and come back.</summary>
    public TimeSpan RebalanceTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What the member calls itself, shown by the group's description and part of made-up ids.</summary>
    public string ClientId { get; init; } = "http";

    /// <summary>Where it calls from, such as <c>/127.0.0.1</c>.</summary>
    public string ClientHost { get; init; } = "/127.0.0.1";

    /// <summary>As the protocol has them.</summary>
    internal (int Session, int Rebalance) TimeoutsMs => ((int)SessionTimeout.TotalMilliseconds, (int)Math.Min(int.MaxValue, RebalanceTimeout.TotalMilliseconds));
}
