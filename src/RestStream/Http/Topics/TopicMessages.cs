using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using RestStream.Broker.Topics;

namespace RestStream.Http.Topics;

/// <summary>Body of <c>PUT</c> and <c>PATCH /topics/{topic}</c>. Config values may be written as JSON strings, numbers or booleans; null in a PATCH means back to the default.</summary>
internal sealed class TopicBody
{
    [JsonPropertyName("partitions")]
    public int? Partitions { get; init; }

    [JsonPropertyName("configs")]
    public IReadOnlyDictionary<string, JsonElement>? Configs { get; init; }

    /// <summary>Members that are not ours; a misspelt one must not be ignored.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }

    /// <summary>Configs as Kafka writes them; null where JSON has null.</summary>
    public Dictionary<string, string?> ConfigTexts() =>
        Configs?.ToDictionary(c => c.Key, c => ConfigText(c.Value), StringComparer.Ordinal) ?? new Dictionary<string, string?>(StringComparer.Ordinal);

    public static string? ConfigText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };
}

/// <summary>Every broken rule of a <see cref="TopicBody"/>, each with its field.</summary>
internal sealed class TopicBodyValidator : AbstractValidator<TopicBody>
{
    /// <param name="nullConfigs">Whether null, back to the default, is a config value.</param>
    public TopicBodyValidator(bool nullConfigs)
    {
        RuleFor(b => b.Partitions).GreaterThan(0).WithMessage("A topic needs at least 1 partition.").OverridePropertyName("partitions");
        RuleFor(b => b.Others).Custom((others, rules) =>
        {
            foreach (var name in others?.Keys ?? [])
                rules.AddFailure(name.Length <= 64 ? name : "body", "There is no such member; a topic has partitions and configs.");
        });
        RuleFor(b => b.Configs).Custom((configs, rules) =>
        {
            var texts = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (key, value) in configs ?? new Dictionary<string, JsonElement>())
            {
                if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                    rules.AddFailure($"configs.{key}", "A config value is a string, a number or a boolean.");
                else if (TopicBody.ConfigText(value) is { } text)
                    texts[key] = text;
                else if (!nullConfigs)
                    rules.AddFailure($"configs.{key}", "A config of a new topic cannot be null; leave it out to have the default.");
                else if (TopicConfigs.Find(key) is null)
                    rules.AddFailure($"configs.{key}", $"There is no topic config '{key}'.");
            }

            foreach (var (key, problem) in TopicConfigs.FindProblems(texts))
                rules.AddFailure($"configs.{key}", problem);
        });
    }
}

/// <summary>Body of <c>POST /topics/{topic}/truncate</c>: per partition an offset or <c>"high_watermark"</c>.</summary>
internal sealed class TruncateBody
{
    [JsonPropertyName("before")]
    public IReadOnlyDictionary<string, JsonElement>? Before { get; init; }

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>Every broken rule of a <see cref="TruncateBody"/>, each with its field.</summary>
internal sealed class TruncateBodyValidator : AbstractValidator<TruncateBody>
{
    public TruncateBodyValidator()
    {
        RuleFor(b => b.Others).Custom((others, rules) =>
        {
            foreach (var name in others?.Keys ?? [])
                rules.AddFailure(name.Length <= 64 ? name : "body", "There is no such member; the body is {\"before\":{\"0\":100,\"1\":\"high_watermark\"}}.");
        });
        RuleFor(b => b.Before).Custom((before, rules) =>
        {
            if (before is not { Count: > 0 })
                rules.AddFailure("before", "before names at least one partition, as in {\"before\":{\"0\":100,\"1\":\"high_watermark\"}}.");
            foreach (var (key, value) in before ?? new Dictionary<string, JsonElement>())
            {
                if (!TryPartition(key, out _))
                    rules.AddFailure("before", "The names in before are partition numbers.");
                else if (!TryOffset(value, out _))
                    rules.AddFailure($"before.{key}", "The place is an offset from 0 on, or \"high_watermark\".");
            }
        });
    }

    public static bool TryPartition(string text, out int partition) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out partition);

    /// <summary>-1 = the high watermark.</summary>
    public static bool TryOffset(JsonElement value, out long offset)
    {
        offset = -1;
        return value.ValueKind == JsonValueKind.String ? value.ValueEquals("high_watermark"u8)
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out offset) && offset >= 0;
    }
}

/// <summary>A topic: REST Proxy v2's members and, outside v2, ours.</summary>
internal sealed record TopicJson(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("topic_id")] string TopicId,
    [property: JsonPropertyName("created")] DateTimeOffset Created,
    [property: JsonPropertyName("internal")] bool Internal,
    [property: JsonPropertyName("configs")] IReadOnlyDictionary<string, string> Configs,
    [property: JsonPropertyName("partitions")] IReadOnlyList<PartitionJson> Partitions)
{
    public static TopicJson From(TopicDescription topic) => new(
        topic.Name, topic.TopicIdText, topic.Created, topic.Internal, topic.Configs, [.. topic.Partitions.Select(PartitionJson.From)]);
}

