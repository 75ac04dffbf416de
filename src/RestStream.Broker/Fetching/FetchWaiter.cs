using System.Threading.Tasks.Sources;
using RestStream.Broker.Topics;

namespace RestStream.Broker.Fetching;

/// <summary>
/// The waiting half of a reader. One object, one timer and one place per partition serve all its waits, so a wait allocates nothing.
/// Three may end a wait: a partition (any committer or pool thread), the timer, the cancellation. The first one wins; those that come late carry an old
/// version, an old token or find time left, and do nothing.
/// </summary>
internal sealed class FetchWaiter : IValueTaskSource<bool>, IDisposable
{
    /// <summary>What a timer takes at most, about 24 days.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(int.MaxValue);

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly BrokerInstruments _instruments;
    private readonly Partition[] _partitions;
    private readonly WaitSlot[] _slots;
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private bool _waiting;
    private bool _parked;
    private ITimer? _timer;
    private long _startedAt;
    private TimeSpan _maxWait;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    public FetchWaiter(Partition[] partitions, TimeProvider clock, BrokerInstruments instruments)
    {
        _partitions = partitions;
        _clock = clock;
        _instruments = instruments;
        _slots = new WaitSlot[partitions.Length];
        for (var i = 0; i < _slots.Length; i++)
            _slots[i] = new WaitSlot(this);
    }

    /// <summary>Waits until one of the partitions has records at its position. The caller awaits the result before it waits again.</summary>
    public ValueTask<bool> WaitAsync(FetchPosition[] positions, TimeSpan maxWait, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(cancellationToken);
        if (AnyGrown(positions))
            return new ValueTask<bool>(true);
        if (maxWait <= TimeSpan.Zero && maxWait != Timeout.InfiniteTimeSpan)
            return new ValueTask<bool>(false);

        _core.Reset();
        var version = _core.Version;
        lock (_lock)
        {
            if (_waiting)
                throw new InvalidOperationException("This reader waits already.");
            _waiting = true;
            _token = cancellationToken;
            _startedAt = _clock.GetTimestamp();
            _maxWait = maxWait;
        }

        for (var i = 0; i < _slots.Length; i++)
            _partitions[i].Waiters.Park(_slots[i], version);

        // Looked at again after parking, so that growth in between is not missed; the fence pairs with the one in WaitList.WakeAll.
        Interlocked.MemoryBarrier();
        if (AnyGrown(positions))
        {
            Complete(version, grew: true);
        }
        else
        {
            if (maxWait != Timeout.InfiniteTimeSpan)
                ArmTimer(maxWait);
            if (cancellationToken.CanBeCanceled)
                _registration = cancellationToken.UnsafeRegister(static (waiter, token) => ((FetchWaiter)waiter!).Cancel(token), this);
        }

        // Counted last: whoever sees the reader counted may rely on its timer. Nobody unparks before this returns.
        _parked = true;
        _instruments.ReaderParked();
        return new ValueTask<bool>(this, version);
    }

    /// <summary>Ends the wait of this version, if it is still on.</summary>
    public void Complete(short version, bool grew)
    {
        lock (_lock)
        {
            if (!_waiting || _core.Version != version)
                return;
            _waiting = false;
        }

        _core.SetResult(grew);
    }

    public void Dispose()
    {
        lock (_lock)
            _waiting = false;
        Unpark();
        _timer?.Dispose();
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        Unpark();
        return _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private bool AnyGrown(FetchPosition[] positions)
    {
        for (var i = 0; i < positions.Length; i++)
        {
            if (_partitions[i].HasRecordsAt(positions[i].Offset))
                return true;
        }

        return false;
    }

    /// <summary>Leaves nothing behind of a wait that is over: no place in a list, no armed timer, no registration.</summary>
    private void Unpark()
    {
        if (!_parked)
            return;
        _parked = false;
        for (var i = 0; i < _slots.Length; i++)
            _partitions[i].Waiters.Leave(_slots[i]);
        _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _registration.Unregister();
        _registration = default;
        _instruments.ReaderLeft();
    }

    private void ArmTimer(TimeSpan due)
    {
        // A timer that comes a little early would find time left; whole milliseconds, rounded up, make that rare.
        due = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(due.TotalMilliseconds)));
        if (due > LongestTimer)
            due = LongestTimer;
        if (_timer is null)
            _timer = _clock.CreateTimer(static waiter => ((FetchWaiter)waiter!).TimeUp(), this, due, Timeout.InfiniteTimeSpan);
        else
            _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void TimeUp()
    {
        TimeSpan left;
        lock (_lock)
        {
            if (!_waiting)
                return;
            left = _maxWait - _clock.GetElapsedTime(_startedAt);
            if (left <= TimeSpan.Zero)
                _waiting = false;
        }

        if (left > TimeSpan.Zero)
            ArmTimer(left);
        else
            _core.SetResult(false);
    }

    private void Cancel(CancellationToken token)
    {
        lock (_lock)
        {
            if (!_waiting || token != _token)
                return;
            _waiting = false;
        }

        _core.SetException(new OperationCanceledException(token));
    }
}
