using System.Text;
using System.Text.Json;
using RestStream.Storage.Records;
using RestStream.Storage.Verification;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Verification;

/// <summary>What a real broker wrote is without fault, and what was hurt on purpose is found where it was hurt.</summary>
public sealed class GoldenLogTests
{
    private static readonly string Partitions = Path.Combine(Locations.Golden, "log", "partitions");
    private static readonly string Damaged = Path.Combine(Locations.Golden, "log", "damage");

    public static TheoryData<string> PartitionNames => [.. Names(Partitions)];

    [Theory, MemberData(nameof(PartitionNames))]
    public void A_partition_that_Kafka_wrote_has_no_finding(string name)
    {
        var report = LogVerifier.Verify(Path.Combine(Partitions, name), allowGaps: name.StartsWith("compact-", StringComparison.Ordinal));

        Assert.Empty(report.Findings);
        using var expected = Expected(Partitions, name);
        Assert.Equal(expected.RootElement.GetProperty("batches").GetArrayLength(), report.Batches);
        Assert.Equal(expected.RootElement.GetProperty("batches").EnumerateArray().Sum(b => b.GetProperty("count").GetInt64()), report.Records);
    }

    [Theory, MemberData(nameof(PartitionNames))]
    public void Every_record_that_Kafka_wrote_is_read_as_Kafka_reads_it(string name)
    {
        using var expected = Expected(Partitions, name);
        if (!expected.RootElement.TryGetProperty("records", out var records))
            return;
        var read = new List<string>();
        var batches = new List<string>();
        foreach (var log in Directory.EnumerateFiles(Path.Combine(Partitions, name), "*.log").Order(StringComparer.Ordinal))
            ReadSegment(File.ReadAllBytes(log), read, batches);

        Assert.Equal(records.EnumerateArray().Select(r => r.GetRawText()), read);
        Assert.Equal(
            expected.RootElement.GetProperty("batches").EnumerateArray().Select(b => string.Join(' ', new[] { "baseOffset", "lastOffset", "size", "attributes", "baseTimestamp", "maxTimestamp", "producerId", "count" }.Select(f => b.GetProperty(f).GetInt64()))),
            batches);
    }

    /// <summary>Where each damage must be found: file, position (-1 = at the end), kind. Other findings may follow from it.</summary>
    private static readonly (string Name, string File, long Position, FindingKind Kind)[] Known =
    [
        ("base-offset-back", "00000000000000000049.log", 407, FindingKind.OffsetOrder),
        ("base-offset-forward", "00000000000000000049.log", 407, FindingKind.OffsetGap),
        ("bit-flip-in-attributes", "00000000000000000027.log", 143, FindingKind.Checksum),
        ("bit-flip-in-crc", "00000000000000000049.log", 407, FindingKind.Checksum),
        ("bit-flip-in-leader-epoch", "00000000000000000027.log", 143, FindingKind.LeaderEpoch),
        ("bit-flip-in-magic", "00000000000000000049.log", 161, FindingKind.Magic),
        ("bit-flip-in-record-active", "00000000000000000049.log", 161, FindingKind.Checksum),
        ("bit-flip-in-record-middle-segment", "00000000000000000027.log", 143, FindingKind.Checksum),
        ("compressed-garbage-crc-right", "00000000000000000049.log", 0, FindingKind.Records),
        ("count-too-large-crc-right", "00000000000000000049.log", 161, FindingKind.Records),
        ("count-too-small-crc-right", "00000000000000000049.log", 161, FindingKind.Records),
        ("ff-tail", "00000000000000000049.log", 1169, FindingKind.TornTail),
        ("index-missing", "00000000000000000027.index", 0, FindingKind.IndexMissing),
        ("index-odd-length", "00000000000000000000.index", -1, FindingKind.IndexLength),
        ("index-wrong-offset", "00000000000000000000.index", 0, FindingKind.IndexOffset),
        ("index-wrong-position", "00000000000000000000.index", 0, FindingKind.IndexPosition),
        ("last-offset-delta-crc-right", "00000000000000000049.log", 161, FindingKind.LastOffsetDelta),
        ("length-huge", "00000000000000000049.log", 161, FindingKind.BatchLength),
        ("length-too-large-middle", "00000000000000000027.log", 143, FindingKind.BatchLength),
        ("length-too-small", "00000000000000000049.log", 161, FindingKind.Checksum),
        ("random-tail", "00000000000000000049.log", 1169, FindingKind.TornTail),
        ("segment-missing", "00000000000000000049.log", 0, FindingKind.OffsetGap),
        ("snapshot-crc", "00000000000000000070.snapshot", 2, FindingKind.ProducerSnapshot),
        ("time-index-odd-length", "00000000000000000000.timeindex", -1, FindingKind.IndexLength),
        ("time-index-wrong-offset", "00000000000000000000.timeindex", 0, FindingKind.TimeIndexOffset),
        ("torn-tail-10-bytes", "00000000000000000049.log", 1169, FindingKind.TornTail),
        ("torn-tail-in-body", "00000000000000000049.log", 1169, FindingKind.TornTail),
        ("torn-tail-in-header", "00000000000000000049.log", 1169, FindingKind.TornTail),
        ("txn-index-wrong", "00000000000000000000.txnindex", -1, FindingKind.TransactionIndex),
        ("zero-tail", "00000000000000000049.log", 1169, FindingKind.TornTail),
    ];

