using RestStream.Connect.Config;

namespace RestStream.Connect.Testing;

/// <summary>
/// Runs a source connector and its tasks step by step, with a log and an offset store in memory that outlive a <see cref="CrashAsync"/>. A test says when is polled, appended and committed; the worker does the same in a loop.
/// Not thread safe.
/// </summary>
public sealed class SourceHost : IAsyncDisposable
{
    private readonly Func<SourceConnector> _connector;
    private readonly IReadOnlyDictionary<string, string> _config;
    private readonly SourceOffsets _offsets = new();
    private readonly List<SourceRecord> _log = [];
    private readonly List<IAsyncDisposable> _abandoned = [];
    private readonly List<Running> _tasks = [];
    private SourceConnector? _running;
    private CancellationTokenSource _stop = new();

    /// <summary>Nothing runs yet.</summary>
    /// <param name="connector">Makes the connector; called for each start.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="worker">What the tasks get; null: one of its own.</param>
    public SourceHost(Func<SourceConnector> connector, IReadOnlyDictionary<string, string> config, TestWorker? worker = null)
    {
        _connector = connector;
        _config = config;
        Worker = worker ?? new TestWorker();
    }

    /// <summary>Clock, files, network, hooks, log lines.</summary>
    public TestWorker Worker { get; }

    /// <summary>Longest that <see cref="PollAsync"/> waits for records, in real time. Default 10 s: slow machines, and not the time of a hang.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most tasks that the connector may split its work into. Default 1.</summary>
    public int MaxTasks { get; init; } = 1;

    /// <summary>Where transactions end; for tests of connectors that define them.</summary>
    public ITransactionBoundaries? Transaction { get; init; }

    /// <summary>What is in the log, in order.</summary>
    public IReadOnlyList<SourceRecord> Log => _log;

