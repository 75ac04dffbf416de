using RestStream.Broker;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tasks;

/// <summary>
/// Runs a sink task as a member of its group: read, converters, transforms, put, and commits of what the task says is safe.
/// <para>
/// At least once: an offset is committed only behind records that were put (of a put that failed: that the task says it finished), that the task's flush answered, and whose dead letters are durable. A rebalance takes everything away and gives the new share, as Kafka's eager
/// protocol does: what the task holds of a partition is flushed and committed before another may have it. A batch that is to be put again is dropped by a rebalance; it is read again from the committed offset.
/// </para>
/// </summary>
internal sealed partial class SinkTaskLoop : RunningTask
{
    /// <summary>Longest wait for records before the task is called with none, so that it can write what it keeps; Kafka waits until the next commit.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(5);

    /// <summary>How long records must wait without any progress before the task counts as stalled.</summary>
    private static readonly TimeSpan s_stalled = TimeSpan.FromMinutes(1);

    private readonly List<EncodedSlice> _slices = [];
    private readonly DateTimeOffset _began;
    private volatile IReadOnlyList<SinkPartition> _partitions = [];
    private SinkTask? _task;
    private List<SinkRecord> _batch = [];
    private SinkTaskContext _context = null!;
    private TaskPlugins _plugins = null!;
    private Retries _retries = null!;
    private DeadLetterWriter _deadLetters = null!;
    private OwnRecords? _records;
    private RecordDeserializer _deserializer = null!;
    private SinkMember? _member;
    private IDisposable? _alive;
    private IFetch? _fetch;
    private List<SinkPartition> _fetched = [];
    private int _generation = -1;
    private bool _joined;
    private bool _hasBatch;

    /// <summary>The task was handed the batch and failed, or is at it: it may have finished some of it.</summary>
    private bool _halfPut;

    private int _batchRead;
    private long _batchBytes;
    private int _attempt;
    private TimeSpan _retryAfter;
    private long _retryFrom;
    private long _lastCommit;

    public SinkTaskLoop(TaskDefinition definition, WorkerServices services, Action<TaskReport> report)
        : base(definition, services, report) => _began = services.Time.GetUtcNow();

    /// <summary>The lag is what stands in the log behind the last record that was put.</summary>
    public override TaskFigures Figures
    {
        get
        {
            var lag = Lag();
            var quiet = Services.Time.GetUtcNow() - (Metrics.LastProgress ?? _began);
            return new TaskFigures(Metrics.Records.PerSecond, Metrics.Bytes.PerSecond, lag, Metrics.LastProgress, Metrics.State == WorkState.Running && lag > 0 && quiet >= s_stalled);
        }
    }

    /// <summary>To the next full five seconds: tasks without records are called at the same moments, and the processor sleeps in between.</summary>
    private TimeSpan UntilIdleCall => s_idle - TimeSpan.FromTicks(Services.Time.GetUtcNow().Ticks % s_idle.Ticks);

    protected override async Task BeginAsync(TaskPlugins plugins)
    {
        _plugins = plugins;
        _retries = new Retries(plugins.Errors, Services.Time, TryingAgain);
        _deadLetters = new DeadLetterWriter(this, plugins, _retries);
        _deserializer = new RecordDeserializer(plugins.Converters, plugins.Transforms);
        _context = new SinkTaskContext(this, TaskPlugins.Parse(Definition.ConnectorDef, plugins.Config), _deadLetters.ReportedAsync, _records = new OwnRecords(this, plugins.Config, _retries));
        _lastCommit = Services.Time.GetTimestamp();
        await _deadLetters.OpenAsync(StopToken);
        _task = (SinkTask)Activator.CreateInstance(Definition.TaskType)!;
        await _task.StartAsync(_context, PluginStopToken);
        _member = SinkMember.Join(Definition, plugins.Config, Services);
        _alive = _member.Consumer.KeepAlive();
    }

    protected override async Task WorkAsync()
    {
        while (!StopWanted)
        {
            var changed = Changed;
            if (PauseWanted && Metrics.State != WorkState.Paused)
            {
                await CommitAsync(closing: false);
                Report(WorkState.Paused);
            }

            if (!_joined || _member!.Consumer.RebalanceWanted.IsCompleted)
            {
                await RebalanceAsync();
                continue;
            }

            ApplyChanges();
            if (CommitIsDue)
                await CommitAsync(closing: false);
            if (PauseWanted)
            {
                await WaitAsync(UntilCommit, changed, forRecords: false);
                continue;
            }

            if (Metrics.State == WorkState.Paused)
                Report(WorkState.Running);
            await StepAsync(changed);
        }

        await GiveUpAsync();
    }

