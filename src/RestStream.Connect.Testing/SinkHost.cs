using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Testing;

/// <summary>A record that a sink task wrote to a topic itself.</summary>
public sealed record ProducedRecord(string Topic, SchemaAndValue Key, SchemaAndValue Value, IReadOnlyList<Header> Headers);

/// <summary>
/// Runs a sink connector and one task step by step: a test says when is put, flushed and committed; the worker does the same in a loop. Committed offsets outlive a <see cref="CrashAsync"/>, and what is above them is
/// handed out again. Not thread safe.
/// </summary>
public sealed class SinkHost : IAsyncDisposable
{
    private readonly Func<SinkConnector> _connector;
    private readonly IReadOnlyDictionary<string, string> _config;
    private readonly List<IAsyncDisposable> _abandoned = [];
    private readonly Dictionary<TopicPartition, List<SinkRecord>> _topics = [];
    private readonly Dictionary<TopicPartition, long> _committed = [];
    private readonly Dictionary<TopicPartition, long> _position = [];
    private readonly HashSet<TopicPartition> _paused = [];
    private readonly List<(SinkRecord Record, Exception Error)> _reported = [];
    private readonly List<ProducedRecord> _produced = [];
    private SinkConnector? _running;
    private SinkTask? _task;

    /// <summary>Nothing runs yet.</summary>
    /// <param name="connector">Makes the connector; called for each start.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="worker">What the task gets; null: one of its own.</param>
    public SinkHost(Func<SinkConnector> connector, IReadOnlyDictionary<string, string> config, TestWorker? worker = null)
    {
        _connector = connector;
        _config = config;
        Worker = worker ?? new TestWorker();
    }

    /// <summary>Clock, files, network, log lines.</summary>
    public TestWorker Worker { get; }

    /// <summary>Whether records may be reported as undeliverable (<c>errors.tolerance=all</c>). Default: yes.</summary>
    public bool ToleratesErrors { get; init; } = true;

    /// <summary>The next offset of each partition that is safe in the system outside, as the task answered.</summary>
    public IReadOnlyDictionary<TopicPartition, long> Committed => _committed;

    /// <summary>Records that the task reported as undeliverable.</summary>
    public IReadOnlyList<(SinkRecord Record, Exception Error)> Reported => _reported;

    /// <summary>What the task wrote to topics itself.</summary>
    public IReadOnlyList<ProducedRecord> Produced => _produced;

    /// <summary>How often the task asked for a commit.</summary>
    public int CommitRequests { get; private set; }

    /// <summary>Appends records to their topics, from where <see cref="PutAsync"/> takes them. Offsets must rise in each partition.</summary>
    public void Produce(params IEnumerable<SinkRecord> records)
    {
        foreach (var record in records)
        {
            var partition = new TopicPartition(record.OriginalTopic, record.OriginalPartition);
            if (!_topics.TryGetValue(partition, out var topic))
                _topics[partition] = topic = [];
            topic.Add(record);
        }
    }

