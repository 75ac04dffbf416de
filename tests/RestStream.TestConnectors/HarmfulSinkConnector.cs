using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>A sink that throws its records away, and does to the server what <see cref="Harm"/> says.</summary>
[Plugin("test.HarmfulSinkConnector")]
public sealed class HarmfulSinkConnector : SinkConnector
{
    private ConfigValues? _config;
    private Harm? _harm;

    public override ConfigDef Config { get; } = Harm.Keys();

    public override Type TaskType => typeof(HarmfulSinkTask);

    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        _harm = new Harm(context.Config.GetString("harm"), Journal.Open(context.Config, context.Files), -1);
        return Task.CompletedTask;
    }

    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => Journal.Split(_config!, maxTasks);

    public override ValueTask DisposeAsync()
    {
        _harm?.InDispose();
        return base.DisposeAsync();
    }
}

public sealed class HarmfulSinkTask : SinkTask
{
    private Harm _harm = null!;

    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        _harm = new Harm(context.Config.GetString("harm"), Journal.Open(context.Config, context.Files), context.TaskId);
        _harm.InStart(cancellationToken);
        return Task.CompletedTask;
    }

    public override Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        _harm.InWork(cancellationToken);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _harm.InDispose();
        return base.DisposeAsync();
    }
}
