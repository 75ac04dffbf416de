using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Benchmarks.Load;
using RestStream.Benchmarks.Load.Client;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Benchmarks.Engine;

/// <summary>A broker on the real disk, and batches for it.</summary>
internal sealed class EngineData : IAsyncDisposable
{
    public const string Topic = "bench";

    /// <summary>Value bytes of a record; close to what the measurements of the design were taken with.</summary>
    public const int ValueBytes = 200;

    private readonly DataFolder _folder;

    private EngineData(DataFolder folder, EmbeddedBroker broker) => (_folder, Broker) = (folder, broker);

    public EmbeddedBroker Broker { get; }

    public static TopicPartition Partition { get; } = new(Topic, 0);

    /// <param name="durability">The topic's <c>reststream.durability</c>.</param>
    /// <param name="cacheBytes">0: readers find nothing encoded and encode everything themselves.</param>
    public static async Task<EngineData> OpenAsync(string durability, long cacheBytes = 64 * 1024 * 1024)
    {
        var folder = new DataFolder(Path.Combine(LoadOptions.DefaultDataDirectory, $"engine-{Environment.ProcessId}"));
        var broker = await EmbeddedBroker.OpenAsync(
            Path.Combine(folder.Path, "data"), new BrokerOptions { EncodedCacheBytes = cacheBytes }, new LinuxFileSystem(), TimeProvider.System, NullLogger.Instance);
        await broker.CreateTopicAsync(new TopicSpec(Topic, 1, new Dictionary<string, string> { ["reststream.durability"] = durability }), CancellationToken.None);
        return new(folder, broker);
    }

    public static byte[][] Values(int count) => [.. Enumerable.Range(0, count).Select(i => Encoding.UTF8.GetBytes(Requests.Value(ValueBytes, i)))];

    public static BatchBuffer Build(RecordBatchBuilder builder, byte[][] values)
    {
        const long timestamp = 1_790_000_000_000;
        foreach (var value in values)
            builder.Append(timestamp, keyIsNull: true, default, valueIsNull: false, value);
        return builder.Build();
    }

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        _folder.Dispose();
    }
}