    /// <summary>The stored offsets.</summary>
    public IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?> Offset)> Offsets => _offsets.All;

    /// <summary>Starts connector and tasks. What fails is disposed, as the worker does it.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_running is not null)
            throw new InvalidOperationException("It runs already.");
        _running = _connector();
        try
        {
            var values = TestConfig.Parse(_running.Config, _config);
            await _running.StartAsync(Worker.ConnectorContext(values), cancellationToken);
            foreach (var config in _running.TaskConfigs(MaxTasks))
            {
                var task = (SourceTask)Activator.CreateInstance(_running.TaskType)!;
                _tasks.Add(new Running(task));
                await task.StartAsync(new Context(this, _tasks.Count - 1, TestConfig.Parse(_running.Config, config)), cancellationToken);
            }
        }
        catch
        {
            await StopAsync();
            throw;
        }
    }

    /// <summary>
    /// The next records of the task whose poll ends first; empty when none had any within <see cref="Patience"/>. They wait for <see cref="Append"/>. A poll that did not end goes on, and is asked first the next time.
    /// </summary>
    public async Task<IReadOnlyList<SourceRecord>> PollAsync()
    {
        var end = Task.Delay(Patience, TimeProvider.System);
        while (true)
        {
            foreach (var task in _tasks)
                task.Poll ??= Task.Run(() => task.Task.PollAsync(_stop.Token).AsTask());
            var first = await Task.WhenAny([.. _tasks.Select(task => task.Poll!), end]);
            if (first == end)
                return [];

            var ended = _tasks.First(task => task.Poll == first);
            ended.Poll = null;
            var records = await (Task<IReadOnlyList<SourceRecord>>)first;
            ended.Polled.AddRange(records);
            if (records.Count > 0)
                return records;
        }
    }

    /// <summary>Puts what was polled into the log and its offsets into the store, as one step.</summary>
    /// <param name="count">Only so many records of each task; the rest is dropped, as by a crash in between. Default: all.</param>
    public void Append(int count = int.MaxValue)
    {
        foreach (var task in _tasks)
        {
            foreach (var record in task.Polled.Take(count))
            {
                if (!task.Refused.Remove(record))
                    _log.Add(record);
                _offsets.Store(record.SourcePartition, record.SourceOffset);
                task.Appended.Add(record);
            }

            task.Polled.Clear();
        }
    }

    /// <summary>A record that was polled is refused on its way to the log: by a transform, a converter, or its topic. True: the task has somebody told, and <see cref="Append"/> passes it over. False: the worker would fail the task.</summary>
    public bool Refuse(SourceRecord record, string reason)
    {
        var task = _tasks.Find(task => task.Polled.Contains(record)) ?? throw new InvalidOperationException("The record was not polled, or is in the log.");
        if (!task.Task.Refused(record, reason))
            return false;
        task.Refused.Add(record);
        return true;
    }

    /// <summary>Tells the tasks what is in the log.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken = default)
    {
        foreach (var task in _tasks.Where(task => task.Appended.Count > 0))
        {
            // Polls and commits of one task never overlap.
            if (task.Poll is not null)
                throw new InvalidOperationException("A poll of this task is under way: commit right behind the poll that brought the records.");
            SourceRecord[] records = [.. task.Appended];
            task.Appended.Clear();
            await task.Task.CommittedAsync(records, cancellationToken);
        }
    }

    /// <summary>Polls, appends and commits until the log holds so many records, or nothing more comes within <see cref="Patience"/>.</summary>
    public async Task RunAsync(int records)
    {
        while (_log.Count < records && (await PollAsync()).Count > 0)
        {
            Append();
            await CommitAsync();
        }
    }

    /// <summary>
    /// The process dies here: nothing is called any more on what runs; log and offsets stay. What was abandoned is disposed at the end, unless <paramref name="release"/> says at once: for a task that holds
    /// what only one may hold (a lock, a port), which the death of a process frees.
    /// </summary>
    public async Task CrashAsync(bool release = false)
    {
        _abandoned.AddRange(_tasks.Select(task => task.Task));
        if (_running is not null)
            _abandoned.Add(_running);
        Worker.CloseHooks();
        await CancelPollsAsync();
        _tasks.Clear();
        _running = null;
        if (release)
            await ReleaseAsync();
    }

    /// <summary>Stops gracefully: ends the polls, disposes tasks and connector. What was polled and not appended is dropped.</summary>
    /// <exception cref="TimeoutException">A poll did not end within <see cref="Patience"/> after it was cancelled.</exception>
    public async Task StopAsync()
    {
        await CancelPollsAsync();
        foreach (var task in _tasks)
            await task.Task.DisposeAsync();
        _tasks.Clear();
        if (_running is not null)
            await _running.DisposeAsync();
        _running = null;
    }

    /// <summary>Stops, and releases what was abandoned.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await ReleaseAsync();
        _stop.Dispose();
    }

    private async Task CancelPollsAsync()
    {
        await _stop.CancelAsync();
        foreach (var poll in _tasks.Select(task => task.Poll).OfType<Task<IReadOnlyList<SourceRecord>>>())
        {
            // How it ends does not matter any more, as for the worker; that it ends does.
            if (await Task.WhenAny(poll, Task.Delay(Patience, TimeProvider.System)) != poll)
                throw new TimeoutException($"A poll did not end within {Patience} after its token was cancelled.");
            _ = poll.Exception;
        }

        _stop.Dispose();
        _stop = new CancellationTokenSource();
    }

    private async Task ReleaseAsync()
    {
        foreach (var abandoned in _abandoned)
            await abandoned.DisposeAsync();
        _abandoned.Clear();
    }

    private sealed class Running(SourceTask task)
    {
        public SourceTask Task { get; } = task;

        public Task<IReadOnlyList<SourceRecord>>? Poll { get; set; }

        public List<SourceRecord> Polled { get; } = [];

        public List<SourceRecord> Appended { get; } = [];

        public HashSet<SourceRecord> Refused { get; } = new(ReferenceEqualityComparer.Instance);
    }

    private sealed class Context(SourceHost host, int taskId, ConfigValues config) : TaskSide(host.Worker, taskId, config), ISourceTaskContext
    {
        public ITransactionBoundaries? Transaction => host.Transaction;

        public ValueTask<IReadOnlyDictionary<string, object?>?> LastOffsetAsync(IReadOnlyDictionary<string, object?> partition, CancellationToken cancellationToken) => new(host._offsets.Find(partition));

        public ValueTask<IReadOnlyList<IReadOnlyDictionary<string, object?>?>> LastOffsetsAsync(IReadOnlyList<IReadOnlyDictionary<string, object?>> partitions, CancellationToken cancellationToken) =>
            new([.. partitions.Select(host._offsets.Find)]);

        public IDisposable OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) => Worker.OpenHook(name, handler);
    }
}
