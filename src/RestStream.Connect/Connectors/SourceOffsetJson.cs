using System.Text.Json;
using System.Text.Json.Nodes;
using RestStream.Connect.Model;
using RestStream.Connect.Stores;
using SourceOffset = (System.Collections.Generic.IReadOnlyDictionary<string, object?>? Partition, System.Collections.Generic.IReadOnlyDictionary<string, object?>? Offset);

namespace RestStream.Connect.Connectors;

/// <summary>Source partitions and offsets between the JSON of <c>/offsets</c> and the values that connectors see, which are those of the offset topic (<see cref="OffsetJson"/>).</summary>
internal static class SourceOffsetJson
{
    /// <summary>In the order of their first mention; the last of two equal partitions wins.</summary>
    public static IReadOnlyList<SourceOffset> Read(IReadOnlyList<OffsetEntry> entries)
    {
        var read = new OrderedDictionary<IReadOnlyDictionary<string, object?>, SourceOffset>(SourcePartitionComparer.Instance);
        var noPartition = new List<SourceOffset>();
        foreach (var (partition, offset) in entries)
        {
            if (Map(partition) is not { } place)
                noPartition = [(null, Map(offset))];
            else
                read[place] = (read.TryGetValue(place, out var first) ? first.Partition : place, Map(offset));
        }

        return [.. noPartition, .. read.Values];
    }

    public static JsonObject Write(IReadOnlyDictionary<string, object?> map) => JsonNode.Parse(OffsetJson.WriteValue(map))!.AsObject();

    private static IReadOnlyDictionary<string, object?>? Map(JsonObject? json) => json is null ? null : OffsetJson.ReadValue(JsonSerializer.SerializeToUtf8Bytes(json));
}
