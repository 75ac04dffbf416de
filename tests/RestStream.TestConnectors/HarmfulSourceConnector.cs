using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>A source that brings nothing, and does to the server what <see cref="Harm"/> says.</summary>
[Plugin("test.HarmfulSourceConnector")]
public sealed class HarmfulSourceConnector : SourceConnector
{
    private ConfigValues? _config;
    private Harm? _harm;

    public override ConfigDef Config { get; } = Harm.Keys();

    public override Type TaskType => typeof(HarmfulSourceTask);

    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        if (validation.Config.GetString("harm") == "block-in-check")
            Harm.BlockForEver();
        return Task.CompletedTask;
    }

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

public sealed class HarmfulSourceTask : SourceTask
{
    private Harm _harm = null!;
    private TimeProvider _time = null!;

    public override Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _time = context.Time;
        _harm = new Harm(context.Config.GetString("harm"), Journal.Open(context.Config, context.Files), context.TaskId);
        _harm.InStart(cancellationToken);
        return Task.CompletedTask;
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        _harm.InWork(cancellationToken);
        await Task.Delay(_harm.Pause, _time, cancellationToken);
        return [];
    }

    public override ValueTask DisposeAsync()
    {
        _harm.InDispose();
        return base.DisposeAsync();
    }
}