    protected override async ValueTask EndAsync()
    {
        try
        {
            // After a failure too what was put before it counts, as in Kafka. After a clean end there is nothing left to give up.
            await GiveUpAsync();
        }
        finally
        {
            _fetch?.Dispose();
            _alive?.Dispose();
            _records?.Dispose();
            try
            {
                if (_task is not null)
                    await _task.DisposeAsync();
            }
            finally
            {
                if (_member is { } member)
                    await WriteAsync(member.Consumer.LeaveAsync);
            }
        }
    }

    /// <summary>Its partitions go to others, or to its successor.</summary>
    protected override Task AbandonAsync() => _member?.Consumer.LeaveAsync() ?? Task.CompletedTask;

    /// <summary>One batch: the one that is to be put again when its time has come, else the next.</summary>
    private async Task StepAsync(Task changed)
    {
        await _deadLetters.MakeRoomAsync(StopToken);
        if (_hasBatch)
        {
            var left = _retryAfter - Services.Time.GetElapsedTime(_retryFrom);
            if (left > TimeSpan.Zero)
            {
                await WaitAsync(left < UntilCommit ? left : UntilCommit, changed, forRecords: false);
                return;
            }
        }
        else if (!await ReadAsync())
        {
            var (idle, commit) = (UntilIdleCall, UntilCommit);
            var most = idle < commit || AllIsCommitted ? idle : commit;
            var woken = await WaitAsync(most, changed, forRecords: true);
            if (woken || changed.IsCompleted || _member!.Consumer.RebalanceWanted.IsCompleted || StopWanted)
                return;
            _hasBatch = true;
        }

        await PutAsync();
    }

    private async Task PutAsync()
    {
        var started = Services.Time.GetTimestamp();
        _halfPut = true;
        try
        {
            await _task!.PutAsync(_batch, PluginAbortToken);
        }
        catch (RetriableException e)
        {
            (_retryAfter, _retryFrom) = (_retries.DelayAfter(_attempt++, e), Services.Time.GetTimestamp());
            Interlocked.Increment(ref Metrics.Errors);
            TryingAgain(e, _retryAfter);
            return;
        }
        catch (RecordException e) when (IndexInBatch(e.Record) is >= 0 and var index)
        {
            // The others are put again without it: the task says that it kept none of them.
            _ = _deadLetters.ReportedAsync(_batch[index], e);
            _batch.RemoveAt(index);
            return;
        }
        catch (Exception e) when (e is not (OperationCanceledException or StageException))
        {
            throw new StageException(Stage.TaskPut, null, e, StageException.SinkUnrecoverable);
        }

        _halfPut = false;
        Guard();
        Metrics.CallTime.Add(Services.Time.GetElapsedTime(started).TotalMilliseconds);
        foreach (var partition in _partitions)
            partition.Delivered = partition.Position;
        if (_batchRead > 0)
            Metrics.Went(_batch.Count, _batchBytes);
        DropBatch();
    }

    private int IndexInBatch(ConnectRecord record) => record is not SinkRecord sink ? -1
        : _batch.FindIndex(r => ReferenceEquals(r, sink) || (r.Offset == sink.Offset && r.OriginalPartition == sink.OriginalPartition && r.OriginalTopic == sink.OriginalTopic));

    private void DropBatch()
    {
        // A new list each time: the task may have kept the old one.
        _batch = [];
        (_hasBatch, _halfPut, _attempt, _batchRead, _batchBytes, _retryAfter) = (false, false, 0, 0, 0, TimeSpan.Zero);
    }

    /// <summary>Waits for records (or only for the time), for the group, and for what is asked of the task. True: there are records.</summary>
    private async Task<bool> WaitAsync(TimeSpan most, Task changed, bool forRecords)
    {
        if (most <= TimeSpan.Zero || changed.IsCompleted || StopWanted)
            return false;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(StopToken);
        var wait = forRecords && _fetch is not null ? _fetch.WaitAsync(most, enough.Token).AsTask() : SleepAsync(most, enough.Token);
        if (await Task.WhenAny(wait, changed, _member!.Consumer.RebalanceWanted) != wait)
            await enough.CancelAsync();
        try
        {
            return await wait;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> SleepAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        await Task.Delay(time, Services.Time, cancellationToken);
        return false;
    }

    private long? Lag()
    {
        long lag = 0;
        foreach (var partition in _partitions)
        {
            try
            {
                lag += Math.Max(0, (Services.Broker.FindOffset(partition.Log, -1)?.Offset ?? 0) - partition.Delivered);
            }
            catch (BrokerException)
            {
                // The topic is gone, or the broker stops: nothing is left to be read there.
            }
        }

        return lag;
    }

    private void TryingAgain(Exception error, TimeSpan delay)
    {
        Interlocked.Increment(ref Metrics.RetryCount);
        Logger.TryingAgain(Definition.Id.Connector, Definition.Id.Task, delay, Secrets.Scrub(error.Message));
    }
}
