namespace RestStream.Connect.Connectors;

/// <summary>
/// When a failed connector or task is started again: after 1 s, then after twice as long each time, up to 10 min; from the beginning once it ran well for 5 min. Numbers of Conduit's recovery.
/// Used under the connector's lock.
/// </summary>
internal sealed class RestartBackoff(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_healthy = TimeSpan.FromMinutes(5);

    private ITimer? _timer;
    private TimeSpan _next = s_first;
    private long? _runningSince;

    /// <summary>How often it was started again since somebody last started it himself.</summary>
    public int Restarts { get; private set; }

    /// <summary>When it is started next; null when it is not going to be.</summary>
    public DateTimeOffset? Next { get; private set; }

    public void Running() => _runningSince ??= time.GetTimestamp();

    /// <summary>It failed: <paramref name="restart"/> is called once the time has come, on a thread of the pool.</summary>
    public TimeSpan Schedule(Action restart)
    {
        if (_runningSince is { } since && time.GetElapsedTime(since) >= s_healthy)
            _next = s_first;
        _runningSince = null;
        var delay = _next;
        _next = delay * 2 < s_longest ? delay * 2 : s_longest;
        Cancel();
        Next = time.GetUtcNow() + delay;
        _timer = time.CreateTimer(static state => ((Action)state!)(), restart, delay, Timeout.InfiniteTimeSpan);
        return delay;
    }

    /// <summary>The time has come.</summary>
    public void Due()
    {
        Cancel();
        Restarts++;
    }

    /// <summary>It is not started again by itself.</summary>
    public void Cancel()
    {
        _timer?.Dispose();
        _timer = null;
        Next = null;
    }

    /// <summary>Somebody starts it himself, or it has another configuration.</summary>
    public void Reset()
    {
        Cancel();
        (_next, Restarts, _runningSince) = (s_first, 0, null);
    }

    public void Dispose() => Cancel();
}
