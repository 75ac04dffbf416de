namespace RestStream.Broker.Groups;

/// <summary>
/// All deadlines of all groups behind one timer of the clock. Whoever has deadlines registers for the earliest; moving one to later costs nothing here,
/// because the owner looks when it is woken and registers again. Time is monotonic: a changed wall clock ends no session.
/// </summary>
internal sealed class DeadlineQueue : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly PriorityQueue<IHasDeadlines, long> _queue = new();
    private long _armedFor = long.MaxValue;
    private bool _disposed;

    public DeadlineQueue(TimeProvider clock)
    {
        _clock = clock;
        _timer = clock.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ticks of the clock's timestamp.</summary>
    public long Now => _clock.GetTimestamp();

    public long After(TimeSpan span) => After(_clock.GetTimestamp(), span);

    public long After(long now, TimeSpan span) => now + (long)(span.TotalSeconds * _clock.TimestampFrequency);

    /// <summary>Wakes the owner at that time. An owner that registers twice is woken twice.</summary>
    public void Register(IHasDeadlines owner, long due)
    {
        lock (_lock)
        {
            _queue.Enqueue(owner, due);
            if (due < _armedFor)
                Arm(due);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _queue.Clear();
        }

        _timer.Dispose();
    }

    private void Fire()
    {
        while (true)
        {
            IHasDeadlines owner;
            lock (_lock)
            {
                if (_disposed)
                    return;
                if (!_queue.TryPeek(out var next, out var due))
                {
                    _armedFor = long.MaxValue;
                    return;
                }

                if (due > Now)
                {
                    Arm(due);
                    return;
                }

                _queue.Dequeue();
                owner = next;
            }

            owner.DeadlineCame();
        }
    }

    private void Arm(long due)
    {
        _armedFor = due;
        if (_disposed)
            return;

        // A millisecond more than needed, because a timer may come a little early and would be armed again for nothing.
        var span = TimeSpan.FromSeconds(Math.Max(0, due - Now) / (double)_clock.TimestampFrequency);
        _timer.Change(span == TimeSpan.Zero ? span : TimeSpan.FromMilliseconds(Math.Ceiling(span.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }
}

/// <summary>Owner of deadlines in a <see cref="DeadlineQueue"/>.</summary>
internal interface IHasDeadlines
{
    /// <summary>A registered time has come. Looks what is due, acts, and registers again for what is next.</summary>
    void DeadlineCame();
}
