using System.Reflection;
using RestStream.Broker;
using RestStream.Connect.Configs;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;
using RestStream.Storage.Records;

namespace RestStream.Connect.Tasks;

/// <summary>
/// Runs a source task: poll, transforms, converters, and records with their offsets into the log as one unit. One unit is on its way to the disk at a time; meanwhile the next is gathered, so that the units grow with the load
/// and nothing waits for the disk without need.
/// <para>
/// A failed append is tried again where that can help, with the same bytes; else the task fails. Offsets never move without their records. Units end where <c>transaction.boundary</c> says (poll: with any poll; interval;
/// connector), and before they hold more than half of <see cref="ConnectOptions.TaskMaxBytes"/>: two of them are in memory.
/// </para>
/// </summary>
internal sealed class SourceTaskLoop : RunningTask
{
    private readonly Retries.Told _retrying;
    private SourceTask? _task;
    private SourceTaskContext? _context;
    private TransactionBoundaries? _transaction;
    private SourceWriter _writer = null!;
    private Retries _retries = null!;
    private SourceUnit _unit = null!;
    private SourceUnit _spare = null!;
    private TimeSpan? _interval;
    private long _mostBytes;
    private bool _wantsCommitted;
    private bool _commitsBetweenPolls;
    private Task<IReadOnlyList<SourceRecord>?>? _poll;
    private long _pollStarted;
    private Task? _flight;
    private SourceRecord[] _untold = [];
    private volatile bool _pollTroubled;
    private volatile bool _logTroubled;

    public SourceTaskLoop(TaskDefinition definition, WorkerServices services, Action<TaskReport> report)
        : base(definition, services, report) => _retrying = TryingAgain;

    /// <summary>A source knows of no lag. It is stalled while something keeps it from going on: a full disk, a topic that is missing, a source that refuses to be polled.</summary>
    public override TaskFigures Figures =>
        new(Metrics.Records.PerSecond, Metrics.Bytes.PerSecond, null, Metrics.LastProgress, Metrics.State == WorkState.Running && (_pollTroubled || _logTroubled || _writer?.WaitsForTopic == true));

    protected override async Task BeginAsync(TaskPlugins plugins)
    {
        var config = plugins.Config;
        _retries = new Retries(plugins.Errors, Services.Time, _retrying);
        _writer = new SourceWriter(this, plugins, _retries, (record, reason) => _task!.Refused(record, reason));
        var codec = Codec(config.GetValueOrDefault("producer.override.compression.type"));
        (_unit, _spare) = (new SourceUnit(codec), new SourceUnit(codec));
        _mostBytes = Math.Min(Services.Options.TaskMaxBytes, Services.Broker.MaxAtomicBytes) / 2;
        switch (config.GetValueOrDefault(ConnectorConfig.TransactionBoundary, "poll").Trim().ToLowerInvariant())
        {
            case "connector":
                _transaction = new TransactionBoundaries();
                break;
            case "interval":
                _interval = config.TryGetValue(ConnectorConfig.TransactionInterval, out var text)
                    ? TimeSpan.FromMilliseconds((long)Config.ConfigDef.ParseType(ConnectorConfig.TransactionInterval, text, Config.ConfigType.Long)!)
                    : Services.Options.OffsetFlushInterval;
                break;
        }

        // Who does not look at what is committed cannot tell whether the next poll began before.
        _wantsCommitted = Definition.TaskType.GetMethod(nameof(SourceTask.CommittedAsync), BindingFlags.Public | BindingFlags.Instance, [typeof(IReadOnlyList<SourceRecord>), typeof(CancellationToken)])?.DeclaringType != typeof(SourceTask);
        _context = new SourceTaskContext(this, TaskPlugins.Parse(Definition.ConnectorDef, config), Services.Offsets, Services.Hooks, _transaction);
        _task = (SourceTask)Activator.CreateInstance(Definition.TaskType)!;
        await _task.StartAsync(_context, PluginStopToken);
        _commitsBetweenPolls = _wantsCommitted && !_task.TakesCommitsWhilePolling;
    }

