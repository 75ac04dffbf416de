using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Log;

/// <summary>A data directory in the temp folder with the logs that a test opens in it; everything is closed and deleted at the end.</summary>
internal sealed class LogFixture : IDisposable
{
    private readonly List<PartitionLog> _opened = [];

    public LogFixture(IFileSystem? files = null)
    {
        Files = files ?? new LinuxFileSystem();
        Directory = Path.Combine(Path.GetTempPath(), "reststream-log-" + Guid.NewGuid().ToString("N"));
        Files.CreateDirectory(Directory);
    }

    public static TopicPartition Partition { get; } = new("t", 0);

    public IFileSystem Files { get; }
    public string Directory { get; }
    public string PartitionDirectory => Path.Combine(Directory, Partition.ToString());
    public ManualClock Clock { get; } = new();
    public List<StorageEvent> Events { get; } = [];

    public string FileOf(long baseOffset, string suffix) => Path.Combine(PartitionDirectory, baseOffset.ToString("D20") + suffix);

    public PartitionLog Create(LogConfig? config = null)
    {
        var log = PartitionLog.Create(Files, Directory, Partition, new Guid("00112233-4455-6677-8899-aabbccddeeff"), config ?? LogConfig.Default, Clock, Record);
        _opened.Add(log);
        return log;
    }

    public PartitionLog Open(OpenLog how, LogConfig? config = null)
    {
        var log = PartitionLog.Open(Files, Directory, Partition.ToString(), config ?? LogConfig.Default, how, Clock, Record);
        _opened.Add(log);
        return log;
    }

    public PartitionLog OpenClean(long end, LogConfig? config = null, long logStart = -1) =>
        Open(new OpenLog { CleanShutdown = true, RecoveryPoint = end, DurableEnd = end, LogStartOffset = logStart }, config);

    /// <summary>As after a crash: everything below <paramref name="durableEnd"/> was acknowledged.</summary>
    public PartitionLog OpenAfterCrash(long durableEnd, long recoveryPoint = 0, LogConfig? config = null, long logStart = -1, Func<long, byte[]?>? journal = null) =>
        Open(new OpenLog { CleanShutdown = false, RecoveryPoint = recoveryPoint, DurableEnd = durableEnd, LogStartOffset = logStart, JournalBatchAt = journal }, config);

    /// <summary>As the files of another program: nothing is known about them.</summary>
    public PartitionLog OpenForeign(LogConfig? config = null, long recoveryPoint = 0) => OpenAfterCrash(long.MaxValue, recoveryPoint, config);

    /// <summary>Puts a copy of a directory of golden data in the place of the partition.</summary>
    public void CopyPartition(string from)
    {
        Files.CreateDirectory(PartitionDirectory);
        foreach (var path in System.IO.Directory.EnumerateFiles(from))
        {
            if (Path.GetFileName(path) != "expected.json")
                WriteAllBytes(Path.Combine(PartitionDirectory, Path.GetFileName(path)), File.ReadAllBytes(path));
        }
    }

    public byte[] ReadAllBytes(string path)
    {
        using var file = Files.Open(path, create: false);
        var bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(bytes, 0));
        return bytes;
    }

    public void WriteAllBytes(string path, byte[] bytes)
    {
        using var file = Files.Open(path, create: true);
        file.SetLength(0);
        file.Write(bytes, 0);
        file.Flush();
    }

    /// <summary>Forgets the log as a kill -9 would: nothing is written any more.</summary>
    public void Kill(PartitionLog log)
    {
        log.Abandon();
        _opened.Remove(log);
    }

    public void Dispose()
    {
        foreach (var log in _opened)
            log.Abandon();
        Files.DeleteDirectory(Directory);
    }

    private void Record(StorageEvent what)
    {
        lock (Events)
            Events.Add(what);
    }
}

