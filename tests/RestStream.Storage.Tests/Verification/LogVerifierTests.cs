using System.Buffers.Binary;
using RestStream.Storage.Records;
using RestStream.Storage.Verification;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Verification;

/// <summary>Every check is tripped by damage planted for it. The partition has three segments: offsets 0 to 5, 6 to 11 and 12 to 17, two batches of three each.</summary>
public sealed class LogVerifierTests : IDisposable
{
    private const string First = "00000000000000000000", Second = "00000000000000000006", Third = "00000000000000000012";

    private readonly TempFolder _folder = new("verify");
    private readonly PlantedLog _log;

    public LogVerifierTests() => _log = new PlantedLog(Path.Combine(_folder.Path, "orders-0"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_sound_data_directory_has_no_finding()
    {
        var report = LogVerifier.Verify(_folder.Path);

        Assert.Empty(report.Findings);
        Assert.Equal((1, 3, 6, 18), (report.Partitions, report.Segments, report.Batches, report.Records));
        Assert.Equal(Directory.EnumerateFiles(_log.Directory, "*.log").Sum(f => new FileInfo(f).Length), report.Bytes);
        Assert.Empty(LogVerifier.Verify(_log.Directory).Findings);
        Assert.Empty(LogVerifier.Verify(_log.File($"{Second}.log")).Findings);
    }

    private sealed record Plant(FindingKind Kind, string File, long Position, string Words, Action<PlantedLog> Do);

    private static readonly Plant[] Plants =
    [
        new(FindingKind.TornTail, $"{Third}.log", PlantedLog.SegmentBytes, "never finished", log => log.Append($"{Third}.log", new byte[20])),
        new(FindingKind.TornTail, $"{Third}.log", PlantedLog.SegmentBytes, "never finished", log => log.Append($"{Third}.log", new byte[500])),
        new(FindingKind.TornTail, $"{Third}.log", PlantedLog.BatchBytes, "CRC", log => log.Flip($"{Third}.log", PlantedLog.SegmentBytes - 1)),
        new(FindingKind.Checksum, $"{Third}.log", 0, "CRC", log => log.Flip($"{Third}.log", 70)),
        new(FindingKind.Checksum, $"{Second}.log", PlantedLog.BatchBytes, "CRC", log => log.Flip($"{Second}.log", PlantedLog.SegmentBytes - 1)),
        new(FindingKind.BatchLength, $"{Second}.log", 0, "cannot be here", log => log.Put($"{Second}.log", 8, 1 << 20)),
        new(FindingKind.BatchLength, $"{Second}.log", 0, "cannot be here", log => log.Put($"{Second}.log", 8, 5)),
        new(FindingKind.BatchLength, $"{Second}.log", PlantedLog.SegmentBytes, "too few", log => log.Append($"{Second}.log", [1, 2, 3])),
        new(FindingKind.Magic, $"{Second}.log", 0, "Magic is 3", log => log.Flip($"{Second}.log", 16)),
        new(FindingKind.Attributes, $"{Second}.log", 0, "0x0100", log => log.WithCrc($"{Second}.log", 0, batch => batch[21] = 1)),
        new(FindingKind.Attributes, $"{Second}.log", 0, "0x0007", log => log.WithCrc($"{Second}.log", 0, batch => batch[22] = 7)),
        new(FindingKind.Records, $"{Second}.log", 0, "left behind", log => log.WithCrc($"{Second}.log", 0, batch => batch[60] = 2)),
        new(FindingKind.Records, $"{Second}.log", 0, "corrupt", log => log.WithCrc($"{Second}.log", 0, batch => batch[61] = 0x7f)),
        new(FindingKind.LastOffsetDelta, $"{Second}.log", 0, "3 records", log => log.WithCrc($"{Second}.log", 0, batch => batch[26] = 9)),
        new(FindingKind.LastOffsetDelta, $"{Second}.log", 0, "3 records", log => log.WithCrc($"{Second}.log", 0, batch => batch[23] = 0xff)),
        new(FindingKind.MaxTimestamp, $"{Second}.log", 0, "largest is said to be", log => log.WithCrc($"{Second}.log", 0, batch => batch[42]--)),
        new(FindingKind.OffsetOrder, $"{Second}.log", PlantedLog.BatchBytes, "follows 8", log => log.Put($"{Second}.log", PlantedLog.BatchBytes + 4, 7)),
        new(FindingKind.OffsetOrder, $"{Third}.log", 0, "the one before ends at 17", log => log.Append($"{Second}.log", log.Read($"{Third}.log"))),
        new(FindingKind.OffsetGap, $"{Second}.log", PlantedLog.BatchBytes, "follows 8", log => log.Put($"{Second}.log", PlantedLog.BatchBytes + 4, 10)),
        new(FindingKind.OffsetGap, $"{Third}.log", 0, "the one before ends at 5", log => log.Delete(Second)),
        new(FindingKind.BaseOffset, $"{First}.log", 0, "named after 0", log => log.Put($"{First}.log", 4, 1)),
        new(FindingKind.BaseOffset, $"{Second}.log", 0, "named after 6", log => log.Put($"{Second}.log", 4, 5)),
        new(FindingKind.LeaderEpoch, $"{Second}.log", 0, "checkpoint has 1", log => log.Put($"{Second}.log", 12, 9)),
        new(FindingKind.LeaderEpoch, $"{Third}.log", 0, "follows 1", log =>
        {
            log.Put($"{Third}.log", 12, 0);
            log.Write("leader-epoch-checkpoint", "nonsense");
        }),
        new(FindingKind.IndexMissing, $"{Second}.index", 0, "missing", log => File.Delete(log.File($"{Second}.index"))),
        new(FindingKind.IndexMissing, $"{First}.timeindex", 0, "missing", log => File.Delete(log.File($"{First}.timeindex"))),
        new(FindingKind.IndexLength, $"{Second}.index", 8, "no multiple of 8", log => log.Append($"{Second}.index", [0, 0, 0])),
        new(FindingKind.IndexLength, $"{Second}.timeindex", 24, "no multiple of 12", log => log.Append($"{Second}.timeindex", [0, 0, 0])),
        new(FindingKind.IndexOrder, $"{Second}.index", 8, "does not ascend", log => log.Append($"{Second}.index", log.Read($"{Second}.index"))),
        new(FindingKind.IndexOffset, $"{Second}.index", 0, "ends at offset 11", log => log.Put($"{Second}.index", 0, 4)),
        new(FindingKind.IndexPosition, $"{Second}.index", 0, "no batch starts", log => log.Put($"{Second}.index", 4, PlantedLog.BatchBytes - 1)),
        new(FindingKind.IndexPosition, $"{Second}.index", 0, "behind the last batch", log => log.Put($"{Second}.index", 4, PlantedLog.SegmentBytes)),
        new(FindingKind.IndexPosition, $"{Second}.index", 0, "no batch starts", log => log.Put($"{Second}.index", 4, -5)),
        new(FindingKind.TimeIndexOrder, $"{Second}.timeindex", 12, "does not ascend", log => log.Put($"{Second}.timeindex", 16, 0)),
        new(FindingKind.TimeIndexOffset, $"{Second}.timeindex", 0, "no batch ends", log => log.Put($"{Second}.timeindex", 8, 1)),
        new(FindingKind.TimeIndexOffset, $"{Second}.timeindex", 12, "behind the last batch", log => log.Put($"{Second}.timeindex", 20, 99)),
        new(FindingKind.TimeIndexTimestamp, $"{Second}.timeindex", 0, "largest timestamp", log => log.Put($"{Second}.timeindex", 4, 1)),
        new(FindingKind.TimeIndexTimestamp, $"{Second}.timeindex", 0, "finished segment", log => log.Cut($"{Second}.timeindex", 12)),
        new(FindingKind.TransactionIndex, $"{Second}.txnindex", 34, "no multiple of 34", log => log.Append($"{Second}.txnindex", [0])),
        new(FindingKind.TransactionIndex, $"{Second}.txnindex", 0, "Version is 1", log => log.Flip($"{Second}.txnindex", 1)),
        new(FindingKind.TransactionIndex, $"{Second}.txnindex", 0, "behind its end", log => log.Put($"{Second}.txnindex", 14, 99)),
        new(FindingKind.TransactionIndex, $"{Second}.txnindex", 0, "the segment has 6 to 11", log => log.Put($"{Second}.txnindex", 22, 12)),
        new(FindingKind.TransactionIndex, $"{Second}.txnindex", 34, "the one before at 8", log => log.Append($"{Second}.txnindex", log.Read($"{Second}.txnindex"))),
        new(FindingKind.ProducerSnapshot, $"{Second}.snapshot", 2, "CRC", log => log.Flip($"{Second}.snapshot", 12)),
        new(FindingKind.ProducerSnapshot, $"{Second}.snapshot", 0, "Version is 0", log => log.Flip($"{Second}.snapshot", 1)),
        new(FindingKind.ProducerSnapshot, $"{Second}.snapshot", 6, "need 102 bytes", log => log.SnapshotCount($"{Second}.snapshot", 2)),
        new(FindingKind.ProducerSnapshot, $"{Second}.snapshot", 4, "too few", log => log.Cut($"{Second}.snapshot", 4)),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "missing", log => File.Delete(log.File("leader-epoch-checkpoint"))),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "version 0", log => log.Write("leader-epoch-checkpoint", "1\n1\n0 0\n")),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "number of entries, 1", log => log.Write("leader-epoch-checkpoint", "0\n2\n0 0\n")),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "2 columns", log => log.Write("leader-epoch-checkpoint", "0\n1\n0 0 0\n")),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "no epoch", log => log.Write("leader-epoch-checkpoint", "0\n1\n0 x\n")),
        new(FindingKind.EpochCheckpoint, "leader-epoch-checkpoint", 0, "must ascend", log => log.Write("leader-epoch-checkpoint", "0\n2\n1 6\n0 0\n")),
        new(FindingKind.PartitionMetadata, "partition.metadata", 0, "topic_id", log => log.Write("partition.metadata", "version: 1\n")),
        new(FindingKind.Checkpoint, "replication-offset-checkpoint", 0, "version 0", log => log.Write("../replication-offset-checkpoint", "orders 0 18\n")),
        new(FindingKind.Checkpoint, "log-start-offset-checkpoint", 0, "no topic", log => log.Write("../log-start-offset-checkpoint", "0\n1\norders x 18\n")),
        new(FindingKind.RecoveryPoint, "recovery-point-offset-checkpoint", 0, "now ends at 18", log => log.Write("../recovery-point-offset-checkpoint", "0\n1\norders 0 19\n")),
        new(FindingKind.OrphanFile, $"{Second}.index", 0, "no 00000000000000000006.log", log => File.Delete(log.File($"{Second}.log"))),
        new(FindingKind.FileName, "6.log", 0, "20 digits", log => log.Write("6.log", "")),
        new(FindingKind.FileName, "-0000000000000000006.index", 0, "20 digits", log => log.Write("-0000000000000000006.index", "")),
    ];

    public static TheoryData<int> PlantNumbers => [.. Enumerable.Range(0, Plants.Length)];

    [Theory, MemberData(nameof(PlantNumbers))]
    public void Planted_damage_is_found_where_it_is(int number)
    {
        var plant = Plants[number];
        plant.Do(_log);

        var findings = LogVerifier.Verify(_folder.Path).Findings;

        Assert.True(
            findings.Any(f => f.Kind == plant.Kind && Path.GetFileName(f.File) == plant.File && f.Position == plant.Position && f.Message.Contains(plant.Words, StringComparison.Ordinal)),
            $"{plant.Kind} in {plant.File} at {plant.Position} with '{plant.Words}' is not among:\n{string.Join('\n', findings)}");
    }

    [Fact]
    public void No_check_is_without_planted_damage() => Assert.Equal(Enum.GetValues<FindingKind>(), Plants.Select(p => p.Kind).Distinct().Order());

    [Fact]
    public void Gaps_are_no_finding_in_a_compacted_topic()
    {
        _log.Delete(Second);
        _log.Put($"{Third}.log", PlantedLog.BatchBytes + 4, 20);
        _log.Put($"{Third}.log", 4, 14);
        foreach (var index in new[] { $"{Third}.index", $"{Third}.timeindex" })
            File.Delete(_log.File(index));

        Assert.Empty(LogVerifier.Verify(_folder.Path, allowGaps: true).Findings);
        Assert.Equal([FindingKind.OffsetGap, FindingKind.BaseOffset, FindingKind.OffsetGap], LogVerifier.Verify(_folder.Path).Findings.Select(f => f.Kind));
    }

    [Fact]
    public void Internal_topics_are_compacted()
    {
        _log.Delete(Second);
        Directory.Move(_log.Directory, Path.Combine(_folder.Path, "__things-0"));

        Assert.Empty(LogVerifier.Verify(_folder.Path).Findings);
    }

    [Fact]
    public void A_running_servers_preallocated_indexes_are_no_finding()
    {
        _log.Append($"{Third}.index", new byte[800]);
        _log.Append($"{Third}.timeindex", new byte[1200]);

        Assert.Empty(LogVerifier.Verify(_folder.Path).Findings);
    }

    [Fact]
    public void Two_damaged_batches_in_a_row_are_two_findings_and_what_follows_is_read()
    {
        _log.Flip($"{First}.log", 70);
        _log.Flip($"{First}.log", PlantedLog.BatchBytes + 70);
        _log.Flip($"{Second}.log", 70);

        var report = LogVerifier.Verify(_folder.Path);

        Assert.Equal(3, report.Batches);
        Assert.Equal([(First, 0L), (First, PlantedLog.BatchBytes), (Second, 0L)],
            report.Findings.Where(f => f.Kind == FindingKind.Checksum).Select(f => (Path.GetFileNameWithoutExtension(f.File), f.Position)));
    }

    [Fact]
    public void A_path_without_a_log_says_what_was_looked_for()
    {
        var empty = Directory.CreateDirectory(Path.Combine(_folder.Path, "empty")).FullName;

        Assert.Contains("topic-0", Assert.Throws<ArgumentException>(() => LogVerifier.Verify(empty)).Message);
        Assert.Contains("does not exist", Assert.Throws<ArgumentException>(() => LogVerifier.Verify(Path.Combine(empty, "no"))).Message);
        Assert.Contains("20 digits", Assert.Throws<ArgumentException>(() => LogVerifier.Verify(_log.File("partition.metadata"))).Message);
    }

    [Fact]
    public void Verifying_changes_no_file()
    {
        _log.Flip($"{Third}.log", PlantedLog.SegmentBytes - 1);
        var before = _log.Fingerprint();

        LogVerifier.Verify(_folder.Path);

        Assert.Equal(before, _log.Fingerprint());
    }
}

