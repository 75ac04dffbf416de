using RestStream.Connect.Model;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>One start of a task. A restart makes a new one, so that late reports of the old run cannot be taken for its own. Fields change under the connector's lock.</summary>
internal sealed class RunningTaskSlot(TaskDefinition definition, RestartBackoff backoff, WorkState state, TaskFailure? failure)
{
    public TaskDefinition Definition { get; } = definition;

    public int Id => Definition.Id.Task;

    public IReadOnlyDictionary<string, string> Config => Definition.Config;

    public string? Version => Definition.ConnectorVersion;

    public RestartBackoff Backoff { get; } = backoff;

    public WorkState State { get; set; } = state;

    public TaskFailure? Failure { get; set; } = failure;

    public RunningTask? Run { get; set; }

    /// <summary>It came as far as to run, or to be paused; its start is counted.</summary>
    public bool Started { get; set; }

    /// <summary>It is being stopped, or is about to be started anew: what it reports is of no concern any more.</summary>
    public bool Ended { get; set; }
}