    /// <summary>Starts connector and task, and opens all partitions that there are, at the committed offsets. What fails is disposed, as the worker does it.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_running is not null)
            throw new InvalidOperationException("It runs already.");
        _running = _connector();
        try
        {
            var values = TestConfig.Parse(_running.Config, _config);
            await _running.StartAsync(Worker.ConnectorContext(values), cancellationToken);
            var config = _running.TaskConfigs(1).Single();
            _task = (SinkTask)Activator.CreateInstance(_running.TaskType)!;
            await _task.StartAsync(new Context(this, TestConfig.Parse(_running.Config, config)), cancellationToken);
            await OpenAsync([.. _topics.Keys], cancellationToken);
        }
        catch
        {
            await StopAsync(flush: false);
            throw;
        }
    }

    /// <summary>Gives partitions to the task, at their committed offsets.</summary>
    public async Task OpenAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken = default)
    {
        foreach (var partition in partitions)
            _position[partition] = _committed.GetValueOrDefault(partition);
        await Task.OpenAsync(partitions, cancellationToken);
    }

    /// <summary>Takes partitions from the task: flush, commit, close.</summary>
    public async Task CloseAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken = default)
    {
        await FlushAsync(cancellationToken: cancellationToken);
        await Task.CloseAsync(partitions, cancellationToken);
        foreach (var partition in partitions)
            _position.Remove(partition);
    }

    /// <summary>
    /// Hands out the next records of the open partitions, in turn. When the task throws <see cref="RetriableException"/> or anything else, the exception comes out here and the same records come again the next time.
    /// </summary>
    /// <returns>What was handed out; empty when there was nothing (the task was handed an empty batch).</returns>
    public async Task<IReadOnlyList<SinkRecord>> PutAsync(int maxRecords = int.MaxValue, CancellationToken cancellationToken = default)
    {
        var batch = new List<SinkRecord>();
        var position = new Dictionary<TopicPartition, long>(_position);
        bool more;
        do
        {
            more = false;
            foreach (var partition in _position.Keys.Where(partition => !_paused.Contains(partition)))
            {
                var next = _topics.GetValueOrDefault(partition)?.Find(record => record.Offset >= position[partition]);
                if (next is null || batch.Count == maxRecords)
                    continue;
                batch.Add(next);
                position[partition] = next.Offset + 1;
                more = true;
            }
        }
        while (more);

        var before = new Dictionary<TopicPartition, long>(_position);
        await Task.PutAsync(batch, cancellationToken);

        // A seek of the task counts more than what was handed out.
        foreach (var (partition, offset) in position.Where(p => _position.TryGetValue(p.Key, out var now) && now == before[p.Key]))
            _position[partition] = offset;
        return batch;
    }

    /// <summary>Asks the task what is safe, and commits that. When it throws, the exception comes out here, and everything above the committed offsets is handed out again.</summary>
    /// <param name="commit">False: the answer is dropped, as by a crash in between.</param>
    /// <param name="cancellationToken">As the worker's.</param>
    /// <returns>What the task answered.</returns>
    public async Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(bool commit = true, CancellationToken cancellationToken = default)
    {
        IReadOnlyDictionary<TopicPartition, long> safe;
        try
        {
            safe = await Task.FlushAsync(new Dictionary<TopicPartition, long>(_position), cancellationToken);
        }
        catch
        {
            foreach (var partition in _position.Keys)
                _position[partition] = _committed.GetValueOrDefault(partition);
            throw;
        }

        foreach (var (partition, offset) in commit ? safe : new Dictionary<TopicPartition, long>())
            _committed[partition] = offset;
        return safe;
    }

    /// <summary>
    /// The process dies here: nothing is called any more on what runs; topics and committed offsets stay. What was abandoned is disposed at the end, unless <paramref name="release"/> says at once: for a task that
    /// holds what only one may hold (a lock, a port), which the death of a process frees.
    /// </summary>
    public async Task CrashAsync(bool release = false)
    {
        if (_task is not null)
            _abandoned.Add(_task);
        if (_running is not null)
            _abandoned.Add(_running);
        _task = null;
        _running = null;
        _position.Clear();
        _paused.Clear();
        if (release)
            await ReleaseAsync();
    }

    /// <summary>Stops as the worker does: flush, commit, close, dispose.</summary>
    public Task StopAsync() => StopAsync(flush: true);

    /// <summary>Disposes what runs, without a flush, and what was abandoned.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(flush: false);
        await ReleaseAsync();
    }

    private SinkTask Task => _task ?? throw new InvalidOperationException("Nothing runs. Call StartAsync first.");

    private async Task StopAsync(bool flush)
    {
        if (flush && _task is not null)
            await CloseAsync([.. _position.Keys]);
        if (_task is not null)
            await _task.DisposeAsync();
        if (_running is not null)
            await _running.DisposeAsync();
        _task = null;
        _running = null;
        _position.Clear();
        _paused.Clear();
    }

    private async Task ReleaseAsync()
    {
        foreach (var abandoned in _abandoned)
            await abandoned.DisposeAsync();
        _abandoned.Clear();
    }

    private sealed class Context(SinkHost host, ConfigValues config) : TaskSide(host.Worker, 0, config), ISinkTaskContext
    {
        public IReadOnlyCollection<TopicPartition> Assignment => [.. host._position.Keys];

        public void Seek(TopicPartition partition, long offset) => host._position[partition] = offset;

        public void Pause(params IReadOnlyCollection<TopicPartition> partitions) => host._paused.UnionWith(partitions);

        public void Resume(params IReadOnlyCollection<TopicPartition> partitions) => host._paused.ExceptWith(partitions);

        public void RequestCommit() => host.CommitRequests++;

        public Task ReportAsync(SinkRecord record, Exception error)
        {
            if (!host.ToleratesErrors)
                throw new ConnectException($"A record cannot be delivered, and errors.tolerance is none: {error.Message}", error);
            host._reported.Add((record, error));
            return System.Threading.Tasks.Task.CompletedTask;
        }

        public Task ProduceAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken)
        {
            host._produced.Add(new ProducedRecord(topic, key, value, headers));
            return System.Threading.Tasks.Task.CompletedTask;
        }
    }
}
