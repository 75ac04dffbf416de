using System.Collections.Concurrent;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>What a <see cref="RememberingSink"/> does, and what it got.</summary>
internal sealed class SinkScript
{
    /// <summary>Every record put without an error, as <c>topic-partition@offset=value</c>.</summary>
    public ConcurrentQueue<string> Put { get; } = [];
    public ConcurrentQueue<string> Calls { get; } = [];

    /// <summary>Runs before records are taken; may throw or wait.</summary>
    public Func<ISinkTaskContext, IReadOnlyList<SinkRecord>, CancellationToken, Task>? BeforePut { get; set; }

    /// <summary>What a flush answers.</summary>
    public Func<IReadOnlyDictionary<TopicPartition, long>, IReadOnlyDictionary<TopicPartition, long>> Flush { get; set; } = o => o;
    public Action<ISinkTaskContext, IReadOnlyList<TopicPartition>>? Opened { get; init; }

    /// <summary>Runs in the start.</summary>
    public Func<CancellationToken, Task> Started { get; init; } = _ => Task.CompletedTask;

    /// <summary>Runs in the end.</summary>
    public Action Ending { get; init; } = () => { };
    public volatile int EmptyPuts;
    public volatile int Disposed;

    public IEnumerable<string> Values => Put.Select(p => p[(p.IndexOf('=') + 1)..]);
}

internal sealed class RememberingSink : SinkTask
{
    private SinkScript _script = null!;
    private ISinkTaskContext _context = null!;

    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        (_script, _context) = (TestScripts.Find<SinkScript>(context), context);
        return _script.Started(cancellationToken);
    }

    public override Task OpenAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        _script.Calls.Enqueue("open " + string.Join(' ', partitions));
        _script.Opened?.Invoke(_context, partitions);
        return Task.CompletedTask;
    }

    public override async Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        if (records.Count == 0)
            _script.EmptyPuts++;
        if (_script.BeforePut is { } before)
            await before(_context, records, cancellationToken);
        foreach (var record in records)
            _script.Put.Enqueue($"{record.OriginalTopic}-{record.OriginalPartition}@{record.Offset}={record.Value}");
    }

    public override Task<IReadOnlyDictionary<TopicPartition, long>> FlushAsync(IReadOnlyDictionary<TopicPartition, long> offsets, CancellationToken cancellationToken)
    {
        _script.Calls.Enqueue("flush " + string.Join(' ', offsets.OrderBy(o => o.Key.ToString()).Select(o => $"{o.Key}@{o.Value}")));
        return Task.FromResult(_script.Flush(offsets));
    }

    public override Task CloseAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        _script.Calls.Enqueue("close " + string.Join(' ', partitions));
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _script.Ending();
        _script.Disposed++;
        return base.DisposeAsync();
    }
}
