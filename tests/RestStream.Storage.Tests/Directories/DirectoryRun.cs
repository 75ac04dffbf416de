using System.Text;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Tests.Log;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Directories;

/// <summary>A data directory on a disk of the test's choice, and the words to use it with.</summary>
internal sealed class DirectoryRun : IAsyncDisposable
{
    public const string Root = "/data";

    public DirectoryRun(IFileSystem files, LogDirectoryOptions? options = null, string root = Root)
    {
        Options = options ?? Small(root);
        Directory = LogDirectory.Open(Options, files, Clock, e => { lock (Events) Events.Add(e); });
    }

    public ManualClock Clock { get; } = new();
    public List<StorageEvent> Events { get; } = [];
    public LogDirectoryOptions Options { get; }
    public LogDirectory Directory { get; }

    /// <summary>Everything small, so that files are switched, reused and flushed within a few appends.</summary>
    public static LogDirectoryOptions Small(string root = Root) => new()
    {
        Path = root,
        JournalFileBytes = 8 * 1024,
        JournalMaxBytes = 64 * 1024,
        DirectFlushBytes = 2000,
        MinFreeBytes = 0,
    };

    public PartitionLog Log(string topic, LogConfig? config = null, int partition = 0)
    {
        var id = new TopicPartition(topic, partition);
        var log = Directory.Find(id) ?? Directory.Create(id, Guid.NewGuid(), config ?? LogConfig.Default);
        if (config is not null)
            log.Config = config;
        return log;
    }

    public ValueTask<AppendResult> AppendAsync(PartitionLog log, params string[] values) => Directory.AppendAsync(log, Batch(values));

    public BatchBuffer Batch(params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(Clock.GetUtcNow().ToUnixTimeMilliseconds(), keyIsNull: true, default, valueIsNull: false, Encoding.UTF8.GetBytes(value));
        return builder.Build();
    }

    public static List<string> Values(PartitionLog log) => [.. log.ReadAll().Select(r => r.Value!)];

    public ValueTask DisposeAsync() => Directory.DisposeAsync();
}
