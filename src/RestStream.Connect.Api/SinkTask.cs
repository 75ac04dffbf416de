using RestStream.Connect.Data;

namespace RestStream.Connect;

/// <summary>
/// Writes to a system outside. The worker calls every method of a task one at a time, and commits offsets only after the records below them were said to be safe.
/// </summary>
public abstract class SinkTask : IAsyncDisposable
{
    /// <summary>Called once, first. Throw to fail the task; the worker shows the message in its status.</summary>
    public abstract Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken);

    /// <summary>
    /// These partitions are this task's from now on, in addition to those it has. A task that keeps offsets outside sets where to begin with <see cref="ISinkTaskContext.Seek"/> here.
    /// </summary>
    public virtual Task OpenAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Writes the records, in offset order within each partition. A task that does not override <see cref="FlushAsync"/> returns only when they are safe; one that does may keep them for later.
    /// Called with an empty batch when nothing came for a while, so that a task that keeps records can write them.
    /// Throw <see cref="RetriableException"/> to be handed the same records again after a pause, <see cref="RecordException"/> when one record is at fault.
    /// </summary>
    public abstract Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken);

    /// <summary>
    /// Writes what is kept, and answers up to where everything is safe: the next offset of each partition, at most those given; after a put that failed, which is put again or ends the task, also further, up to what of it is safe. Partitions that are left out are not committed.
    /// Called before every commit, before <see cref="CloseAsync"/> and at the end. By default: all that was put is safe.
    /// </summary>
    /// <param name="offsets">Next offset per partition behind what was handed out.</param>
    /// <param name="cancellationToken">Ends when the worker cannot wait longer: what is not answered is delivered again later.</param>
    public virtual Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(IReadOnlyDictionary<TopicPartition, long> offsets, CancellationToken cancellationToken) => Task.FromResult(offsets);

    /// <summary>These partitions are no longer this task's: release what belongs to them, forget what is kept of them.</summary>
    public virtual Task CloseAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Releases what <see cref="StartAsync"/> opened. Called exactly once, also after a failed start. After it nothing is called.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>What a sink task may ask of the worker.</summary>
public interface ISinkTaskContext : ITaskContext
{
    /// <summary>The partitions that are this task's now.</summary>
    IReadOnlyCollection<TopicPartition> Assignment { get; }

    /// <summary>Reads this partition from this offset on, from the next batch on. In <see cref="SinkTask.OpenAsync"/> it replaces the committed offset (a target that stores offsets itself).</summary>
    void Seek(TopicPartition partition, long offset);

    /// <summary>Nothing more of these partitions until <see cref="Resume"/>; what is handed out already stays.</summary>
    void Pause(params IReadOnlyCollection<TopicPartition> partitions);

    /// <summary>Ends <see cref="Pause"/>.</summary>
    void Resume(params IReadOnlyCollection<TopicPartition> partitions);

    /// <summary>Commits soon, without waiting for the interval.</summary>
    void RequestCommit();

    /// <summary>
    /// One record cannot be delivered and the task goes on without it: it goes to the dead letter queue, if there is one. Completes when it is safe there; the worker awaits it before it commits anyway.
    /// </summary>
    /// <exception cref="ConnectException"><c>errors.tolerance</c> is none, or the dead letter queue does not take it: let it pass through, the task fails.</exception>
    Task ReportAsync(SinkRecord record, Exception error);

    /// <summary>
    /// Writes a record of the task's own to a topic (what the system outside answered, say), by the converters of the connector. Completes when it is durable.
    /// </summary>
    Task ProduceAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken);
}
