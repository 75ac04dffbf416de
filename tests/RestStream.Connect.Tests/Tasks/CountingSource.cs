using System.Globalization;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>What a <see cref="CountingSource"/> does.</summary>
internal sealed class CountingScript
{
    /// <summary>Records in all; then it waits until it is stopped.</summary>
    public int Last { get; init; } = 100;

    public int PerPoll { get; init; } = 10;
    public string Topic { get; init; } = "out";

    /// <summary>Runs before a poll hands out records, with the number of the first; may throw or wait.</summary>
    public Func<int, CancellationToken, Task>? BeforePoll { get; init; }

    /// <summary>Numbers that cannot be read: a poll that begins with one throws it as the record at fault, and the next goes on behind it.</summary>
    public Func<int, bool> Refuses { get; init; } = _ => false;

    /// <summary>Polls, by their number from 1 on, that come back at once and bring nothing.</summary>
    public Func<int, bool> IsEmpty { get; init; } = _ => false;

    /// <summary>Changes a record.</summary>
    public Func<SourceRecord, SourceRecord> Change { get; init; } = r => r;

    /// <summary>Runs behind a poll, with the records that it hands out.</summary>
    public Action<ISourceTaskContext, IReadOnlyList<SourceRecord>>? AfterPoll { get; set; }

    public bool TakesCommitsWhilePolling { get; init; }

    /// <summary>Somebody is told of records that are refused on their way.</summary>
    public bool TellsSenders { get; init; }

    /// <summary>What was refused, and why.</summary>
    public List<(string Value, string Reason)> Refused { get; } = [];

    public List<string> Committed { get; } = [];
    public List<string> Calls { get; } = [];
    public int Started { get; set; }
    public int Disposed { get; set; }
    public long? ResumedAt { get; set; }
    public ISourceTaskContext? Context { get; set; }
}

/// <summary>Numbers from 1, each once: it goes on behind the offset that is stored.</summary>
internal class CountingSource : SourceTask
{
    private static readonly Dictionary<string, object?> s_partition = new() { ["name"] = "numbers" };
    private CountingScript _script = new();
    private int _next = 1;
    private int _polls;

    public static IReadOnlyDictionary<string, object?> Partition => s_partition;

    protected CountingScript Script => _script;

    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _script = TestScripts.Find<CountingScript>(context);
        _script.Context = context;
        var last = await context.LastOffsetAsync(s_partition, cancellationToken);
        _script.ResumedAt = (long?)last?["number"];
        _next = (int)(_script.ResumedAt ?? 0) + 1;
        _script.Started++;
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        lock (_script.Calls)
            _script.Calls.Add("poll");
        if (_script.BeforePoll is { } before)
            await before(_next, cancellationToken);
        var records = new List<SourceRecord>();
        if (_script.IsEmpty(++_polls))
        {
            _script.AfterPoll?.Invoke(_script.Context!, records);
            return records;
        }

        if (_next > _script.Last)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        if (_next <= _script.Last && _script.Refuses(_next))
            throw new RecordException(_script.Change(Record(_next++)), "illegible");
        for (; records.Count < _script.PerPoll && _next <= _script.Last && !_script.Refuses(_next); _next++)
            records.Add(_script.Change(Record(_next)));

        _script.AfterPoll?.Invoke(_script.Context!, records);
        return records;
    }

    public override bool Refused(SourceRecord record, string reason)
    {
        _script.Refused.Add(((string)record.Value!, reason));
        return _script.TellsSenders;
    }

    public override ValueTask DisposeAsync()
    {
        _script.Disposed++;
        return base.DisposeAsync();
    }

    private SourceRecord Record(int number) => new()
    {
        Topic = _script.Topic,
        Value = number.ToString(CultureInfo.InvariantCulture),
        SourcePartition = s_partition,
        SourceOffset = new Dictionary<string, object?> { ["number"] = number },
    };
}

/// <summary>The same, and it wants to hear of what is committed.</summary>
internal sealed class AcknowledgingSource : CountingSource
{
    public override bool TakesCommitsWhilePolling => Script.TakesCommitsWhilePolling;

    public override Task CommittedAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancellationToken)
    {
        lock (Script.Calls)
            Script.Calls.Add("committed");
        Script.Committed.AddRange(records.Select(r => (string)r.Value!));
        return Task.CompletedTask;
    }
}
