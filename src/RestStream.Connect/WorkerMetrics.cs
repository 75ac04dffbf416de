using System.Diagnostics.Metrics;
using RestStream.Connect.Connectors;
using RestStream.Connect.Model;

namespace RestStream.Connect;

/// <summary>A connector as the metrics see it.</summary>
internal sealed record ConnectorView(string Name, string Class, string Type, string? Version, WorkState State, IReadOnlyList<WorkState> Tasks);

/// <summary>
/// The figures of the worker as a whole and of its connectors, by Kafka's names: <c>connector-count</c> of the group <c>connect-worker-metrics</c> is <c>kafka_connect_connect_worker_metrics_connector_count</c>.
/// What is text in Kafka (status, class, type, version) stands in labels of <c>.._info</c>. Looked at when somebody asks.
/// </summary>
internal sealed class WorkerMetrics : IDisposable
{
    private const string Worker = "kafka_connect_connect_worker_metrics_";

    private static readonly WorkState[] s_states = [WorkState.Running, WorkState.Paused, WorkState.Failed, WorkState.Unassigned, WorkState.Restarting];

    private readonly Meter _meter = new(Tasks.TaskMetrics.MeterName);

    public WorkerMetrics(Func<IReadOnlyList<ConnectorView>> look, StartCounts connectors, StartCounts tasks)
    {
        _meter.CreateObservableGauge(Worker + "connector_count", () => look().Count, description: "Connectors of this worker.");
        _meter.CreateObservableGauge(Worker + "task_count", () => look().Sum(c => c.Tasks.Count), description: "Tasks of this worker.");
        ShowStarts("connector", connectors);
        ShowStarts("task", tasks);

        _meter.CreateObservableGauge(Worker + "connector_total_task_count", () => look().Select(c => Of(c, c.Tasks.Count)), description: "Tasks of the connector.");
        foreach (var state in s_states)
        {
            var name = state.ToString().ToLowerInvariant();
            _meter.CreateObservableGauge($"{Worker}connector_{name}_task_count", () => look().Select(c => Of(c, c.Tasks.Count(t => t == state))), description: $"Tasks of the connector that are {name}.");
        }

        _meter.CreateObservableGauge(
            "kafka_connect_connector_metrics_info",
            () => look().Select(c => new Measurement<int>(
                1, new("connector", c.Name), new("connector_class", c.Class), new("connector_type", c.Type), new("connector_version", c.Version ?? ""), new("status", c.State.ToString().ToLowerInvariant()))),
            description: "What the connector is and does.");
    }

    public void Dispose() => _meter.Dispose();

    private static Measurement<int> Of(ConnectorView connector, int count) => new(count, new KeyValuePair<string, object?>("connector", connector.Name));

    private void ShowStarts(string what, StartCounts counts)
    {
        _meter.CreateObservableCounter($"{Worker}{what}_startup_attempts", () => counts.Attempts, description: $"Starts of a {what}.");
        _meter.CreateObservableCounter($"{Worker}{what}_startup_success", () => counts.Successes, description: $"Starts of a {what} that succeeded.");
        _meter.CreateObservableCounter($"{Worker}{what}_startup_failure", () => counts.Failures, description: $"Starts of a {what} that failed.");
        _meter.CreateObservableGauge($"{Worker}{what}_startup_success_percentage", () => counts.SuccessShare, description: $"Part of the starts of a {what} that succeeded.");
        _meter.CreateObservableGauge($"{Worker}{what}_startup_failure_percentage", () => counts.FailureShare, description: $"Part of the starts of a {what} that failed.");
    }
}
