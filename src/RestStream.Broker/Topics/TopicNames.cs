namespace RestStream.Broker.Topics;

/// <summary>Which topic names exist and what they mean.</summary>
public static class TopicNames
{
    /// <summary>The internal topic that holds all topics' metadata, one partition. Written by the broker only.</summary>
    public const string Metadata = "__reststream_metadata";

    /// <summary>Kafka's internal topic of consumer groups and their offsets. Written by the broker only.</summary>
    public const string ConsumerOffsets = "__consumer_offsets";

    /// <summary>The internal topic from whose offsets producer ids come, one partition. Written by the broker only.</summary>
    public const string ProducerIds = "__producer_ids";

    /// <summary>The internal topic that holds the requests with an Idempotency-Key, one partition. Written by the broker only.</summary>
    public const string IdempotencyKeys = "__idempotency_keys";

    /// <summary>Kafka's limit: the partition directory <c>name-12345.32hex-delete</c> must fit into the 255 bytes of a file name.</summary>
    public const int MaxLength = 249;

    /// <summary>Null when <paramref name="name"/> may be a topic, else what is wrong with it. Never repeats the name: it may hold anything.</summary>
    public static string? FindProblem(string name)
    {
        if (name.Length == 0)
            return "A topic name must not be empty.";
        if (name.Length > MaxLength)
            return $"A topic name has at most {MaxLength} characters, this one has {name.Length}.";
        if (name is "." or "..")
            return "A topic cannot be named '.' or '..'.";
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return "A topic name consists of the characters A-Z a-z 0-9 . _ - only.";
        }

        return null;
    }

    /// <summary>Hidden from lists unless asked for: <c>__*</c> (this broker's and Kafka's own) and <c>connect-*</c> (the stores of Connect).</summary>
    public static bool IsInternal(string name) =>
        name.StartsWith("__", StringComparison.Ordinal) || name.StartsWith("connect-", StringComparison.Ordinal);

    /// <summary>Written, changed and deleted by the broker alone.</summary>
    internal static bool IsOwn(string name) => name is Metadata or ConsumerOffsets or ProducerIds or IdempotencyKeys;

    /// <summary>
    /// Names with the same key cannot live side by side: Kafka refuses <c>a.b</c> beside <c>a_b</c> because its metric names write both as <c>a_b</c>.
    /// Kept so that a topic can move to Kafka under its name.
    /// </summary>
    internal static string CollisionKey(string name) => name.Contains('.') ? name.Replace('.', '_') : name;
}
