using RestStream.Connect.Config;

namespace RestStream.Connect;

/// <summary>
/// Reads from a system outside. The worker calls every method of a task one at a time, except that <see cref="PollAsync"/> may be running when its token is cancelled, and what <see cref="TakesCommitsWhilePolling"/> allows.
/// </summary>
public abstract class SourceTask : IAsyncDisposable
{
    /// <summary>Called once, first. Opens what is needed and asks for the offsets to read on from. Throw to fail the task; the worker shows the message in its status.</summary>
    public abstract Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken);

    /// <summary>
    /// The next records, in the order in which they shall stand in the log. Wait for them when there are none; an empty list is allowed and is asked again at once. Not called while the connector is paused
    /// or the log is slower than the source. Throw <see cref="RetriableException"/> to be asked again after a pause; the task must be as before the call.
    /// Throw <see cref="RecordException"/> with a <see cref="SourceRecord"/> when one record cannot be read, and it is the only one of this call: with <c>errors.tolerance=all</c> it goes to the dead letter queue, its offset counts as
    /// passed, and the next call must go on behind it; else the task fails.
    /// Await, do not block the thread: others need it.
    /// When the token is cancelled the task is about to be stopped: return or throw <see cref="OperationCanceledException"/> soon; records that were not returned are asked for again by the offsets.
    /// </summary>
    public abstract ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Whether <see cref="CommittedAsync"/> may be called while <see cref="PollAsync"/> runs. Default: no, it is called between polls, so while a poll waits for something new nobody hears that what the one before brought is safe.
    /// For tasks that somebody outside waits for; both methods must then be safe against each other.
    /// </summary>
    public virtual bool TakesCommitsWhilePolling => false;

    /// <summary>
    /// The records are in the log, durable, and their offsets with them, in one step: after any crash both are there. Acknowledge them outside here (a position of a log, a message, a file to move).
    /// Called with the records of one or several polls, in order, between polls unless <see cref="TakesCommitsWhilePolling"/> says otherwise; records that a transform or the error policy dropped are among them. An exception fails the task.
    /// </summary>
    public virtual Task CommittedAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// A record of a poll was refused on its way (by a transform or a converter, or because its topic does not take it), and <c>errors.tolerance</c> is <c>none</c>. True: somebody outside is told (the sender of a request, with an
    /// error), so the record is passed over: its offset counts, and <see cref="CommittedAsync"/> hears of it with the others. Default: false, the task fails. Never called while another method of the task runs.
    /// </summary>
    /// <param name="record">As the poll returned it.</param>
    /// <param name="reason">What is wrong with it; secrets of the configuration are masked.</param>
    public virtual bool Refused(SourceRecord record, string reason) => false;

    /// <summary>Releases what <see cref="StartAsync"/> opened. Called exactly once, also after a failed start. After it nothing is called.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>What every task may ask of the worker. Safe on any thread.</summary>
public interface ITaskContext
{
    /// <summary>The name of the connector.</summary>
    string ConnectorName { get; }

    /// <summary>The number of the task, from 0.</summary>
    int TaskId { get; }

    /// <summary>The task's configuration, references resolved, parsed by <see cref="Connector.Config"/>.</summary>
    ConfigValues Config { get; }

    /// <summary>
    /// A setting as it was written, references such as <c>${file:..}</c> not replaced; null when it was not. For what is stored or shown, such as a source partition: what <see cref="Config"/> has may hold a secret there.
    /// </summary>
    string? Written(string name);

    /// <summary>The clock. Never use another.</summary>
    TimeProvider Time { get; }

    /// <summary>Where files may lie.</summary>
    FileRoots Files { get; }

    /// <summary>What may be reached over the network.</summary>
    OutboundPolicy Network { get; }

    /// <summary>
    /// A line for the log of the worker, with the names of connector and task. The last warning or error is shown in the status of the task too (<c>last_warning</c>). No secrets, no payload.
    /// </summary>
    void Log(TaskLogLevel level, string message, Exception? error = null);

    /// <summary>A figure of this task for <c>/metrics</c>, shown as <c>connect_task_custom{name="..."}</c>: the last value counts.</summary>
    void Metric(string name, double value);
}

/// <summary>How much a line matters.</summary>
public enum TaskLogLevel
{
    /// <summary>For who looks for a fault.</summary>
    Debug,

    /// <summary>Something began or ended.</summary>
    Info,

    /// <summary>It goes on, but somebody should know.</summary>
    Warning,

    /// <summary>Something is lost or stopped.</summary>
    Error,
}

/// <summary>What a source task may ask of the worker.</summary>
public interface ISourceTaskContext : ITaskContext
{
    /// <summary>The offset of the last record of that source partition that is in the log; null when there is none. Integers are <see cref="long"/>.</summary>
    ValueTask<IReadOnlyDictionary<string, object?>?> LastOffsetAsync(IReadOnlyDictionary<string, object?> partition, CancellationToken cancellationToken);

    /// <summary>As for one, many at once, in the same order.</summary>
    ValueTask<IReadOnlyList<IReadOnlyDictionary<string, object?>?>> LastOffsetsAsync(IReadOnlyList<IReadOnlyDictionary<string, object?>> partitions, CancellationToken cancellationToken);

    /// <summary>Says where transactions end; null unless <c>transaction.boundary=connector</c>.</summary>
    ITransactionBoundaries? Transaction { get; }

    /// <summary>
    /// Opens <c>POST /hooks/{name}</c> of the worker for this task; closes when the registration or the task is disposed. The handler may run on many threads at once; answer after
    /// <see cref="SourceTask.CommittedAsync"/> when the sender shall be sure. While the connector is paused the worker answers 503 itself.
    /// </summary>
    /// <exception cref="ConnectException">Another task has that name.</exception>
    IDisposable OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler);
}

/// <summary>A request that came to a hook.</summary>
/// <param name="Method">POST, PUT, ...</param>
/// <param name="Path">What stands behind the hook's name, with the leading slash; empty for none.</param>
/// <param name="Query">The query with the leading question mark; empty for none.</param>
/// <param name="Headers">Headers in order; a name may come more than once.</param>
/// <param name="Body">The body, bounded by the worker's limit (413 above it).</param>
public sealed record HookRequest(string Method, string Path, string Query, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);

/// <summary>What the sender gets.</summary>
/// <param name="Status">The HTTP status. With 503 goes a Retry-After of a few seconds.</param>
/// <param name="Body">Text of the answer; null for none.</param>
/// <param name="ContentType">Of the body.</param>
public sealed record HookResponse(int Status, string? Body = null, string ContentType = "application/json");

/// <summary>Transactions as the source knows them. Call it in <see cref="SourceTask.PollAsync"/>.</summary>
public interface ITransactionBoundaries
{
    /// <summary>The records up to here end a transaction: those of this poll, or of earlier ones if it brings none.</summary>
    void Commit();

    /// <summary>This record, of this poll, ends a transaction; those behind it belong to the next.</summary>
    void CommitAfter(SourceRecord record);

    /// <summary>The transaction that the records up to here belong to, those of this poll included if it brings any, is dropped: its records are not written, their offsets are.</summary>
    void Abort();
}