/// <summary>A partition directory written by hand, not by the log's own code, and ways to hurt it.</summary>
internal sealed class PlantedLog
{
    // Two batches a segment, each of three records with a value of 7 bytes.
    public static readonly int BatchBytes = Batch(0, 0, 0).Length;
    public static readonly int SegmentBytes = 2 * BatchBytes;

    public PlantedLog(string directory)
    {
        Directory = System.IO.Directory.CreateDirectory(directory).FullName;
        for (var baseOffset = 0; baseOffset < 18; baseOffset += 6)
        {
            var name = baseOffset.ToString("D20");
            var epoch = baseOffset < 6 ? 0 : 1;
            System.IO.File.WriteAllBytes(File(name + ".log"), [.. Batch(baseOffset, epoch, 10 * baseOffset), .. Batch(baseOffset + 3, epoch, 10 * baseOffset + 5)]);
            System.IO.File.WriteAllBytes(File(name + ".index"), BigEndian(5, BatchBytes));
            System.IO.File.WriteAllBytes(File(name + ".timeindex"), [.. TimeEntry(10 * baseOffset + 2, 2), .. TimeEntry(10 * baseOffset + 7, 5)]);
        }

        var snapshot = new byte[56];
        snapshot[1] = 1;
        snapshot[9] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(snapshot.AsSpan(2), Crc32C.Compute(snapshot.AsSpan(6)));
        System.IO.File.WriteAllBytes(File("00000000000000000006.snapshot"), snapshot);
        System.IO.File.WriteAllBytes(File("00000000000000000006.txnindex"), [0, 0, .. new byte[8], .. BigEndian(0, 7), .. BigEndian(0, 8), .. BigEndian(0, 7)]);
        Write("leader-epoch-checkpoint", "0\n2\n0 0\n1 6\n");
        Write("partition.metadata", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA");
        Write("../recovery-point-offset-checkpoint", "0\n2\norders 0 18\ngone 0 1000\n");
        Write("../replication-offset-checkpoint", "");
    }

    public string Directory { get; }

    public string File(string name) => Path.Combine(Directory, name);
    public byte[] Read(string name) => System.IO.File.ReadAllBytes(File(name));
    public void Write(string name, string text) => System.IO.File.WriteAllText(File(name), text);
    public void Append(string name, byte[] bytes) => System.IO.File.WriteAllBytes(File(name), [.. Read(name), .. bytes]);
    public void Cut(string name, int length) => System.IO.File.WriteAllBytes(File(name), Read(name)[..length]);
    public void Flip(string name, int position) => Change(name, bytes => bytes[position] ^= 1);
    public void Put(string name, int position, int value) => Change(name, bytes => BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(position), value));