    protected override async Task WorkAsync()
    {
        while (!StopWanted)
        {
            var changed = Changed;
            if (PauseWanted)
            {
                await DrainAsync();
                Report(WorkState.Paused);
                while (PauseWanted && !StopWanted)
                {
                    await (_untold.Length == 0 ? changed : Task.WhenAny(changed, _poll!));
                    await TellAsync();
                    if (changed.IsCompleted)
                        changed = Changed;
                }

                if (!StopWanted)
                    Report(WorkState.Running);
                continue;
            }

            if (_poll is null)
            {
                // Between polls it hears of what is committed; a poll that waits for news would keep that from it.
                while (_commitsBetweenPolls && (_flight is not null || MayGo()))
                {
                    if (_flight is not null)
                        await LandAsync();
                    else
                        Go();
                }

                (_poll, _pollStarted) = (PollAsync(), Services.Time.GetTimestamp());
            }

            await WaitAsync(changed);
            if (_flight is { IsCompleted: true } && !_commitsBetweenPolls)
                await LandAsync();
            if (_poll.IsCompleted)
            {
                await TellAsync();
                await TakeAsync();
            }

            if (MayGo())
                Go();
        }

        if (_poll is not null)
            await TakeAsync();
        await DrainAsync();
    }

    protected override async ValueTask EndAsync()
    {
        try
        {
            if (_poll is not null)
                await _poll.ContinueWith(static _ => { }, TaskScheduler.Default);
            if (_task is not null)
                await _task.DisposeAsync();
        }
        finally
        {
            _context?.CloseHooks();
            if (_flight is not null)
                await _flight.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _unit?.Dispose();
            _spare?.Dispose();
        }
    }

    private static CompressionCodec Codec(string? name) => name?.Trim().ToLowerInvariant() switch
    {
        null or "none" or "" => CompressionCodec.None,
        "gzip" => CompressionCodec.Gzip,
        "snappy" => CompressionCodec.Snappy,
        "lz4" => CompressionCodec.Lz4,
        "zstd" => CompressionCodec.Zstd,
        _ => throw new Config.ConfigException("producer.override.compression.type", name, "String must be one of: none, gzip, snappy, lz4, zstd"),
    };

    /// <summary>Null: it was stopped.</summary>
    private async Task<IReadOnlyList<SourceRecord>?> PollAsync()
    {
        try
        {
            var records = await _retries.Forever.ExecuteAsync(static (self, _) => self._task!.PollAsync(self.PluginStopToken), this, StopToken);
            _pollTroubled = false;
            return records;
        }
        catch (OperationCanceledException) when (StopWanted)
        {
            return null;
        }
        catch (Exception e) when (e is not RecordException { Record: SourceRecord })
        {
            throw new StageException(Stage.TaskPoll, null, e) { TracesCauseOnly = true };
        }
    }

    /// <summary>Until the poll is back, the unit on its way is safe, the next one's interval is over, or something is asked of the task.</summary>
    private async Task WaitAsync(Task changed)
    {
        if (_poll!.IsCompleted)
            return;

        // Most tasks that want to hear of it cannot be told while they poll.
        var landing = _commitsBetweenPolls ? null : _flight;
        if (_interval is not { } interval || _unit.IsEmpty || _flight is not null)
        {
            await (landing is null ? Task.WhenAny(_poll, changed) : Task.WhenAny(_poll, changed, landing));
            return;
        }

        var left = interval - Services.Time.GetElapsedTime(_unit.Started);
        if (left <= TimeSpan.Zero)
            return;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(StopToken);
        await Task.WhenAny(_poll, changed, Task.Delay(left, Services.Time, over.Token));
        await over.CancelAsync();
    }

    /// <summary>Takes what the poll brought into the unit.</summary>
    private async Task TakeAsync()
    {
        IReadOnlyList<SourceRecord>? records;
        RecordException? refused = null;
        try
        {
            records = await _poll!;
        }
        catch (RecordException e)
        {
            // All that the poll brought is a record that the task could not read.
            (records, refused) = ([(SourceRecord)e.Record], e);
        }

        _poll = null;

        // A task that never waits must not keep its thread.
        if (records is { Count: > 0 })
            await AddAsync(records, refused);
        else
            await Task.Yield();

        // Whether it brought something or not: what was said in this poll must not hit the records of the next.
        if (_transaction?.Take() is not { } said)
            return;
        if (said.Aborted)
            _unit.DropRecords();
        if (said.Aborted || said.Committed)
            await GoAsync(isBoundary: true);
    }

