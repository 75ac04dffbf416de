using System.Text.Json;

using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

/// <summary>
/// A worker of one source task that a test drives by hand: what was polled is lost with <see cref="CrashAsync"/> unless it was committed, offsets go through JSON as they do in the offsets topic.
/// </summary>
internal sealed class SourceRig(SourceConnector connector, string root, params (string Key, string Value)[] settings) : IConnectorContext, ISourceTaskContext, IAsyncDisposable
{
    private readonly Dictionary<string, string?> _settings = settings.ToDictionary(s => s.Key, s => (string?)s.Value);
    private readonly List<SourceRecord> _polled = [];
    private SourceTask? _task;

    public ManualClock Clock { get; } = new();

    /// <summary>What is in the topics.</summary>
    public List<SourceRecord> Log { get; } = [];

    /// <summary>The offsets topic.</summary>
    public Dictionary<string, string> Offsets { get; } = [];

    public List<(TaskLogLevel Level, string Message)> Messages { get; } = [];

    public IEnumerable<object?> Values => Log.Select(r => r.Value);

    public string Name => "c";
    public string ConnectorName => "c";
    public int TaskId { get; init; }
    public int Tasks { get; init; } = 1;
    public ConfigValues Config { get; private set; } = null!;
    public TimeProvider Time => Clock;
    public FileRoots Files { get; } = new([root]);
    public OutboundPolicy Network { get; } = new([]);
    public ITransactionBoundaries? Transaction => null;

    public async Task<SourceRig> StartAsync()
    {
        Config = connector.Config.Parse(_settings);
        await connector.StartAsync(this, default);
        Config = connector.Config.Parse(connector.TaskConfigs(Tasks)[TaskId].ToDictionary(s => s.Key, s => (string?)s.Value));
        _task = (SourceTask)Activator.CreateInstance(connector.TaskType)!;
        await _task.StartAsync(this, default);
        return this;
    }

    /// <summary>One poll; a wait in it is over at once, after <paramref name="whileItWaits"/>.</summary>
    public async Task<IReadOnlyList<SourceRecord>> PollAsync(Action? whileItWaits = null)
    {
        var poll = _task!.PollAsync(default).AsTask();
        if (!poll.IsCompleted)
            whileItWaits?.Invoke();
        for (var i = 0; !poll.IsCompleted && i < 1000; i++)
            Clock.Advance(TimeSpan.FromSeconds(1));
        var records = await poll;
        _polled.AddRange(records);
        return records;
    }

    /// <summary>Appends what was polled, with its offsets, and tells the task.</summary>
    public async Task CommitAsync()
    {
        Append();
        await _task!.CommittedAsync([.. _polled], default);
        _polled.Clear();
    }

    /// <summary>What was polled and not committed, to be committed by <see cref="CommitAsync(IReadOnlyList{SourceRecord})"/> later.</summary>
    public IReadOnlyList<SourceRecord> TakePolled()
    {
        var taken = _polled.ToList();
        _polled.Clear();
        return taken;
    }

    /// <summary>Commits records that were polled before those that wait.</summary>
    public async Task CommitAsync(IReadOnlyList<SourceRecord> records)
    {
        var later = TakePolled();
        _polled.AddRange(records);
        await CommitAsync();
        _polled.AddRange(later);
    }

    /// <summary>Polls and commits until nothing came <paramref name="quiet"/> times in a row.</summary>
    public async Task DrainAsync(int quiet = 3)
    {
        for (var empty = 0; empty < quiet;)
        {
            empty = (await PollAsync()).Count == 0 ? empty + 1 : 0;
            await CommitAsync();
        }
    }

    /// <summary>The worker dies and a new one starts. With <paramref name="afterAppend"/> it dies between the append and the word to the task.</summary>
    public async Task CrashAsync(bool afterAppend = false)
    {
        if (afterAppend)
            Append();
        _polled.Clear();
        await DisposeAsync();
        await StartAsync();
    }

    public void SetOffset(string partition, string offset) => Offsets[partition] = offset;

    public ValueTask<IReadOnlyDictionary<string, object?>?> LastOffsetAsync(IReadOnlyDictionary<string, object?> partition, CancellationToken cancellationToken) =>
        new(Offsets.TryGetValue(JsonSerializer.Serialize(partition), out var offset) ? Read(offset) : null);

    public async ValueTask<IReadOnlyList<IReadOnlyDictionary<string, object?>?>> LastOffsetsAsync(IReadOnlyList<IReadOnlyDictionary<string, object?>> partitions, CancellationToken cancellationToken)
    {
        var offsets = new List<IReadOnlyDictionary<string, object?>?>();
        foreach (var partition in partitions)
            offsets.Add(await LastOffsetAsync(partition, cancellationToken));
        return offsets;
    }

    public async ValueTask DisposeAsync()
    {
        if (_task is not null)
            await _task.DisposeAsync();
        _task = null;
    }

    string? ITaskContext.Written(string name) => throw new NotSupportedException();

    void ITaskContext.Log(TaskLogLevel level, string message, Exception? error) => Messages.Add((level, message));

    void ITaskContext.Metric(string name, double value)
    {
    }

    IDisposable ISourceTaskContext.OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) => throw new NotSupportedException();

    void IConnectorContext.RequestTaskReconfiguration() => throw new NotSupportedException();

    void IConnectorContext.Fail(Exception error) => throw error;

    private void Append()
    {
        Log.AddRange(_polled);
        foreach (var partition in _polled.GroupBy(r => JsonSerializer.Serialize(r.SourcePartition)))
            Offsets[partition.Key] = JsonSerializer.Serialize(partition.Last().SourceOffset);
    }

    private static Dictionary<string, object?> Read(string json) => JsonDocument.Parse(json).RootElement.EnumerateObject().ToDictionary(e => e.Name, object? (e) => e.Value.ValueKind switch
    {
        JsonValueKind.Number => e.Value.TryGetInt64(out var number) ? number : (object)e.Value.GetDouble(),
        JsonValueKind.String => e.Value.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    });
}
