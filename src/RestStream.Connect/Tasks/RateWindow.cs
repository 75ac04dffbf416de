namespace RestStream.Connect.Tasks;

/// <summary>How much came per second over the last minute. Safe on any thread; asked per batch, never per record.</summary>
internal sealed class RateWindow(TimeProvider time)
{
    private const int Seconds = 60;

    private readonly Lock _lock = new();
    private readonly long[] _amounts = new long[Seconds];
    private readonly long _started = time.GetTimestamp();
    private long _second;

    public void Add(long amount)
    {
        lock (_lock)
        {
            MoveOn();
            _amounts[_second % Seconds] += amount;
        }
    }

    /// <summary>Of a younger window: over its life so far, at least a second.</summary>
    public double PerSecond
    {
        get
        {
            lock (_lock)
            {
                MoveOn();
                return _amounts.Sum() / Math.Clamp(time.GetElapsedTime(_started).TotalSeconds, 1, Seconds);
            }
        }
    }

    private void MoveOn()
    {
        var now = (long)time.GetElapsedTime(_started).TotalSeconds;
        if (now - _second >= Seconds)
            Array.Clear(_amounts);
        else
            for (var second = _second + 1; second <= now; second++)
                _amounts[second % Seconds] = 0;
        _second = Math.Max(_second, now);
    }
}
