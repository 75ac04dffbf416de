using System.Text.Json;

namespace RestStream.Connect.Tests.Golden;

/// <summary>Records of golden files: with an offset a sink record, without one a source record.</summary>
internal static class GoldenRecord
{
    public static ConnectRecord? Parse(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null)
            return null;

        var keySchema = json.TryGetProperty("keySchema", out var k) ? GoldenSchema.Parse(k) : null;
        var valueSchema = json.TryGetProperty("valueSchema", out var v) ? GoldenSchema.Parse(v) : null;
        var topic = json.GetProperty("topic").GetString()!;
        var partition = json.GetProperty("partition") is { ValueKind: JsonValueKind.Number } p ? p.GetInt32() : (int?)null;
        ConnectRecord record = json.TryGetProperty("offset", out var offset)
            ? new SinkRecord { Topic = topic, Offset = offset.GetInt64(), OriginalTopic = topic, OriginalPartition = partition ?? 0 }
            : new SourceRecord { Topic = topic, SourcePartition = new Dictionary<string, object?>(), SourceOffset = new Dictionary<string, object?>() };
        return record with
        {
            Partition = partition,
            KeySchema = keySchema,
            Key = GoldenValue.Parse(json.GetProperty("key"), keySchema),
            ValueSchema = valueSchema,
            Value = GoldenValue.Parse(json.GetProperty("value"), valueSchema),
            Timestamp = json.GetProperty("timestamp") is { ValueKind: JsonValueKind.Number } t ? t.GetInt64() : null,
            Headers = [.. json.GetProperty("headers").EnumerateArray().Select(Header)],
        };
    }

    private static Header Header(JsonElement json)
    {
        var schema = json.TryGetProperty("schema", out var s) ? GoldenSchema.Parse(s) : null;
        return new Header(json.GetProperty("key").GetString()!, schema, GoldenValue.Parse(json.GetProperty("value"), schema));
    }
}