    public static TheoryData<string> Damages => [.. Known.Select(k => k.Name)];

    [Theory, MemberData(nameof(Damages))]
    public void Damage_is_found_where_it_was_done(string name)
    {
        var (_, file, position, kind) = Known.Single(k => k.Name == name);

        var report = LogVerifier.Verify(Path.Combine(Damaged, name));

        var finding = Assert.Single(report.Findings, f => f.Kind == kind && Path.GetFileName(f.File) == file);
        if (position >= 0)
            Assert.Equal(position, finding.Position);

        // Elsewhere nothing but the indexes of that segment may disagree.
        Assert.DoesNotContain(report.Findings, f => Path.GetFileName(f.File) != file && Path.ChangeExtension(f.File, "log") != Path.Combine(Damaged, name, file));

        // What is good on both sides of the damage is still read.
        using var expected = Expected(Damaged, name);
        var good = expected.RootElement.GetProperty("sequentialRead").EnumerateArray().Sum(s => s.GetProperty("goodBatches").GetInt64());
        Assert.True(report.Batches >= good, $"{report.Batches} of {good}");
    }

    [Fact]
    public void The_undamaged_partition_has_no_finding() => Assert.Empty(LogVerifier.Verify(Path.Combine(Damaged, "undamaged")).Findings);

    [Fact]
    public void Every_damage_of_the_golden_data_is_covered() =>
        Assert.Equal(Names(Damaged).Except(["undamaged"]), Known.Select(k => k.Name));

    private static void ReadSegment(byte[] log, List<string> records, List<string> batches)
    {
        for (var rest = log.AsSpan(); !rest.IsEmpty;)
        {
            Assert.True(RecordBatch.TryReadTotalBytes(rest, out var totalBytes));
            using var reader = new RecordReader(rest[..totalBytes]);
            var header = reader.Header;
            batches.Add($"{header.BaseOffset} {header.LastOffset} {totalBytes} {header.Attributes} {header.BaseTimestamp} {header.MaxTimestamp} {header.ProducerId} {header.RecordsCount}");
            while (reader.MoveNext())
            {
                if (!header.IsControl)
                    records.Add(Json(reader.Current));
            }
            rest = rest[totalBytes..];
        }
    }

    private static string Json(RecordView record)
    {
        var headers = new StringBuilder();
        var reader = new HeaderReader(record);
        while (reader.MoveNext())
            headers.Append(headers.Length > 0 ? "," : "").Append($"[{JsonSerializer.Serialize(Encoding.UTF8.GetString(reader.Key), Relaxed)},{Base64(reader.ValueIsNull, reader.Value)}]");
        return $"[{record.Offset},{record.Timestamp},{Base64(record.KeyIsNull, record.Key)},{Base64(record.ValueIsNull, record.Value)},[{headers}]]";
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Base64(bool isNull, ReadOnlySpan<byte> bytes) => isNull ? "null" : $"\"{Convert.ToBase64String(bytes)}\"";

    private static JsonDocument Expected(string folder, string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name, "expected.json")));

    private static IEnumerable<string> Names(string folder) => Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);
}
