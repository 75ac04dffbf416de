using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.TestKit;

namespace RestStream.Broker.Tests;

/// <summary>A broker on a temp folder of its own (or a disk handed in) with a clock that the test moves.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private readonly BrokerOptions _options;
    private readonly GroupOptions _groups;
    private readonly IFileSystem _files;
    private readonly ILogger _logger;
    private readonly bool _ownsFolder;
    private EmbeddedBroker? _broker;

    private TestBroker(BrokerOptions? options, IFileSystem? files, TimeProvider? clock, ILogger? logger, string? folder, GroupOptions? groups)
    {
        // Few partitions, because each is a directory that is made at the first group.
        _groups = groups ?? new GroupOptions();
        if (_groups.OffsetsTopicPartitions == new GroupOptions().OffsetsTopicPartitions)
            _groups.OffsetsTopicPartitions = 4;
        _options = options ?? new BrokerOptions { MinFreeBytes = 0 };

        // Small, because a new journal file is filled with zeros at every start.
        _options.JournalFileBytes = 256 * 1024;
        _options.JournalMaxBytes = 8 * 1024 * 1024;
        _files = files ?? new LinuxFileSystem();
        Clock = new ManualClock();
        Time = clock ?? Clock;
        _logger = logger ?? NullLogger.Instance;
        _ownsFolder = folder is null;
        Folder = folder ?? Path.Combine(Path.GetTempPath(), $"reststream-broker-{Guid.NewGuid():N}");
    }

    public ManualClock Clock { get; }
    public TimeProvider Time { get; }
    public string Folder { get; }
    public EmbeddedBroker Broker => _broker ?? throw new InvalidOperationException("The broker is stopped.");

    public static async Task<TestBroker> StartAsync(
        BrokerOptions? options = null, IFileSystem? files = null, TimeProvider? clock = null, ILogger? logger = null, string? folder = null, GroupOptions? groups = null)
    {
        var test = new TestBroker(options, files, clock, logger, folder, groups);
        await test.StartAgainAsync();
        return test;
    }

    public async Task StartAgainAsync() => _broker = await EmbeddedBroker.OpenAsync(Folder, _options, _files, Time, _logger, _groups);

    public async Task StopAsync()
    {
        // Once: a broker that could not close says so every time it is asked.
        if (Interlocked.Exchange(ref _broker, null) is { } broker)
            await broker.DisposeAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public Task<TopicDescription> CreateAsync(string topic, int partitions = 1, params (string Key, string Value)[] configs) =>
        Broker.CreateTopicAsync(new TopicSpec(topic, partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);

    public Task<TopicDescription> AlterAsync(string topic, int? partitions = null, params (string Key, string? Value)[] configs) =>
        Broker.AlterTopicAsync(topic, new TopicChange(partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);

    public ValueTask<AppendResult> ProduceAsync(string topic, int partition, params string[] values) =>
        Broker.ProduceAsync(new TopicPartition(topic, partition), Batch(values));

    public BatchBuffer Batch(params string[] values) => Batch(CompressionCodec.None, Time.GetUtcNow().ToUnixTimeMilliseconds(), values);

    public static BatchBuffer Batch(CompressionCodec codec, long timestamp, params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(timestamp, false, "k"u8, false, Encoding.UTF8.GetBytes(value));
        return builder.Build(codec);
    }

    public IFetch Open(string topic, int partition = 0, long offset = 0) => Broker.OpenFetch([new FetchPosition(new TopicPartition(topic, partition), offset)]);

    /// <summary>All values of a partition from an offset on, in order.</summary>
    public List<string> ReadAll(string topic, int partition = 0, long offset = 0)
    {
        using var fetch = Open(topic, partition, offset);
        return ReadAll(fetch);
    }

    public static List<string> ReadAll(IFetch fetch, TextEncoder? encoder = null, int maxRecords = int.MaxValue, int maxBytes = int.MaxValue)
    {
        var values = new List<string>();
        var slices = new List<EncodedSlice>();
        while (fetch.Read(encoder ?? TextEncoder.Shared, maxRecords, maxBytes, slices) > 0)
            values.AddRange(Values(slices));
        return values;
    }

    public static IEnumerable<string> Values(List<EncodedSlice> slices) =>
        slices.SelectMany(s => Enumerable.Range(s.First, s.Last - s.First + 1).Select(i => Encoding.UTF8.GetString(s.Batch.Record(i).Span)));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsFolder && Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>Encodes a record as its value and nothing else, and counts how often it is asked.</summary>
internal sealed class TextEncoder : RecordEncoder
{
    private int _calls;
    private int _records;

    public static TextEncoder Shared { get; } = new();

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Records that were encoded in all calls.</summary>
    public int Records => Volatile.Read(ref _records);

    public override EncodedBatch Encode(TopicPartition partition, ReadOnlySpan<byte> batch) => EncodePart(partition, batch, 0, int.MaxValue, int.MaxValue);

    public override EncodedBatch EncodePart(TopicPartition partition, ReadOnlySpan<byte> batch, long from, int maxRecords, int maxBytes)
    {
        Interlocked.Increment(ref _calls);
        if (!RecordBatch.IsCrcValid(batch))
            throw new CorruptBatchException("the checksum is wrong");
        var bytes = new MemoryStream();
        List<int> ends = [];
        List<long> offsets = [], timestamps = [];
        using var reader = new RecordReader(batch);
        while (ends.Count < maxRecords && (ends.Count == 0 || bytes.Length < maxBytes) && !reader.Header.IsControl && reader.MoveNext())
        {
            if (reader.Current.Offset < from)
                continue;
            bytes.Write(reader.Current.Value);
            ends.Add((int)bytes.Length);
            offsets.Add(reader.Current.Offset);
            timestamps.Add(reader.Current.Timestamp);
        }

        Interlocked.Add(ref _records, ends.Count);
        return new EncodedBatch(bytes.ToArray(), [.. ends], [.. offsets], [.. timestamps], hasLineBreaks: false);
    }
}
