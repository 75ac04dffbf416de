using RestStream.Broker;
using RestStream.Connect.Model;

namespace RestStream.Connect.Stores;

/// <summary>A status as it is stored: Kafka's JSON <c>{"state","trace","worker_id","generation","version"}</c>.</summary>
internal sealed record StoredStatus(WorkState State, string? Trace, string WorkerId, int Generation, string? Version);

/// <summary>
/// Statuses and active topics in the compacted topic <c>connect-status</c> with Kafka's keys (<c>status-connector-N</c>, <c>status-task-N-i</c>, <c>status-topic-T:connector-N</c>). In memory as well. Safe on any thread.
/// Writes are queued and not waited for: a status is what the worker shows now, and a start sets it anew.
/// </summary>
internal sealed class StatusStore
{
    public static Task<StatusStore> OpenAsync(IBroker broker, ConnectOptions options, TimeProvider time, CancellationToken cancellationToken) => throw new NotImplementedException();

    public StoredStatus? Connector(string connector) => throw new NotImplementedException();

    public IReadOnlyDictionary<int, StoredStatus> Tasks(string connector) => throw new NotImplementedException();

    public void Put(string connector, StoredStatus? status) => throw new NotImplementedException();

    public void Put(string connector, int task, StoredStatus? status) => throw new NotImplementedException();

    /// <summary>Topics that the connector wrote to or read from since the last reset.</summary>
    public IReadOnlyList<string> ActiveTopics(string connector) => throw new NotImplementedException();

    /// <summary>A task used this topic. Cheap when it is known.</summary>
    public void TopicUsed(string connector, int task, string topic) => throw new NotImplementedException();

    public void ForgetTopics(string connector) => throw new NotImplementedException();

    /// <summary>Everything that is queued is in the log.</summary>
    public Task FlushAsync() => throw new NotImplementedException();
}
