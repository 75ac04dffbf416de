using System.Text.Json.Serialization;
using RestStream.Http.Compat;
using RestStream.Settings;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>How an instance reads. Fixed when it is created.</summary>
internal sealed record InstanceConfig
{
    /// <summary>The product whose client made it: its commits mean what that product's do.</summary>
    public required ProfileName Profile { get; init; }
    public required DataFormat Format { get; init; }
    public required OffsetReset Reset { get; init; }

    /// <summary>What a poll handed out is committed by the next one.</summary>
    public required bool AutoCommit { get; init; }

    /// <summary>A poll waits until so much is there, or its time is up. At least 1.</summary>
    public int FetchMinBytes { get; init; } = 1;

    /// <summary><c>consumer.request.timeout.ms</c>; null = the profile's.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Kept for the client; there are no transactions that one could read before they are committed.</summary>
    public string IsolationLevel { get; init; } = "read_uncommitted";

    /// <summary>Where the client that created it called from, as Kafka writes it: <c>/192.0.2.7</c>. Shown by the group's description.</summary>
    public string ClientHost { get; init; } = "";
}

/// <summary>What an instance reads: topics or a pattern, shared with its group, or partitions that it chose itself.</summary>
internal sealed record Subscription
{
    public static Subscription None { get; } = new();

    public IReadOnlyList<string> Topics { get; init; } = [];
    public string? Pattern { get; init; }
    public IReadOnlyList<TopicPartition> Partitions { get; init; } = [];

    public bool IsNone => Topics.Count == 0 && Pattern is null && Partitions.Count == 0;

    /// <summary>By topics or pattern: the group decides who reads what.</summary>
    public bool IsShared => Topics.Count > 0 || Pattern is not null;
}

/// <summary>
/// An instance as <see cref="InstanceStore"/> keeps it, in JSON. Written to disk for good: a member may be added, none may change its meaning (then <see cref="Version"/> grows).
/// </summary>
internal sealed record InstanceRecord(
    [property: JsonPropertyName("profile")] string Profile,
    [property: JsonPropertyName("format")] string Format,
    [property: JsonPropertyName("auto_offset_reset")] string Reset,
    [property: JsonPropertyName("auto_commit")] bool AutoCommit,
    [property: JsonPropertyName("fetch_min_bytes")] int FetchMinBytes,
    [property: JsonPropertyName("request_timeout_ms")] long? RequestTimeoutMs,
    [property: JsonPropertyName("isolation_level")] string IsolationLevel,
    [property: JsonPropertyName("topics")] IReadOnlyList<string> Topics,
    [property: JsonPropertyName("topic_pattern")] string? Pattern,
    [property: JsonPropertyName("partitions")] IReadOnlyList<PartitionRecord> Partitions)
{
    public const int CurrentVersion = 1;

    [JsonPropertyName("version")]
    public int Version { get; init; } = CurrentVersion;

    [JsonPropertyName("client_host")]
    public string ClientHost { get; init; } = "";

    public static InstanceRecord From(InstanceConfig config, Subscription subscription) => new(
        Lower(config.Profile), FormatName(config.Format), Lower(config.Reset), config.AutoCommit, config.FetchMinBytes, (long?)config.RequestTimeout?.TotalMilliseconds,
        config.IsolationLevel, subscription.Topics, subscription.Pattern, [.. subscription.Partitions.Select(p => new PartitionRecord(p.Topic, p.Partition))])
    {
        ClientHost = config.ClientHost,
    };

    public InstanceConfig ToConfig() => new()
    {
        Profile = Enum.Parse<ProfileName>(Profile, ignoreCase: true),
        Format = TryFormat(Format) ?? DataFormat.Base64,
        Reset = Enum.Parse<OffsetReset>(Reset, ignoreCase: true),
        AutoCommit = AutoCommit,
        FetchMinBytes = FetchMinBytes,
        RequestTimeout = RequestTimeoutMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
        IsolationLevel = IsolationLevel,
        ClientHost = ClientHost,
    };

    public Subscription ToSubscription() => new()
    {
        Topics = Topics,
        Pattern = Pattern,
        Partitions = [.. Partitions.Select(p => new TopicPartition(p.Topic, p.Partition))],
    };

    /// <summary>The family's names of the formats.</summary>
    public static DataFormat? TryFormat(string name) => name.ToLowerInvariant() switch
    {
        "json" => DataFormat.Json,
        "binary" => DataFormat.Base64,
        "text" => DataFormat.Text,
        _ => null,
    };

    private static string FormatName(DataFormat format) => format switch { DataFormat.Json => "json", DataFormat.Text => "text", _ => "binary" };

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}

internal sealed record PartitionRecord([property: JsonPropertyName("topic")] string Topic, [property: JsonPropertyName("partition")] int Partition);

[JsonSerializable(typeof(InstanceRecord))]
internal sealed partial class InstanceRecordJson : JsonSerializerContext;