    private async Task AddAsync(IReadOnlyList<SourceRecord> records, RecordException? refused)
    {
        Guard();
        Metrics.Came(records.Count, Services.Time.GetElapsedTime(_pollStarted));
        _writer.NextBatch();
        for (var i = 0; i < records.Count; i++)
        {
            var record = records[i];
            if (_unit.IsEmpty)
                _unit.Started = Services.Time.GetTimestamp();
            var adding = refused is null ? _writer.AddAsync(record, _unit, StopToken) : _writer.RefusedAsync(record, refused, _unit, StopToken);
            if (!adding.IsCompletedSuccessfully)
                await adding;
            _unit.Passed(record, _wantsCommitted);
            if (_unit.Bytes >= _mostBytes || _transaction?.EndsAfter(record) == true)
                await GoAsync(isBoundary: _transaction?.EndsAfter(record) != false);
        }
    }

    /// <summary>Whether the unit ends here and nothing is on its way.</summary>
    private bool MayGo() =>
        _flight is null && !_unit.IsEmpty && _transaction is null && (_interval is not { } interval || Services.Time.GetElapsedTime(_unit.Started) >= interval);

    /// <summary>Sends the unit when the one before is safe.</summary>
    private async Task GoAsync(bool isBoundary)
    {
        if (_unit.IsEmpty)
            return;
        if (!isBoundary)
            Logger.TransactionSplit(Definition.Id.Connector, Definition.Id.Task, _mostBytes);
        if (_flight is not null)
            await LandAsync();
        Go();
    }

    private void Go()
    {
        (_unit, _spare) = (_spare, _unit);
        _flight = AppendAsync(_spare);
    }

    /// <summary>Nothing is on its way, and the task knows, unless it must not be told now.</summary>
    private async Task DrainAsync()
    {
        if (_flight is not null)
            await LandAsync();

        // A transaction that the connector did not end is not written: it is polled again from its beginning.
        if (!_unit.IsEmpty && _transaction is null)
        {
            Go();
            await LandAsync();
        }

        await TellAsync();
    }

    /// <summary>Waits for the unit that was sent, and tells the task as soon as it may be told.</summary>
    private async Task LandAsync()
    {
        var flight = _flight!;
        _flight = null;
        try
        {
            await flight;
            if (_wantsCommitted)
                _untold = [.. _untold, .. _spare.Polled];
        }
        finally
        {
            _spare.Reset();
        }

        await TellAsync();
    }

    /// <summary>Tells the task of what is safe. Who hears of it between polls only is told when the poll that runs has come back: a pause writes what there is, whatever the poll does.</summary>
    private async Task TellAsync()
    {
        if (_untold.Length == 0 || (_commitsBetweenPolls && _poll is { IsCompleted: false }))
            return;
        Guard();
        var safe = _untold;
        _untold = [];
        await _task!.CommittedAsync(safe, PluginAbortToken);
    }

    private async Task AppendAsync(SourceUnit unit)
    {
        var started = Services.Time.GetTimestamp();
        var bytes = unit.Bytes;
        try
        {
            await _retries.Broker.ExecuteAsync(
                async (u, token) => await WriteAsync(() => Services.Offsets.StoreWithAsync(Definition.Id.Connector, u.Offsets(), u.CopyBatches(), CancellationToken.None)), unit, AbortToken);
        }
        catch (BrokerException e)
        {
            Metrics.CommitFailures++;
            throw new StageException(Stage.KafkaProduce, null, e, StageException.SendFailed);
        }

        _logTroubled = false;
        Metrics.CommitSuccesses++;
        Metrics.CommitTime.Add(Services.Time.GetElapsedTime(started).TotalMilliseconds);
        Metrics.UnitSize.Add(unit.Count);
        Interlocked.Add(ref Metrics.ActiveRecords, -unit.PolledCount);
        Metrics.Went(unit.Count, bytes);
        if (Services.Options.TopicTracking)
        {
            foreach (var topic in unit.Topics)
                Services.Statuses.TopicUsed(Definition.Id.Connector, Definition.Id.Task, topic);
        }
    }

    private void TryingAgain(Exception error, TimeSpan delay)
    {
        // Polls and appends run side by side: one that goes well says nothing of the other.
        if (error is BrokerException)
            _logTroubled = true;
        else
            _pollTroubled = true;
        Interlocked.Increment(ref Metrics.RetryCount);
        Logger.TryingAgain(Definition.Id.Connector, Definition.Id.Task, delay, Secrets.Scrub(error.Message));
    }
}