/// <summary>A partition: REST Proxy v2's members and ours.</summary>
internal sealed record PartitionJson(
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("leader")] int Leader,
    [property: JsonPropertyName("replicas")] IReadOnlyList<ReplicaJson> Replicas,
    [property: JsonPropertyName("log_start_offset")] long LogStartOffset,
    [property: JsonPropertyName("high_watermark")] long HighWatermark,
    [property: JsonPropertyName("bytes")] long Bytes)
{
    public static PartitionJson From(PartitionDescription p) =>
        new(p.Partition, ReplicaJson.BrokerId, ReplicaJson.OnlyOne, p.LogStartOffset, p.HighWatermark, p.Bytes);
}

/// <summary>A topic exactly as REST Proxy v2 shows it.</summary>
internal sealed record V2TopicJson(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("configs")] IReadOnlyDictionary<string, string> Configs,
    [property: JsonPropertyName("partitions")] IReadOnlyList<V2PartitionJson> Partitions)
{
    public static V2TopicJson From(TopicDescription topic) => new(topic.Name, topic.Configs, [.. topic.Partitions.Select(V2PartitionJson.From)]);
}

/// <summary>A partition exactly as REST Proxy v2 shows it.</summary>
internal sealed record V2PartitionJson(
    [property: JsonPropertyName("partition")] int Partition,
    [property: JsonPropertyName("leader")] int Leader,
    [property: JsonPropertyName("replicas")] IReadOnlyList<ReplicaJson> Replicas)
{
    public static V2PartitionJson From(PartitionDescription p) => new(p.Partition, ReplicaJson.BrokerId, ReplicaJson.OnlyOne);
}

/// <summary>There is one broker, with number 0, which has the one replica of everything.</summary>
internal sealed record ReplicaJson(
    [property: JsonPropertyName("broker")] int Broker,
    [property: JsonPropertyName("leader")] bool Leader,
    [property: JsonPropertyName("in_sync")] bool InSync)
{
    public const int BrokerId = 0;

    public static IReadOnlyList<ReplicaJson> OnlyOne { get; } = [new(BrokerId, Leader: true, InSync: true)];
}

/// <summary>A page of topics; <c>next_page_token</c> is null on the last one.</summary>
internal sealed record TopicPageJson(
    [property: JsonPropertyName("topics")] IReadOnlyList<TopicSummaryJson> Topics,
    [property: JsonPropertyName("next_page_token")] string? NextPageToken);

/// <summary>A topic in a list: the configs are those that were set, the records what can be read now.</summary>
internal sealed record TopicSummaryJson(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("topic_id")] string TopicId,
    [property: JsonPropertyName("partitions")] int Partitions,
    [property: JsonPropertyName("configs")] IReadOnlyDictionary<string, string> Configs,
    [property: JsonPropertyName("records")] long Records,
    [property: JsonPropertyName("bytes")] long Bytes,
    [property: JsonPropertyName("internal")] bool Internal)
{
    public static TopicSummaryJson From(TopicDescription topic) => new(
        topic.Name, topic.TopicIdText, topic.Partitions.Count, topic.OverriddenConfigs, topic.Partitions.Sum(p => p.CountRecords()),
        topic.Partitions.Sum(p => p.Bytes), topic.Internal);
}

/// <summary>Where a partition begins and ends (the next offset to be written) and, when asked, the offset at a time.</summary>
internal sealed record OffsetsJson(
    [property: JsonPropertyName("beginning_offset")] long BeginningOffset,
    [property: JsonPropertyName("end_offset")] long EndOffset,
    [property: JsonPropertyName("offset_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? OffsetAt);

/// <summary>A segment file. Times are epoch milliseconds, -1 in an empty segment; <c>state</c> is <c>active</c> (appended to) or <c>sealed</c>.</summary>
internal sealed record SegmentJson(
    [property: JsonPropertyName("base_offset")] long BaseOffset,
    [property: JsonPropertyName("end_offset")] long EndOffset,
    [property: JsonPropertyName("bytes")] long Bytes,
    [property: JsonPropertyName("records")] long Records,
    [property: JsonPropertyName("first_timestamp")] long FirstTimestamp,
    [property: JsonPropertyName("last_timestamp")] long LastTimestamp,
    [property: JsonPropertyName("offset_index_bytes")] long OffsetIndexBytes,
    [property: JsonPropertyName("time_index_bytes")] long TimeIndexBytes,
    [property: JsonPropertyName("state")] string State);

/// <summary>Where the truncated partitions begin now.</summary>
internal sealed record TruncatedJson([property: JsonPropertyName("log_start_offsets")] IReadOnlyDictionary<string, long> LogStartOffsets);

internal sealed record BrokersJson([property: JsonPropertyName("brokers")] IReadOnlyList<int> Brokers);

[JsonSerializable(typeof(TopicBody))]
[JsonSerializable(typeof(TruncateBody))]
[JsonSerializable(typeof(TopicJson))]
[JsonSerializable(typeof(V2TopicJson))]
[JsonSerializable(typeof(TopicPageJson))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<PartitionJson>))]
[JsonSerializable(typeof(IReadOnlyList<V2PartitionJson>))]
[JsonSerializable(typeof(IReadOnlyList<SegmentJson>))]
[JsonSerializable(typeof(OffsetsJson))]
[JsonSerializable(typeof(TruncatedJson))]
[JsonSerializable(typeof(BrokersJson))]
internal sealed partial class TopicJsonContext : JsonSerializerContext;