    /// <summary>Changes a batch and makes its CRC right again.</summary>
    public void WithCrc(string name, int position, Action<byte[]> change) => Change(name, bytes =>
    {
        var batch = bytes[position..(position + BatchBytes)];
        change(batch);
        RecordBatch.WriteCrc(batch);
        batch.CopyTo(bytes, position);
    });

    public void SnapshotCount(string name, byte count) => Change(name, bytes =>
    {
        bytes[9] = count;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(2), Crc32C.Compute(bytes.AsSpan(6)));
    });

    /// <summary>A segment with all its files.</summary>
    public void Delete(string segment)
    {
        foreach (var file in System.IO.Directory.EnumerateFiles(Directory, segment + ".*"))
            System.IO.File.Delete(file);
    }

    public string Fingerprint() => string.Join('\n', System.IO.Directory.EnumerateFiles(Directory).Order()
        .Select(file => $"{file} {System.IO.File.GetLastWriteTimeUtc(file):O} {Convert.ToHexString(System.IO.File.ReadAllBytes(file))}"));

    private void Change(string name, Action<byte[]> change)
    {
        var bytes = Read(name);
        change(bytes);
        System.IO.File.WriteAllBytes(File(name), bytes);
    }

    private static byte[] Batch(int baseOffset, int epoch, long timestamp)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < 3; i++)
            builder.Append(timestamp + i, keyIsNull: true, default, valueIsNull: false, "planted"u8);
        using var batch = builder.Build();
        RecordBatch.SetBaseOffset(batch.Span, baseOffset);
        RecordBatch.SetPartitionLeaderEpoch(batch.Span, epoch);
        return batch.Span.ToArray();
    }

    private static byte[] TimeEntry(int timestamp, int relativeOffset) => [.. BigEndian(0, timestamp), .. BigEndian(relativeOffset)];

    private static byte[] BigEndian(params ReadOnlySpan<int> values)
    {
        var bytes = new byte[values.Length * 4];
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(i * 4), values[i]);
        return bytes;
    }
}
