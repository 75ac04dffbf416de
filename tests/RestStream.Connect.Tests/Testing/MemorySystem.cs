using System.Collections.Concurrent;
using RestStream.Connect.Config;

namespace RestStream.Connect.Tests.Testing;

/// <summary>The ways in which an author's connector goes wrong.</summary>
public enum Mistake
{
    None,
    ForgetsOffsets,
    AcknowledgesOnPoll,
    OffsetOfTheWholeBatch,
    HangsWhenCancelled,
    AcceptsEverything,
    TooManyTasks,
    DisposeFailsBeforeStart,
    WritesOnDisposeOnly,
    ClaimsTooMuch,
    LosesWhatFailed,
    RepeatsOnRestart,
}

/// <summary>A system outside, in memory: a list of items, and a switch. Connectors find it by its name in their configuration.</summary>
internal sealed class MemorySystem
{
    private static readonly ConcurrentDictionary<string, MemorySystem> _all = [];

    public MemorySystem(Mistake mistake)
    {
        Mistake = mistake;
        _all[Name] = this;
    }

    public string Name { get; } = Guid.NewGuid().ToString();

    public Mistake Mistake { get; }

    public List<string> Items { get; } = [];

    public HashSet<string> Acknowledged { get; } = [];

    public bool IsBroken { get; set; }

    public Dictionary<string, string> Config => new() { ["system"] = Name, ["topic"] = "t", ["batch"] = "2" };

    public static MemorySystem Of(ConfigValues config) => _all[config.GetString("system")];

    public static ConfigDef Definition { get; } = new ConfigDef().Require("system", ConfigType.String, "Which system.").Require("topic", ConfigType.String, "The topic.")
        .Optional("batch", ConfigType.Int, 2, "Items of a poll.", ConfigValidator.AtLeast(1));

    public static ConfigDef Lax { get; } = new ConfigDef().Require("system", ConfigType.String, "Which system.").Optional("topic", ConfigType.String, "t", "The topic.").Optional("batch", ConfigType.String, "2", "");
}

internal abstract class MemorySource : SourceConnector
{
    private ConfigValues? _config;

    protected virtual bool Accepts => false;

    public override ConfigDef Config => Accepts ? MemorySystem.Lax : MemorySystem.Definition;

    public override Type TaskType => typeof(MemorySourceTask);

    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        return Task.CompletedTask;
    }

    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) =>
        [.. Enumerable.Repeat(_config!.Originals, MemorySystem.Of(_config).Mistake == Mistake.TooManyTasks ? maxTasks + 1 : 1)];
}

internal sealed class GoodSource : MemorySource;

internal sealed class LaxSource : MemorySource
{
    protected override bool Accepts => true;
}

internal sealed class MemorySourceTask : SourceTask
{
    private static readonly Dictionary<string, object?> _partition = new() { ["list"] = "items" };

    private MemorySystem? _system;
    private string _topic = "";
    private int _next;

    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _system = MemorySystem.Of(context.Config);
        _topic = context.Config.GetString("topic");
        var offset = await context.LastOffsetAsync(_partition, cancellationToken);
        _next = _system.Mistake == Mistake.ForgetsOffsets ? 0 : (int)((long?)offset?["next"] ?? 0);
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        if (_system!.Mistake == Mistake.HangsWhenCancelled && _system.Items.Count == 0)
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
        while (_next >= _system.Items.Count)
            await Task.Delay(5, cancellationToken);
        var count = Math.Min(2, _system.Items.Count - _next);
        var records = Enumerable.Range(_next, count).Where(i => !_system.Acknowledged.Contains(_system.Items[i])).Select(i => new SourceRecord
        {
            Topic = _topic,
            Value = _system.Items[i],
            SourcePartition = _partition,
            SourceOffset = new Dictionary<string, object?> { ["next"] = _system.Mistake == Mistake.OffsetOfTheWholeBatch ? _next + count : i + 1 },
        }).ToList();
        _next += count;
        if (_system.Mistake == Mistake.AcknowledgesOnPoll)
            records.ForEach(record => _system.Acknowledged.Add((string)record.Value!));
        return records;
    }

    public override ValueTask DisposeAsync() =>
        _system is null ? ValueTask.CompletedTask : _system.Mistake == Mistake.DisposeFailsBeforeStart ? throw new InvalidOperationException("dispose failed") : base.DisposeAsync();
}

internal sealed class MemorySink : SinkConnector
{
    private ConfigValues? _config;

    public override ConfigDef Config => MemorySystem.Definition;

    public override Type TaskType => typeof(MemorySinkTask);

    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        return Task.CompletedTask;
    }

    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [_config!.Originals];
}

/// <summary>Keeps what was put until it is asked to flush.</summary>
internal sealed class MemorySinkTask : SinkTask
{
    private readonly List<SinkRecord> _kept = [];
    private MemorySystem? _system;

    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        _system = MemorySystem.Of(context.Config);
        return Task.CompletedTask;
    }

    public override Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        _kept.AddRange(records);
        if (_system!.Mistake == Mistake.RepeatsOnRestart && records is [{ Offset: 0 }, ..])
            _system.Items.Add((string)records[0].Value!);
        return Task.CompletedTask;
    }

    public override Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(IReadOnlyDictionary<TopicPartition, long> offsets, CancellationToken cancellationToken)
    {
        if (_system!.IsBroken && _system.Mistake == Mistake.LosesWhatFailed)
            _kept.Clear();
        else if (_system.IsBroken)
        {
            // Handed out again from the last commit.
            _kept.Clear();
            throw new RetriableException("The system is away.");
        }

        if (_system.Mistake != Mistake.WritesOnDisposeOnly)
            Write();
        return Task.FromResult(_system.Mistake == Mistake.ClaimsTooMuch ? offsets.ToDictionary(o => o.Key, o => o.Value + 1) : offsets);
    }

    public override ValueTask DisposeAsync()
    {
        if (_system?.Mistake == Mistake.WritesOnDisposeOnly)
            Write();
        return base.DisposeAsync();
    }

    private void Write()
    {
        _system!.Items.AddRange(_kept.Select(record => (string)record.Value!));
        _kept.Clear();
    }
}
