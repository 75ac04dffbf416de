using System.Text;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Hosting;
using RestStream.Http.Records;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Consumers;

/// <summary>
/// Consumer instances on disk: the newest record of each key <c>group/instance</c> in the compacted topic <c>__consumer_instances</c>; null = deleted. A group's name has no slash,
/// so the first one divides the key. Every change is durable when its call returns. Records that are damaged are skipped with a line in the log: their instances are not found then,
/// and their clients make them anew.
/// </summary>
internal sealed class InstanceStore(IBroker broker, TimeProvider clock, ILogger logger)
{
    public const string Topic = "__consumer_instances";

    private static readonly TopicPartition s_partition = new(Topic, 0);

    public async Task<IReadOnlyDictionary<(string Group, string Name), InstanceRecord>> LoadAsync(CancellationToken cancellationToken)
    {
        var found = new Dictionary<(string, string), InstanceRecord>();
        if (!broker.TryGetIntake(Topic, out _))
            return found;
        var start = broker.FindOffset(s_partition, EarliestTimestamp)?.Offset ?? 0;
        using var fetch = broker.OpenFetch([new FetchPosition(s_partition, start)]);
        var slices = new List<EncodedSlice>();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (fetch.Read(RecordJson.Native(DataFormat.Text, DataFormat.Json), maxRecords: 10_000, maxBytes: 4 * 1024 * 1024, slices) == 0)
                    return found;
            }
            catch (BrokerException damage) when (damage.Code == ErrorCode.CorruptMessage)
            {
                logger.InstancesDamaged(Topic, damage.Message);
                fetch.Seek(0, damage.Earliest);
                continue;
            }

            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                    Apply(slice.Batch.Record(i), found);
            }

            await Task.Yield();
        }
    }

    public Task SaveAsync(string group, string name, InstanceRecord record) =>
        WriteAsync(group, name, JsonSerializer.SerializeToUtf8Bytes(record, InstanceRecordJson.Default.InstanceRecord));

    public Task RemoveAsync(string group, string name) => WriteAsync(group, name, null);

    private const long EarliestTimestamp = -2;

    private async Task WriteAsync(string group, string name, byte[]? value)
    {
        if (!broker.TryGetIntake(Topic, out _))
            await CreateTopicAsync();
        using var builder = new RecordBatchBuilder();
        builder.Append(clock.GetUtcNow().ToUnixTimeMilliseconds(), false, Encoding.UTF8.GetBytes($"{group}/{name}"), value is null, value);
        await broker.ProduceAsync(s_partition, builder.Build());
    }

    private async Task CreateTopicAsync()
    {
        try
        {
            await broker.CreateTopicAsync(new TopicSpec(Topic, 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact", [TopicConfigs.Durability] = "fsync" }), CancellationToken.None);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists)
        {
            // Two first instances at the same time.
        }
    }

    private static void Apply(ReadOnlyMemory<byte> json, Dictionary<(string, string), InstanceRecord> found)
    {
        using var document = JsonDocument.Parse(json);
        var key = document.RootElement.GetProperty("key").GetString()!;
        var slash = key.IndexOf('/');
        var id = (key[..slash], key[(slash + 1)..]);
        var value = document.RootElement.GetProperty("value");
        if (value.ValueKind == JsonValueKind.Null)
        {
            found.Remove(id);
            return;
        }

        var record = value.Deserialize(InstanceRecordJson.Default.InstanceRecord)!;
        if (record.Version > InstanceRecord.CurrentVersion)
            throw new BrokerException(ErrorCode.UnknownServerError, $"Consumer instance '{key}' was written by a newer RestStream (version {record.Version}); start that one.");
        found[id] = record;
    }
}
