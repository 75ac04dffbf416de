using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Verification;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Judges;

/// <summary>Segments that our cleaner wrote, of every codec, with tombstones under a horizon, emptied batches and merged segments, are accepted by Kafka's dump tool and read by python3-kafka.</summary>
[Collection(Faults.ProcessTests.Name)]
public sealed class CompactedJudgeTests : IAsyncLifetime
{
    private const int Keys = 300;

    private static readonly string[] s_topics = ["uncompressed", "gzip", "snappy", "lz4", "zstd", "append-time"];

    private readonly TempFolder _folder = new("compacted");
    private readonly Dictionary<string, List<(long Offset, string Key, string? Value)>> _expected = [];

    public async Task InitializeAsync()
    {
        var clock = new ManualClock();
        await using var broker = await EmbeddedBroker.OpenAsync(_folder.Path, new BrokerOptions { MinFreeBytes = 0 }, new LinuxFileSystem(), clock, NullLogger.Instance);
        foreach (var topic in s_topics)
        {
            var configs = new Dictionary<string, string>
            {
                ["cleanup.policy"] = "compact",
                ["segment.bytes"] = "100000",
                ["delete.retention.ms"] = "3600000",
                ["min.cleanable.dirty.ratio"] = "0.01",
                ["compression.type"] = topic == "append-time" ? "producer" : topic,
                ["message.timestamp.type"] = topic == "append-time" ? "LogAppendTime" : "CreateTime",
            };
            await broker.CreateTopicAsync(new TopicSpec(topic, 1, configs), default);
        }

        // Three passes: one drops what is superseded, one comes upon tombstones and merges, one drops those.
        for (var round = 0; round < 4; round++)
        {
            foreach (var topic in s_topics)
                await WriteAsync(broker, topic, round, clock);
            clock.Advance(TimeSpan.FromHours(2));
            await broker.Compaction.RoundAsync(default);
        }

        foreach (var topic in s_topics)
            _expected[topic] = Read(broker, topic);
    }

    public Task DisposeAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }

    [RequiresToolFact("kafka")]
    public async Task Kafkas_dump_tool_finds_nothing_wrong_in_any_file()
    {
        var records = await KafkaDumpLog.AssertAcceptsAsync(_folder.Path, compacted: true);

        Assert.True(records >= _expected.Values.Sum(e => e.Count), $"{records}");
    }

    [RequiresToolFact("python3-kafka", "python3-zstandard")]
    public async Task Python3_kafka_decodes_the_same_records()
    {
        var read = s_topics.ToDictionary(t => t, _ => new List<(long, string, string?)>());
        await foreach (var line in PythonRecords.ReadAsync(_folder.Path, s_topics))
        {
            using var json = JsonDocument.Parse(line);
            var record = json.RootElement;
            read[record.GetProperty("topic").GetString()!].Add((record.GetProperty("offset").GetInt64(), Text(record.GetProperty("key"))!, Text(record.GetProperty("value"))));
        }

        Assert.All(s_topics, topic => Assert.Equal(_expected[topic], read[topic]));
    }

    [Fact]
    public void Our_own_checker_finds_nothing_and_the_logs_are_what_they_should_be()
    {
        Assert.Empty(LogVerifier.Verify(_folder.Path).Findings);
        foreach (var topic in s_topics)
        {
            // Of the 2,400 that were written; packed ones leave more of them in the segment that is still written to.
            Assert.InRange(_expected[topic].Count, Keys / 2, Keys * 6);
            Assert.Contains(_expected[topic], r => r.Value is null);
            Assert.Equal(_expected[topic].Select(r => r.Offset).Order(), _expected[topic].Select(r => r.Offset));
        }
    }

    private static async Task WriteAsync(EmbeddedBroker broker, string topic, int round, ManualClock clock)
    {
        var random = new Random(round);
        for (var i = 0; i < Keys * 2; i += 20)
        {
            using var builder = new RecordBatchBuilder();
            for (var j = 0; j < 20; j++)
            {
                // The key lives for a while, then is deleted and never written again.
                var key = $"key-{(round * 20) + ((i + j) % Keys)}";
                var value = random.Next(10) == 0 ? null : $"{{\"round\":{round},\"text\":\"{Convert.ToBase64String(Bytes(random, 60))}\"}}";
                builder.Append(clock.GetUtcNow().ToUnixTimeMilliseconds(), false, Encoding.UTF8.GetBytes(key), value is null, Encoding.UTF8.GetBytes(value ?? ""));
            }
            await broker.ProduceAsync(new TopicPartition(topic, 0), builder.Build());
        }
    }

    private static List<(long, string, string?)> Read(EmbeddedBroker broker, string topic)
    {
        var records = new List<(long, string, string?)>();
        using var fetch = broker.OpenFetch([new FetchPosition(new TopicPartition(topic, 0), 0)]);
        var slices = new List<EncodedSlice>();
        while (fetch.Read(Http.Records.RecordJson.Native(Http.DataFormat.Text, Http.DataFormat.Text), int.MaxValue, int.MaxValue, slices) > 0)
        {
            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                {
                    using var json = JsonDocument.Parse(slice.Batch.Record(i));
                    records.Add((json.RootElement.GetProperty("offset").GetInt64(), json.RootElement.GetProperty("key").GetString()!, json.RootElement.GetProperty("value").GetString()));
                }
            }
        }
        return records;
    }

    private static string? Text(JsonElement base64) => base64.ValueKind == JsonValueKind.Null ? null : Encoding.UTF8.GetString(base64.GetBytesFromBase64());

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
