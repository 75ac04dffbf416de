using System.Globalization;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.History;

namespace RestStream.Tests.Faults.Load;

/// <summary>A record as a client makes it; a header <c>id</c> carries the id, so that the value may be anything. <paramref name="Partition"/> -1 leaves it to the server.</summary>
internal sealed record LoadRecord(string Topic, int Partition, string Id, string? Key, string Value, long Timestamp)
{
    private const string IdHeader = "id";

    public ulong Hash => HashOf(Key, Value, [(IdHeader, Id)], Timestamp);

    public HistoryRecord Sent(int partition = -1, long offset = -1) => new(Topic, partition < 0 ? Partition : partition, offset, Id, Hash);

    /// <summary>Adds it as the API takes it.</summary>
    public void WriteTo(StringBuilder json, bool withTopic)
    {
        json.Append('{');
        if (withTopic)
            json.Append(CultureInfo.InvariantCulture, $"\"topic\":\"{Topic}\",");
        if (withTopic && Partition >= 0)
            json.Append(CultureInfo.InvariantCulture, $"\"partition\":{Partition},");
        if (Key is not null)
            json.Append(CultureInfo.InvariantCulture, $"\"key\":\"{Key}\",");
        json.Append(CultureInfo.InvariantCulture,
            $"\"value\":{Value},\"headers\":[{{\"key\":\"{IdHeader}\",\"value\":\"{Id}\"}}],\"timestamp\":{Timestamp}}}");
    }

    /// <summary>A record as the API gives it out.</summary>
    public static HistoryRecord Read(JsonElement record)
    {
        var headers = record.TryGetProperty("headers", out var list)
            ? list.EnumerateArray().Select(h => (h.GetProperty("key").GetString()!, h.GetProperty("value").GetString()!)).ToArray()
            : [];
        var key = record.TryGetProperty("key", out var k) && k.ValueKind != JsonValueKind.Null ? k.GetString() : null;
        return new(
            record.GetProperty("topic").GetString()!,
            record.GetProperty("partition").GetInt32(),
            record.GetProperty("offset").GetInt64(),
            headers.FirstOrDefault(h => h.Item1 == IdHeader).Item2 ?? "(no id)",
            HashOf(key, record.GetProperty("value").GetRawText(), headers, record.GetProperty("timestamp").GetInt64()));
    }

    private static ulong HashOf(string? key, string value, IEnumerable<(string Key, string Value)> headers, long timestamp)
    {
        var hash = 14695981039346656037UL;
        void Add(string? text)
        {
            foreach (var c in text ?? "\uffff")
                hash = (hash ^ c) * 1099511628211UL;
            hash = (hash ^ 0x1ffff) * 1099511628211UL;
        }

        Add(key);
        Add(value);
        foreach (var header in headers)
        {
            Add(header.Key);
            Add(header.Value);
        }
        Add(timestamp.ToString(CultureInfo.InvariantCulture));
        return hash;
    }
}
