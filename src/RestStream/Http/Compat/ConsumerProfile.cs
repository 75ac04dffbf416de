namespace RestStream.Http.Compat;

/// <summary>Where a group begins that has no committed offset, or whose offset is gone.</summary>
internal enum OffsetReset : byte
{
    Latest,
    Earliest,

    /// <summary>Nowhere: the poll is refused.</summary>
    None,
}

/// <summary>In what the products differ when records are consumed. An instance keeps those of the profile that it was created under.</summary>
internal sealed record ConsumerProfile
{
    /// <summary>A commit names the last record that is done, and the offset behind it is stored. Where not, the number is stored as it is given.</summary>
    public bool CommitNamesLastRecord { get; init; }

    /// <summary>A commit is answered with 200 and an empty list, not with 204.</summary>
    public bool CommitAnswersList { get; init; }

    public OffsetReset Reset { get; init; }
    public bool AutoCommit { get; init; } = true;

    /// <summary>How long a poll waits when it does not say so.</summary>
    public TimeSpan PollWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary><c>consumer.request.timeout.ms</c> of an instance is how long its polls wait when they do not say so.</summary>
    public bool RequestTimeoutIsPollWait { get; init; } = true;

    /// <summary><c>timeout</c> of a poll can make it shorter than that, not longer.</summary>
    public bool TimeoutOnlyShortens { get; init; }

    /// <summary>Made-up names begin with this.</summary>
    public string NamePrefix { get; init; } = "rest-consumer-";

    /// <summary>Settings of a new instance that are known.</summary>
    public required IReadOnlyList<string> CreateMembers { get; init; }

    /// <summary>Numbers of a new instance's settings: as JSON numbers, as strings, or as either.</summary>
    public ConfigNumbers Numbers { get; init; }

    /// <summary>The least <c>fetch.min.bytes</c>; -1 means one byte, too.</summary>
    public int LeastFetchMinBytes { get; init; } = -1;

    /// <summary>The only reset and auto-commit that the product takes; null: all.</summary>
    public OffsetReset? OnlyReset { get; init; }
    public bool? OnlyAutoCommit { get; init; }

    /// <summary>Accept alone decides in which format a poll is answered.</summary>
    public bool AcceptDecides { get; init; }

    /// <summary>The stateless read of a partition must name all its parameters.</summary>
    public bool FetchNamesAll { get; init; }

    /// <summary><c>GET …/subscription</c> shows the assignment, topics and partitions.</summary>
    public bool ShowsAssignment { get; init; }

    /// <summary>A commit may carry a text for each partition.</summary>
    public bool TakesMetadata { get; init; } = true;

    /// <summary>An empty list of topics is a subscription: to nothing.</summary>
    public bool TakesNoTopics { get; init; } = true;

    /// <summary><c>base_uri</c> has the port even when it is the scheme's own.</summary>
    public bool ShowsPort { get; init; }
}

internal enum ConfigNumbers
{
    Either,
    JsonNumbers,
    Strings,
}
