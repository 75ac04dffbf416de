using System.Text;
using RestStream.Storage.Cleaning;
using RestStream.Storage.Records;
using RestStream.Storage.Tests.Directories;
using RestStream.Storage.Tests.Log;

namespace RestStream.Storage.Tests.Cleaning;

/// <summary>A record as a test tells them apart.</summary>
internal readonly record struct Keyed(long Offset, string Key, string? Value);

/// <summary>Words for logs of keys and values.</summary>
internal static class KeyedLog
{
    public static LogConfig Config { get; } = LogConfig.Default with
    {
        CleanupCompact = true,
        CleanupDelete = false,
        SegmentBytes = 1500,
        IndexIntervalBytes = 200,
        MinCleanableDirtyRatio = 0,
        DeleteRetentionMs = 60_000,
        FileDeleteDelayMs = 0,
    };

    public static BatchBuffer Batch(CompressionCodec codec, long timestamp, params (string Key, string? Value)[] records)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var (key, value) in records)
            builder.Append(timestamp++, keyIsNull: false, Encoding.UTF8.GetBytes(key), value is null, Encoding.UTF8.GetBytes(value ?? ""));
        return builder.Build(codec);
    }

    /// <summary>Appends and returns the offset of the first record.</summary>
    public static async Task<long> AppendAsync(this DirectoryRun run, PartitionLog log, params (string Key, string? Value)[] records) =>
        (await run.Directory.AppendAsync(log, Batch(CompressionCodec.None, run.Clock.GetUtcNow().ToUnixTimeMilliseconds(), records))).BaseOffset;

    /// <summary>Makes a pass when one is due.</summary>
    public static async Task<CleaningResult?> CleanAsync(this DirectoryRun run, PartitionLog log, long offsetMapBytes = CleaningRun.PlentyOfMemory) =>
        run.Directory.PlanCleaning(log) is { IsDue: true } plan ? await run.Directory.CleanAsync(plan, offsetMapBytes, default) : null;

    /// <summary>All records in order; offsets must grow.</summary>
    public static List<Keyed> ReadKeyed(this PartitionLog log, long from = -1, int maxBytes = 1024 * 1024)
    {
        var found = new List<Keyed>();
        foreach (var batch in log.ReadBatches(from, maxBytes))
        {
            using var records = new RecordReader(batch);
            while (records.MoveNext())
            {
                var record = records.Current;
                if (record.Offset < from)
                    continue;
                Assert.True(found.Count == 0 || record.Offset > found[^1].Offset, $"offset {record.Offset} follows {(found.Count == 0 ? -1 : found[^1].Offset)}");
                found.Add(new(record.Offset, Encoding.UTF8.GetString(record.Key), record.ValueIsNull ? null : Encoding.UTF8.GetString(record.Value)));
            }
        }
        return found;
    }

    /// <summary>The log as a table: the newest record of each key, without those that are deleted.</summary>
    public static SortedDictionary<string, Keyed> Newest(this IEnumerable<Keyed> records)
    {
        var table = new SortedDictionary<string, Keyed>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (record.Value is null)
                table.Remove(record.Key);
            else
                table[record.Key] = record;
        }
        return table;
    }
}
