using System.Text.Json.Serialization;

namespace RestStream.Broker.Topics;

/// <summary>
/// What the metadata topic keeps of a topic; its key there is the name, its deletion a null value. Written to disk for good:
/// a field may be added, none may change its meaning (then <see cref="Version"/> grows).
/// </summary>
internal sealed record TopicRecord(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("topic_id")] Guid TopicId,
    [property: JsonPropertyName("partitions")] int Partitions,
    [property: JsonPropertyName("created")] long Created,
    [property: JsonPropertyName("configs")] IReadOnlyDictionary<string, string> Configs)
{
    public const int CurrentVersion = 1;

    [JsonPropertyName("version")]
    public int Version { get; init; } = CurrentVersion;
}

[JsonSerializable(typeof(TopicRecord))]
internal sealed partial class TopicRecordJson : JsonSerializerContext;
