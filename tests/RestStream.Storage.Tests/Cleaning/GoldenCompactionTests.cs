using System.Globalization;
using System.Text;
using System.Text.Json;
using RestStream.Storage.Records;
using RestStream.Storage.Tests.Log;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Cleaning;

/// <summary>What Kafka's cleaner left of logs, ours leaves too.</summary>
public sealed class GoldenCompactionTests : IDisposable
{
    private static readonly Lazy<Dictionary<string, JsonElement>> s_histories = new(() =>
        File.ReadLines(Path.Combine(Locations.Golden, "log", "compaction.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(h => h.GetProperty("id").GetString()!));

    private readonly LogFixture _fixture = new();

    public static TheoryData<string> Histories => [.. s_histories.Value.Keys];

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [MemberData(nameof(Histories))]
    public void A_pass_keeps_what_Kafkas_keeps(string id)
    {
        var history = s_histories.Value[id];
        var codec = Enum.Parse<CompressionCodec>(history.GetProperty("codec").GetString()!, ignoreCase: true);
        var log = _fixture.Create(LogConfig.Default with
        {
            CleanupCompact = true,
            CleanupDelete = false,
            MinCleanableDirtyRatio = 0,
            DeleteRetentionMs = history.GetProperty("deleteRetentionMs").GetInt64(),
            SegmentBytes = history.GetProperty("segmentBytes").GetInt32(),
            IndexIntervalBytes = history.GetProperty("indexIntervalBytes").GetInt32(),
        });
        foreach (var step in history.GetProperty("steps").EnumerateArray())
        {
            foreach (var append in step.GetProperty("append").EnumerateArray())
                log.AppendBytes(Batch(append, codec));
            if (step.GetProperty("roll").GetBoolean())
                log.RollActive();
            Assert.Equal(Longs(step, "segmentsBefore"), log.Segments.Select(segment => segment.BaseOffset));
            Assert.Equal(step.GetProperty("lastStableOffset").GetInt64(), log.LastStableOffset);

            log.FirstDirtyOffset = step.GetProperty("firstDirtyOffset").GetInt64();
            var cleanedTo = CleaningRun.Clean(log, step.GetProperty("now").GetInt64(), out var plan);

            // Only whole segments are cleaned. Where there is none, a pass that Kafka is made to do says 0; we do not begin one.
            var end = Longs(step, "segmentsBefore").Last(start => start <= step.GetProperty("firstUncleanableOffset").GetInt64());
            Assert.Equal(end, plan.FirstUncleanableOffset);
            var theirs = step.GetProperty("cleanedTo").ValueKind == JsonValueKind.Null ? 0 : step.GetProperty("cleanedTo").GetInt64();
            Assert.Equal(theirs == 0 ? null : theirs, cleanedTo);
            CheckContents(step, log);
            Assert.Equal(Longs(step, "segments"), log.Segments.Select(segment => segment.BaseOffset));
            Assert.Equal(
                step.GetProperty("txnIndex").EnumerateArray().SelectMany(segment => segment[1].EnumerateArray()).Select(entry => entry.GetRawText()),
                log.AbortedTransactions().Select(entry => JsonSerializer.Serialize(new long[] { 0, entry.ProducerId, entry.FirstOffset, entry.LastOffset, entry.LastStableOffset })));
        }
    }

    /// <summary>The same directory before and after Kafka's cleaner: ours leaves the same segments, byte for byte.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("horizon")]
    public void A_real_brokers_log_becomes_what_its_own_cleaner_made_of_it(string name)
    {
        var after = Path.Combine(Locations.Golden, "log", "partitions", $"compact-{name}-after");
        var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(after, "expected.json"))).RootElement;
        var horizon = expected.GetProperty("batches").EnumerateArray().Where(b => (b.GetProperty("attributes").GetInt32() & 0x40) != 0).Select(b => b.GetProperty("baseTimestamp").GetInt64()).DefaultIfEmpty().First();
        var config = expected.GetProperty("topicConfig");
        var retention = config.TryGetProperty("delete.retention.ms", out var set) ? long.Parse(set.GetString()!, CultureInfo.InvariantCulture) : LogConfig.Default.DeleteRetentionMs;
        _fixture.CopyPartition(Path.Combine(Locations.Golden, "log", "partitions", $"compact-{name}-before"));
        var log = _fixture.OpenClean(expected.GetProperty("logEndOffset").GetInt64(), LogConfig.Default with
        {
            CleanupCompact = true,
            MinCleanableDirtyRatio = 0,
            DeleteRetentionMs = retention,
            SegmentBytes = int.Parse(config.GetProperty("internal.segment.bytes").GetString()!, CultureInfo.InvariantCulture),
            IndexIntervalBytes = int.Parse(config.GetProperty("index.interval.bytes").GetString()!, CultureInfo.InvariantCulture),
        });

        CleaningRun.Clean(log, horizon == 0 ? 1_800_000_000_000 : horizon - retention, out _);

        foreach (var segment in Directory.EnumerateFiles(after, "*.log"))
            Assert.Equal(File.ReadAllBytes(segment), _fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, Path.GetFileName(segment))));
        Assert.Equal(Directory.EnumerateFiles(after, "*.log").Count(), log.SegmentCount);
    }

    /// <summary>These two were written on behind the first part, and of that only what survived is known: what Kafka kept of the first part, ours keeps too, and nothing that is superseded.</summary>
    [Theory]
    [InlineData("producers")]
    [InlineData("transactions")]
    public void What_Kafka_kept_of_producers_and_transactions_is_kept(string name)
    {
        var after = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Locations.Golden, "log", "partitions", $"compact-{name}-after", "expected.json"))).RootElement;
        _fixture.CopyPartition(Path.Combine(Locations.Golden, "log", "partitions", $"compact-{name}-before"));
        var config = LogConfig.Default with { CleanupCompact = true, MinCleanableDirtyRatio = 0, DeleteRetentionMs = 0, SegmentBytes = 2500, IndexIntervalBytes = 300 };
        var end = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Locations.Golden, "log", "partitions", $"compact-{name}-before", "expected.json"))).RootElement.GetProperty("logEndOffset").GetInt64();
        var log = _fixture.OpenClean(end, config);
        log.RollActive();

        CleaningRun.Clean(log, 1_800_000_000_000, out _);

        var kept = log.ReadBatches().SelectMany(Records).ToList();
        Assert.Equal(kept.Count, kept.Select(r => r.Key).Distinct().Count());
        foreach (var record in after.GetProperty("records").EnumerateArray().Where(r => r[0].GetInt64() < end))
            Assert.Contains(kept, r => r.Offset == record[0].GetInt64());
        Assert.Equal(
            after.GetProperty("markers").EnumerateArray().Select(m => m[0].GetInt64()),
            log.ReadBatches().Select(batch => RecordBatchHeader.Read(batch)).Where(h => h.IsControl).Select(h => h.BaseOffset));
    }

    private static List<(long Offset, string Key)> Records(byte[] batch)
    {
        var records = new List<(long, string)>();
        using var reader = new RecordReader(batch);
        while (!reader.Header.IsControl && reader.MoveNext())
            records.Add((reader.Current.Offset, Convert.ToBase64String(reader.Current.Key)));
        return records;
    }

    private static void CheckContents(JsonElement step, PartitionLog log)
    {
        var (survivors, markers, headers) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var batch in log.ReadBatches())
        {
            var header = RecordBatchHeader.Read(batch);
            headers.Add(JsonSerializer.Serialize(new long[]
            {
                header.BaseOffset, header.LastOffset, header.Attributes, header.BaseTimestamp, header.MaxTimestamp, header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.RecordsCount,
            }));
            using var records = new RecordReader(batch);
            while (records.MoveNext())
            {
                var record = records.Current;
                if (header.IsControl)
                    markers.Add($"{record.Offset} {(EndTransactionMarker.TryRead(record, out var marker) && marker.Commit ? "COMMIT" : "ABORT")}");
                else
                    survivors.Add($"{record.Offset} {Encoding.UTF8.GetString(record.Key)} {(record.ValueIsNull ? "null" : Encoding.UTF8.GetString(record.Value))}");
            }
        }

        Assert.Equal(step.GetProperty("survivors").EnumerateArray().Select(s => $"{s[0]} {s[1]} {(s[2].ValueKind == JsonValueKind.Null ? "null" : s[2])}"), survivors);
        Assert.Equal(step.GetProperty("markers").EnumerateArray().Select(m => $"{m[0]} {m[1]}"), markers);
        Assert.Equal(step.GetProperty("batches").EnumerateArray().Select(b => b.GetRawText()), headers);
    }

    private static byte[] Batch(JsonElement append, CompressionCodec codec)
    {
        long producerId = -1;
        short epoch = -1;
        if (append.TryGetProperty("producerId", out var producer))
            (producerId, epoch) = (producer.GetInt64(), append.GetProperty("producerEpoch").GetInt16());
        using var batch = append.TryGetProperty("marker", out var marker)
            ? new EndTransactionMarker(marker.GetString() == "COMMIT", append.GetProperty("coordinatorEpoch").GetInt32()).Build(append.GetProperty("timestamp").GetInt64(), producerId, epoch)
            : Records(append, codec, producerId, epoch);
        RecordBatch.SetBaseOffset(batch.Span, append.GetProperty("offset").GetInt64());
        RecordBatch.SetPartitionLeaderEpoch(batch.Span, 0);
        return batch.Span.ToArray();
    }

    private static BatchBuffer Records(JsonElement append, CompressionCodec codec, long producerId, short epoch)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var record in append.GetProperty("records").EnumerateArray())
        {
            var value = record[2].GetString();
            var key = record[1].GetString();
            builder.Append(record[0].GetInt64(), key is null, Encoding.UTF8.GetBytes(key ?? ""), value is null, Encoding.UTF8.GetBytes(value ?? ""));
        }
        var transactional = append.TryGetProperty("transactional", out var flag) && flag.GetBoolean();
        var sequence = append.TryGetProperty("baseSequence", out var first) ? first.GetInt32() : -1;
        return builder.BuildWith(codec, producerId, epoch, sequence, (short)(transactional ? 0x10 : 0), builder.Count - 1);
    }

    private static IEnumerable<long> Longs(JsonElement step, string name) => step.GetProperty(name).EnumerateArray().Select(number => number.GetInt64());
}
