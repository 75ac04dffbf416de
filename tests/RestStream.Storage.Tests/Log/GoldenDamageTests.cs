using System.Text.Json;

using RestStream.Storage.Segments;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Log;

/// <summary>A partition of Kafka's hurt in one place: we serve at least what Kafka serves of it, and never a record that was not written.</summary>
public sealed class GoldenDamageTests : IDisposable
{
    private static readonly LogConfig Config = LogConfig.Default with { IndexIntervalBytes = 300, SegmentBytes = 1700 };
    private static readonly string Folder = Path.Combine(Locations.Golden, "log", "damage");
    private static readonly Lazy<Dictionary<long, (long, string?)>> Undamaged = new(ReadUndamaged);

    private readonly LogFixture _fixture = new();

    private static IEnumerable<string> Names => Directory.EnumerateDirectories(Folder).Select(directory => Path.GetFileName(directory)!).Order();

    public static TheoryData<string> Cases => [.. Names];

    public static TheoryData<string, string> CasesAndStarts
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var name in Names)
            {
                foreach (var start in (string[])["recoverAll", "recoverActive", "clean"])
                    data.Add(name, start);
            }
            return data;
        }
    }

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [MemberData(nameof(CasesAndStarts))]
    public void Serves_what_Kafka_serves_and_more(string name, string start)
    {
        var (log, expected) = Open(name, start);

        var records = log.ReadAll(maxBytes: 1);
        foreach (var (offset, timestamp, value) in records)
            Assert.Equal(Undamaged.Value[offset], (timestamp, value));
        var served = records.Select(record => record.Offset).ToHashSet();
        var owed = expected.GetProperty(start).TryGetProperty("dataOffsets", out var ranges)
            ? ranges.EnumerateArray().SelectMany(range => Range(range[0].GetInt64(), range[1].GetInt64()))
            // Kafka does not open it at all. The tail is no reason.
            : Undamaged.Value.Keys;
        Assert.Empty(owed.Where(Undamaged.Value.ContainsKey).Except(served));
        Assert.Equal(70, log.HighWatermark);
    }

    [Theory]
    [MemberData(nameof(CasesAndStarts))]
    public void Goes_on_at_the_end_and_reads_the_same_after_a_restart(string name, string start)
    {
        var (log, _) = Open(name, start);
        var before = log.ReadAll(maxBytes: 1);
        log.Append(1_700_000_000_000, "after");
        log.Close();

        var reopened = _fixture.OpenForeign(Config);

        var expected = before.Append((70, 1_700_000_000_000, "after"));
        Assert.Equal(expected, reopened.ReadAll());
    }

    [Theory]
    [MemberData(nameof(CasesAndStarts))]
    public void Wrong_index_and_snapshot_files_are_rebuilt(string name, string start)
    {
        if (!name.Contains("index", StringComparison.Ordinal) && !name.StartsWith("snapshot", StringComparison.Ordinal))
            return;
        var (log, _) = Open(name, start);
        log.ReadAll(maxBytes: 1);
        foreach (var (_, (timestamp, _)) in Undamaged.Value)
            log.FindOffset(timestamp);
        log.Append(1_700_000_000_000, "after");
        log.Close();

        foreach (var path in Directory.EnumerateFiles(Path.Combine(Folder, "undamaged")))
        {
            var file = Path.GetFileName(path);
            if (file == "expected.json" || file.StartsWith("00000000000000000049", StringComparison.Ordinal) || file.StartsWith("00000000000000000070", StringComparison.Ordinal))
                continue;
            // A transaction index is read only by a recovery; nothing checks it after a clean stop.
            if (file.EndsWith(".txnindex", StringComparison.Ordinal) && start != "recoverAll")
                continue;
            if (file is LeaderEpochs.FileName)
                continue;
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(_fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, file))), file);
        }
    }

    [Theory]
    [InlineData("torn-tail-10-bytes", 10)]
    [InlineData("torn-tail-in-body", 75)]
    [InlineData("torn-tail-in-header", 38)]
    [InlineData("random-tail", 64)]
    [InlineData("ff-tail", 63)]
    public void Torn_bytes_are_kept_beside_the_log(string name, int tornBytes)
    {
        var (log, _) = Open(name, "recoverActive");

        var kept = Assert.Single(Directory.GetFiles(_fixture.PartitionDirectory, "*.torn-*"));
        var damaged = File.ReadAllBytes(Path.Combine(Folder, name, "00000000000000000049.log"));
        Assert.Equal(damaged[^tornBytes..], File.ReadAllBytes(kept));
        Assert.Equal(tornBytes, log.Opened.TornBytes);
        Assert.Equal(1169, new FileInfo(_fixture.FileOf(49, ".log")).Length);
        Assert.Contains(_fixture.Events, happened => happened.Kind == StorageEventKind.TornTailCut);
        Assert.Empty(log.Damage);
    }

    private (PartitionLog Log, JsonElement Expected) Open(string name, string start)
    {
        var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, name, "expected.json"))).RootElement;
        var end = expected.GetProperty("logEndBefore").GetInt64();
        _fixture.CopyPartition(Path.Combine(Folder, name));
        var log = start switch
        {
            "recoverAll" => _fixture.OpenForeign(Config),
            "recoverActive" => _fixture.OpenAfterCrash(durableEnd: end, recoveryPoint: end, Config),
            _ => _fixture.OpenClean(end, Config),
        };
        return (log, expected);
    }

    private static Dictionary<long, (long, string?)> ReadUndamaged()
    {
        using var fixture = new LogFixture();
        fixture.CopyPartition(Path.Combine(Folder, "undamaged"));
        return fixture.OpenForeign(Config).ReadAll().ToDictionary(record => record.Offset, record => (record.Timestamp, record.Value));
    }

    private static IEnumerable<long> Range(long first, long last)
    {
        for (var offset = first; offset <= last; offset++)
            yield return offset;
    }
}
