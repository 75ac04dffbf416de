using System.Text;
using System.Text.Json;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Topics;

/// <summary>
/// Which topics exist: the log of the internal topic <see cref="TopicNames.Metadata"/>, one JSON record per change, the last one of a name counts.
/// A change is durable when its call returns; one that fails has either not happened or is found done at the next start.
/// </summary>
internal sealed class TopicMetadata(LogDirectory directory, PartitionLog log, TimeProvider clock)
{
    /// <summary>Rewritten at start when it is larger than this and mostly superseded. 4 MiB is read in some 20 ms.</summary>
    private const long RewriteBytes = 4 * 1024 * 1024;

    /// <summary>Records of one rewrite batch; far below any limit of a batch.</summary>
    private const int RewriteBatchBytes = 512 * 1024;

    private static readonly TopicPartition Id = new(TopicNames.Metadata, 0);

    /// <summary>Always flushed, kept for ever, and written on a full disk too: that is how topics are deleted there.</summary>
    public static LogConfig LogConfig { get; } = LogConfig.Default with
    {
        Durability = Durability.Fsync,
        RetentionMs = -1,
        CleanupDelete = false,
        UsesReserve = true,
    };

    public PartitionLog Log => log;

    /// <summary>The metadata log of this directory, made when it is not there.</summary>
    public static TopicMetadata Open(LogDirectory directory, TimeProvider clock) =>
        new(directory, directory.Find(Id) ?? directory.Create(Id, Guid.NewGuid(), LogConfig), clock);

    /// <summary>Reads all of it.</summary>
    public TopicMetadataState Read()
    {
        var state = new TopicMetadataState();
        state.Damage.AddRange(OwnLog.ReadAll(log, batch => Apply(batch, state)));
        return state;
    }

    /// <summary>The topic is there, or is there in a new form.</summary>
    public async Task WriteAsync(TopicRecord topic)
    {
        using var builder = new RecordBatchBuilder();
        Append(builder, topic);
        await directory.AppendAsync(log, builder.Build());
    }

    /// <summary>The topic is gone.</summary>
    public async Task DeleteAsync(string topic)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(Now, false, Encoding.UTF8.GetBytes(topic), true, default);
        await directory.AppendAsync(log, builder.Build());
    }

    /// <summary>Writes all topics anew and gives the log before them up, if that frees most of it. A crash in between leaves both, which read the same.</summary>
    public async Task RewriteIfWorthwhileAsync(TopicMetadataState state)
    {
        var live = state.Topics.Values.Sum(t => 300L + t.Configs.Sum(c => c.Key.Length + c.Value.Length + 6));
        if (log.SizeBytes < RewriteBytes || log.SizeBytes < live * 4 || state.Damage.Count > 0)
            return;

        var start = log.HighWatermark;
        using var builder = new RecordBatchBuilder();
        foreach (var topic in state.Topics.Values)
        {
            Append(builder, topic);
            if (builder.Bytes >= RewriteBatchBytes)
                await directory.AppendAsync(log, builder.Build());
        }

        if (builder.Count > 0)
            await directory.AppendAsync(log, builder.Build());
        await directory.DeleteRecordsAsync(log, start);
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Append(RecordBatchBuilder builder, TopicRecord topic) =>
        builder.Append(Now, false, Encoding.UTF8.GetBytes(topic.Name), false, JsonSerializer.SerializeToUtf8Bytes(topic, TopicRecordJson.Default.TopicRecord));

    private static void Apply(ReadOnlySpan<byte> batch, TopicMetadataState state)
    {
        using var reader = new RecordReader(batch);
        while (reader.MoveNext())
        {
            var record = reader.Current;
            var name = Encoding.UTF8.GetString(record.Key);
            if (state.Topics.Remove(name, out var before))
                state.DeletedIds.Add(before.TopicId);
            if (record.ValueIsNull)
                continue;

            var topic = JsonSerializer.Deserialize(record.Value, TopicRecordJson.Default.TopicRecord)!;
            if (topic.Version > TopicRecord.CurrentVersion)
                throw new BrokerException(ErrorCode.UnknownServerError, $"Topic '{name}' was written by a newer RestStream (metadata version {topic.Version}); start that one.");
            state.Topics[name] = topic;
            state.DeletedIds.Remove(topic.TopicId);
        }
    }
}

/// <summary>What the metadata log says.</summary>
internal sealed class TopicMetadataState
{
    public SortedDictionary<string, TopicRecord> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>Topics that existed and were deleted: whatever is left of them on the disk goes.</summary>
    public HashSet<Guid> DeletedIds { get; } = [];

    /// <summary>What could not be read; then a directory that no record claims may still be a topic.</summary>
    public List<string> Damage { get; } = [];
}