/// <summary>What tests say often about logs.</summary>
internal static class LogTestExtensions
{
    /// <summary>One batch of records with these values and timestamps that begin at <paramref name="timestamp"/>, 1 ms apart, ready to be written at an offset.</summary>
    public static byte[] Batch(long baseOffset, int epoch, long timestamp, params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(timestamp++, keyIsNull: true, default, valueIsNull: false, System.Text.Encoding.UTF8.GetBytes(value));
        using var batch = builder.Build();
        RecordBatch.SetBaseOffset(batch.Span, baseOffset);
        RecordBatch.SetPartitionLeaderEpoch(batch.Span, epoch);
        return batch.Span.ToArray();
    }

    public static void Append(this PartitionLog log, long timestamp, params string[] values) =>
        log.AppendBytes(Batch(log.NextOffset, log.LeaderEpoch, timestamp, values));

    /// <summary>Writes batches as they are and shows them to readers.</summary>
    public static void AppendBytes(this PartitionLog log, params byte[][] batches)
    {
        log.Reserve(batches.Sum(batch => batch.Length));
        log.Write([.. batches.Select(batch => new ReadOnlyMemory<byte>(batch))]);
        log.Publish();
    }

    /// <summary>All records from an offset on as a client that skips damage sees them: offset, timestamp, value.</summary>
    public static List<(long Offset, long Timestamp, string? Value)> ReadAll(this PartitionLog log, long from = -1, int maxBytes = 1024 * 1024)
    {
        var records = new List<(long, long, string?)>();
        foreach (var batch in log.ReadBatches(from, maxBytes))
        {
            if (RecordBatchHeader.Read(batch).IsControl)
                continue;
            using var reader = new RecordReader(batch);
            while (reader.MoveNext())
            {
                if (reader.Current.Offset >= Math.Max(from, log.LogStartOffset))
                    records.Add((reader.Current.Offset, reader.Current.Timestamp, reader.Current.ValueIsNull ? null : System.Text.Encoding.UTF8.GetString(reader.Current.Value)));
            }
        }
        return records;
    }

    /// <summary>All whole batches from an offset on whose records can be read; the others are reported to the log and skipped.</summary>
    public static List<byte[]> ReadBatches(this PartitionLog log, long from = -1, int maxBytes = 1024 * 1024)
    {
        var batches = new List<byte[]>();
        var next = Math.Max(from, log.LogStartOffset);
        while (next < log.HighWatermark)
        {
            using var buffer = BatchBuffer.Rent(1024);
            var before = next;
            try
            {
                log.Read(next, maxBytes, buffer);
            }
            catch (StorageException error) when (error.Error == StorageError.DamagedRange)
            {
                Assert.True(error.Offset > next, $"no progress at {next}: {error.Message}");
                next = error.Offset;
                continue;
            }
            Assert.True(buffer.Length > 0, $"nothing at {next} below {log.HighWatermark}");
            for (var rest = buffer.Span; rest.Length > 0;)
            {
                var header = RecordBatchHeader.Read(rest);
                var batch = rest[..(int)header.TotalBytes];
                Assert.True(header.NextOffset > next || header.BaseOffset >= next, "batches go backwards");
                if (IsReadable(batch))
                {
                    batches.Add(batch.ToArray());
                    next = header.NextOffset;
                }
                else
                {
                    log.ReportDamage(new(header.BaseOffset, header.NextOffset, "", 0, "found by a reader"));
                    next = Math.Max(next, header.BaseOffset);
                    break;
                }
                rest = rest[batch.Length..];
            }
            Assert.True(next > before || log.Damage.Count > 0, $"no progress at {before}");
        }
        return batches;
    }

    private static bool IsReadable(ReadOnlySpan<byte> batch)
    {
        if (!RecordBatch.IsCrcValid(batch))
            return false;
        try
        {
            using var reader = new RecordReader(batch);
            while (reader.MoveNext()) { }
            return true;
        }
        catch (CorruptBatchException)
        {
            return false;
        }
    }
}
