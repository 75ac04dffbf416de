using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Judges;

/// <summary>
/// What was produced over HTTP, with every codec, keys, headers and nulls over many segments, is accepted by Kafka's dump tool,
/// and python3-kafka reads the same records out of the files.
/// </summary>
[Collection(Faults.ProcessTests.Name)]
public sealed class ForeignJudgeTests : IAsyncLifetime
{
    private const int RecordsPerTopic = 6_000;

    private static readonly (string Topic, Dictionary<string, string> Configs)[] s_topics =
    [
        Topic("as-sent"),
        Topic("gzip", ("compression.type", "gzip")),
        Topic("snappy", ("compression.type", "snappy")),
        Topic("lz4", ("compression.type", "lz4")),
        Topic("zstd", ("compression.type", "zstd")),
        Topic("append-time", ("message.timestamp.type", "LogAppendTime")),
        Topic("append-time-lz4", ("message.timestamp.type", "LogAppendTime"), ("compression.type", "lz4")),
    ];

    private readonly TempFolder _folder = new("judges");
    private readonly Dictionary<(string, int, long), Expected> _expected = [];
    private readonly Random _random = new(Faults.ProcessTests.Seed);

    public async Task InitializeAsync()
    {
        await using var server = await ServerProcess.StartAsync(_folder["data"]);
        foreach (var (topic, configs) in s_topics)
        {
            using var created = await server.Client.PutAsJsonAsync($"topics/{topic}", new { partitions = 2, configs });
            Assert.True(created.StatusCode == HttpStatusCode.Created, await created.Content.ReadAsStringAsync());
            for (var sent = 0; sent < RecordsPerTopic;)
                sent += await SendAsync(server, topic, sent);
        }
        Assert.Equal(0, await server.StopAsync());
    }

    public Task DisposeAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    [RequiresToolFact("kafka")]
    public async Task Kafkas_dump_tool_finds_nothing_wrong_in_any_file()
    {
        var records = await KafkaDumpLog.AssertAcceptsAsync(_folder["data"]);

        Assert.True(records >= _expected.Count, $"{records} of {_expected.Count}");
        Assert.True(Directory.GetFiles(_folder["data/as-sent-0"], "*.log").Length >= 3, "The topics have too few segments to judge by.");
    }

    [RequiresToolFact("python3-kafka", "python3-zstandard")]
    public async Task Python3_kafka_decodes_every_record_to_what_was_sent()
    {
        var seen = 0;
        await foreach (var line in PythonRecords.ReadAsync(_folder["data"], s_topics.Select(t => t.Topic)))
        {
            var record = JsonSerializer.Deserialize<Decoded>(line, JsonSerializerOptions.Web)!;
            var expected = _expected[(record.Topic, record.Partition, record.Offset)];

            Assert.Equal(expected.Key, record.Key);
            Assert.Equal(expected.Value, record.Value);
            Assert.Equal(expected.Headers, record.Headers.Select(h => (h[0]!, h[1])));
            Assert.Equal(expected.Timestamp, record.Timestamp);
            Assert.Equal(expected.AppendTime ? 1 : 0, record.TimestampType);
            Assert.Equal(expected.Codec, record.Codec);
            seen++;
        }

        Assert.Equal(_expected.Count, seen);
    }

    private static (string, Dictionary<string, string>) Topic(string name, params (string Key, string Value)[] configs) =>
        (name, configs.Append(("segment.bytes", "1048576")).ToDictionary(c => c.Item1, c => c.Item2));

    private async Task<int> SendAsync(ServerProcess server, string topic, int first)
    {
        var records = Enumerable.Range(first, _random.Next(1, 100)).Select(Make).ToArray();
        using var content = new StringContent($"[{string.Join(',', records.Select(r => r.Json))}]", Encoding.UTF8, "application/json");
        using var answer = await server.Client.PostAsync($"topics/{topic}/records", content);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, body);

        using var json = JsonDocument.Parse(body);
        foreach (var (record, receipt) in records.Zip(json.RootElement.GetProperty("offsets").EnumerateArray()))
        {
            var appendTime = topic.StartsWith("append-time", StringComparison.Ordinal);
            var codec = topic switch { "gzip" => 1, "snappy" => 2, "lz4" or "append-time-lz4" => 3, "zstd" => 4, _ => 0 };
            Assert.True(appendTime || receipt.GetProperty("timestamp").GetInt64() == record.Expected.Timestamp, body);
            _expected.Add(
                (topic, receipt.GetProperty("partition").GetInt32(), receipt.GetProperty("offset").GetInt64()),
                record.Expected with { Timestamp = receipt.GetProperty("timestamp").GetInt64(), AppendTime = appendTime, Codec = codec });
        }
        return records.Length;
    }

    /// <summary>A record as sent, and what its bytes must be. Values are kept byte for byte, keys and header values as their text.</summary>
    private (string Json, Expected Expected) Make(int number)
    {
        var value = _random.Next(8) switch
        {
            0 => "null",
            1 => "0.0",
            2 => "\"\\u0000 \u00e9 \U0001F600\"",
            3 => "{ \"spaces\" : [ 1 , 2.50, 1e-7 ] }",
            4 => $"\"{new string((char)('a' + (number % 26)), 3000)}\"",
            _ => $"{{\"n\":{number},\"random\":\"{Convert.ToBase64String(Bytes(_random.Next(900)))}\"}}",
        };
        var key = _random.Next(4) == 0 ? null : $"schl\u00fcssel-{number % 17}";
        var headers = Enumerable.Range(0, _random.Next(4)).Select(i => ($"h{i % 2}", _random.Next(5) == 0 ? "" : $"w\u00e4rt{number}")).ToArray();

        // Not in order, as clients' clocks are not.
        var timestamp = 1_790_000_000_000 + (number * 10) - _random.Next(1000);
        var json = $"{{\"value\":{value},\"timestamp\":{timestamp.ToString(CultureInfo.InvariantCulture)}"
            + (key is null ? "" : $",\"key\":\"{key}\"")
            + (headers.Length == 0 ? "" : $",\"headers\":[{string.Join(',', headers.Select(h => $"{{\"key\":\"{h.Item1}\",\"value\":\"{h.Item2}\"}}"))}]") + "}";
        return (json, new Expected(
            key is null ? null : Base64(key), value == "null" ? null : Base64(value), [.. headers.Select(h => (h.Item1, (string?)Base64(h.Item2)))], timestamp));
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private sealed record Expected(string? Key, string? Value, IReadOnlyList<(string, string?)> Headers, long Timestamp, bool AppendTime = false, int Codec = 0);

    private sealed record Decoded(
        string Topic, int Partition, long Offset, long Timestamp, int TimestampType, string? Key, string? Value, IReadOnlyList<string?[]> Headers, int Codec);
}
