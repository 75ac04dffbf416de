using System.Text;
using System.Text.Json;

using RestStream.Storage.Records;
using RestStream.Storage.Segments;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Log;

/// <summary>Partition directories that a real broker left behind: we must read in them what Kafka read.</summary>
public sealed class GoldenPartitionTests : IDisposable
{
    private readonly LogFixture _fixture = new();

    private static IEnumerable<string> Names =>
        Directory.EnumerateDirectories(Path.Combine(Locations.Golden, "log", "partitions")).Select(directory => Path.GetFileName(directory)!).Order();

    public static TheoryData<string> Partitions => [.. Names];

    public static TheoryData<string, bool> PartitionsCleanAndNot
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var name in Names)
            {
                data.Add(name, true);
                data.Add(name, false);
            }
            return data;
        }
    }

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [MemberData(nameof(PartitionsCleanAndNot))]
    public void Reads_the_batches_and_records_that_Kafka_read(string name, bool clean)
    {
        var (log, expected) = Open(name, clean);

        Assert.Equal(expected.GetProperty("logStartOffset").GetInt64(), log.LogStartOffset);
        Assert.Equal(expected.GetProperty("logEndOffset").GetInt64(), log.HighWatermark);
        Assert.Equal(expected.GetProperty("lastStableOffset").GetInt64(), log.LastStableOffset);
        Assert.Empty(log.Damage);
        var start = log.LogStartOffset;
        var batches = log.ReadBatches().Select(batch => RecordBatchHeader.Read(batch)).ToList();
        Assert.Equal(
            expected.GetProperty("batches").EnumerateArray().Select(Describe).Where(batch => batch.LastOffset >= start),
            batches.Select(header => (header.BaseOffset, header.LastOffset, header.PartitionLeaderEpoch, header.Crc, header.Attributes, header.MaxTimestamp,
                header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.RecordsCount, header.TotalBytes)));
        Assert.Equal(
            expected.GetProperty("records").EnumerateArray()
                .Select(record => (record[0].GetInt64(), record[1].GetInt64(), record[3].ValueKind == JsonValueKind.Null ? null : Encoding.UTF8.GetString(record[3].GetBytesFromBase64())))
                .Where(record => record.Item1 >= start),
            log.ReadAll());
    }

    [Theory]
    [MemberData(nameof(PartitionsCleanAndNot))]
    public void Finds_offsets_in_the_batches_where_Kafka_found_them(string name, bool clean)
    {
        var (log, expected) = Open(name, clean);

        foreach (var fetch in expected.GetProperty("fetch").EnumerateArray())
        {
            var asked = fetch[0].GetInt64();
            using var buffer = BatchBuffer.Rent(1024);
            var read = log.Read(asked, 1, buffer);
            if (fetch[1].ValueKind == JsonValueKind.Null)
                Assert.Equal(0, read);
            else
                Assert.Equal((asked, fetch[1].GetInt64()), (asked, RecordBatchHeader.Read(buffer.Span).BaseOffset));
        }
    }

    [Theory]
    [MemberData(nameof(PartitionsCleanAndNot))]
    public void Finds_times_where_Kafka_found_them(string name, bool clean)
    {
        var (log, expected) = Open(name, clean);

        foreach (var lookup in expected.GetProperty("offsetsForTimes").EnumerateArray())
        {
            TimestampedOffset? answer = lookup[1].ValueKind == JsonValueKind.Null ? null : new(lookup[1][0].GetInt64(), lookup[1][1].GetInt64());
            var time = lookup[0].GetInt64();
            // Kafka takes the file time of a segment that the cleaner emptied for its largest timestamp, looks there, and finds nothing. We go on to the next segment.
            if (answer is null && time >= 0 && log.Segments.Any(segment => segment.Bytes == 0 && !segment.Active))
                answer = log.ReadAll().Where(record => record.Timestamp >= time).Select(record => (TimestampedOffset?)new(record.Offset, record.Timestamp)).FirstOrDefault();
            Assert.Equal((time, answer), (time, log.FindOffset(time)));
        }
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Rebuilds_indexes_and_epochs_as_Kafka_wrote_them(string name)
    {
        var compacted = name.StartsWith("compact", StringComparison.Ordinal) || name.StartsWith("__", StringComparison.Ordinal);
        var (log, expected) = Open(name, clean: false, withoutIndexes: true);
        log.Close();

        foreach (var index in expected.GetProperty("offsetIndex").EnumerateArray())
        {
            var baseOffset = index[0].GetInt64();
            // The cleaner gives its own positions to entries, and a restart begins to count anew.
            if (compacted || name == "epochs")
                continue;
            Assert.Equal(File.ReadAllBytes(Path.Combine(Golden(name), SegmentNames.File(baseOffset, ".index"))), _fixture.ReadAllBytes(_fixture.FileOf(baseOffset, ".index")));
            Assert.Equal(File.ReadAllBytes(Path.Combine(Golden(name), SegmentNames.File(baseOffset, ".timeindex"))), _fixture.ReadAllBytes(_fixture.FileOf(baseOffset, ".timeindex")));
        }
        foreach (var path in Directory.EnumerateFiles(Golden(name), "*.txnindex"))
            Assert.Equal(File.ReadAllBytes(path), _fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, Path.GetFileName(path))));
        var epochs = LeaderEpochs.TryParse(_fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, LeaderEpochs.FileName)))!.Entries;
        // Ours ends with the epoch that the crash began; one of Kafka's that wrote nothing gave its line to it.
        Assert.Equal(
            expected.GetProperty("leaderEpochs").EnumerateArray().Select(line => (line[0].GetInt32(), line[1].GetInt64())).Where(line => line.Item2 < log.HighWatermark),
            epochs.Where(entry => entry.StartOffset < log.HighWatermark));
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Rebuilds_the_producers_as_Kafka_had_them(string name)
    {
        var (log, expected) = Open(name, clean: false, withoutIndexes: true);
        log.Close();

        foreach (var snapshot in expected.GetProperty("snapshots").EnumerateArray())
        {
            // Kafka took these before the cleaner removed batches that they tell of.
            if (name.StartsWith("compact", StringComparison.Ordinal) && name.EndsWith("after", StringComparison.Ordinal))
                break;
            var path = Path.Combine(_fixture.PartitionDirectory, snapshot.GetProperty("file").GetString()!);
            if (!File.Exists(path))
                continue;
            var states = ProducerSnapshot.TryParse(_fixture.ReadAllBytes(path))!;
            Assert.Equal(
                snapshot.GetProperty("producers").EnumerateArray().Select(p => new ProducerState
                {
                    ProducerId = p.GetProperty("producerId").GetInt64(),
                    Epoch = p.GetProperty("epoch").GetInt16(),
                    LastSequence = p.GetProperty("lastSequence").GetInt32(),
                    LastOffset = p.GetProperty("lastOffset").GetInt64(),
                    OffsetDelta = p.GetProperty("offsetDelta").GetInt32(),
                    Timestamp = p.GetProperty("timestamp").GetInt64(),
                    CoordinatorEpoch = p.GetProperty("coordinatorEpoch").GetInt32(),
                    CurrentTransactionFirstOffset = p.GetProperty("currentTxnFirstOffset").GetInt64(),
                }).OrderBy(p => p.ProducerId),
                states.All);
        }
        Assert.True(File.Exists(_fixture.FileOf(log.HighWatermark, ".snapshot")));
    }

    [Theory]
    [InlineData("segments", 512, 4096)]
    [InlineData("append-time", 0, 0)]
    [InlineData("disorder", 200, 3000)]
    [InlineData("codec-mixed", 0, 0)]
    [InlineData("transactions", 300, 3000)]
    [InlineData("idempotent", 0, 0)]
    public void Writing_the_same_batches_gives_the_same_files(string name, int interval, int segmentBytes)
    {
        var expected = Expected(name);
        var config = ConfigOf(expected);
        Assert.True(interval == 0 || (config.IndexIntervalBytes, config.SegmentBytes) == (interval, segmentBytes));
        var (source, _) = Open(name, clean: true);
        var batches = source.ReadBatches(0);
        source.Abandon();
        using var target = new LogFixture();
        var log = target.Create(config);

        foreach (var batch in batches)
            log.AppendBytes(batch);
        log.Close();

        foreach (var path in Directory.EnumerateFiles(Golden(name)))
        {
            var file = Path.GetFileName(path);
            if (file is "expected.json" or "partition.metadata" || file.EndsWith(".snapshot", StringComparison.Ordinal))
                continue;
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(target.ReadAllBytes(Path.Combine(target.PartitionDirectory, file))), file);
        }
    }

    internal static string Golden(string name) => Path.Combine(Locations.Golden, "log", "partitions", name);

    private static JsonElement Expected(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden(name), "expected.json"))).RootElement;

    private static LogConfig ConfigOf(JsonElement expected)
    {
        int Setting(string key, int fallback) =>
            expected.TryGetProperty("topicConfig", out var config) && config.TryGetProperty(key, out var value) ? int.Parse(value.GetString()!) : fallback;
        var compacted = expected.GetProperty("name").GetString()!.StartsWith("compact", StringComparison.Ordinal);
        return LogConfig.Default with
        {
            IndexIntervalBytes = Setting("index.interval.bytes", 4096),
            SegmentBytes = Setting("internal.segment.bytes", LogConfig.Default.SegmentBytes),
            CleanupCompact = compacted,
        };
    }

    private (PartitionLog Log, JsonElement Expected) Open(string name, bool clean, bool withoutIndexes = false)
    {
        var expected = Expected(name);
        _fixture.CopyPartition(Golden(name));
        if (withoutIndexes)
        {
            foreach (var path in Directory.EnumerateFiles(_fixture.PartitionDirectory))
            {
                if (!path.EndsWith(".log", StringComparison.Ordinal) && !path.EndsWith(".metadata", StringComparison.Ordinal) && !path.EndsWith(LeaderEpochs.FileName, StringComparison.Ordinal))
                    File.Delete(path);
            }
        }
        var end = expected.GetProperty("logEndOffset").GetInt64();
        var start = expected.GetProperty("logStartOffset").GetInt64();
        var how = new OpenLog { CleanShutdown = clean, RecoveryPoint = clean ? end : 0, DurableEnd = clean ? end : long.MaxValue, LogStartOffset = start };
        return (_fixture.Open(how, ConfigOf(expected)), expected);
    }

    private static (long BaseOffset, long LastOffset, int, uint, short, long, long, short, int, int, long) Describe(JsonElement batch) =>
        (batch.GetProperty("baseOffset").GetInt64(), batch.GetProperty("lastOffset").GetInt64(), batch.GetProperty("leaderEpoch").GetInt32(), batch.GetProperty("crc").GetUInt32(),
            batch.GetProperty("attributes").GetInt16(), batch.GetProperty("maxTimestamp").GetInt64(), batch.GetProperty("producerId").GetInt64(),
            batch.GetProperty("producerEpoch").GetInt16(), batch.GetProperty("baseSequence").GetInt32(), batch.GetProperty("count").GetInt32(), batch.GetProperty("size").GetInt64());
}
