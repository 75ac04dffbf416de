using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Tasks;

/// <summary>Of a sink: takes what the task asks, for the loop to do between two calls of the task.</summary>
internal sealed class SinkTaskContext(RunningTask owner, ConfigValues config, Func<SinkRecord, Exception, Task> report, OwnRecords records) : TaskContext(owner, config), ISinkTaskContext
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, long> _seeks = [];
    private readonly HashSet<TopicPartition> _paused = [];
    private bool _pausedChanged;
    private volatile bool _commitRequested;
    private volatile IReadOnlyCollection<TopicPartition> _assignment = [];

    public IReadOnlyCollection<TopicPartition> Assignment => _assignment;

    public bool CommitRequested => _commitRequested;

    public void Seek(TopicPartition partition, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        CheckOwned(partition);
        lock (_lock)
            _seeks[partition] = offset;
        Owner.Wake();
    }

    public void Pause(params IReadOnlyCollection<TopicPartition> partitions) => SetPaused(partitions, _paused.Add);

    public void Resume(params IReadOnlyCollection<TopicPartition> partitions) => SetPaused(partitions, _paused.Remove);

    public void RequestCommit()
    {
        Owner.Guard();
        _commitRequested = true;
        Owner.Wake();
    }

    public Task ReportAsync(SinkRecord record, Exception error)
    {
        Owner.Guard();
        return report(record, error);
    }

    public Task ProduceAsync(string topic, SchemaAndValue key, SchemaAndValue value, IReadOnlyList<Header> headers, CancellationToken cancellationToken)
    {
        Owner.Guard();
        return records.WriteAsync(topic, key, value, headers, cancellationToken);
    }

    /// <summary>These are its partitions now; what it asked about others is forgotten.</summary>
    public void Assign(IReadOnlyCollection<TopicPartition> partitions)
    {
        lock (_lock)
        {
            _assignment = partitions;
            _paused.RemoveWhere(p => !partitions.Contains(p));
            foreach (var gone in _seeks.Keys.Where(p => !partitions.Contains(p)).ToList())
                _seeks.Remove(gone);
        }
    }

    public bool IsPaused(TopicPartition partition)
    {
        lock (_lock)
            return _paused.Contains(partition);
    }

    /// <summary>What it asked for since the last time. Null: nothing that concerns reading.</summary>
    public IReadOnlyDictionary<TopicPartition, long>? TakeChanges()
    {
        lock (_lock)
        {
            if (_seeks.Count == 0 && !_pausedChanged)
                return null;
            _pausedChanged = false;
            var seeks = new Dictionary<TopicPartition, long>(_seeks);
            _seeks.Clear();
            return seeks;
        }
    }

    public void CommitBegins() => _commitRequested = false;

    private void SetPaused(IReadOnlyCollection<TopicPartition> partitions, Func<TopicPartition, bool> change)
    {
        foreach (var partition in partitions)
            CheckOwned(partition);
        lock (_lock)
        {
            foreach (var partition in partitions)
                _pausedChanged |= change(partition);
        }

        Owner.Wake();
    }

    private void CheckOwned(TopicPartition partition)
    {
        Owner.Guard();
        if (!_assignment.Contains(partition))
            throw new ConnectException($"Partition {partition} is not assigned to this task.");
    }
}
