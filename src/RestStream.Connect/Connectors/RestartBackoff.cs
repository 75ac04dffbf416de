using RestStream.Connect.Config;
using RestStream.Connect.Configs;

namespace RestStream.Connect.Connectors;

/// <summary>The pauses of the restart policy, as a connector's configuration has them.</summary>
/// <param name="First">Before the first restart.</param>
/// <param name="Longest">No pause is longer.</param>
/// <param name="Healthy">After so long without a failure the first pause comes again.</param>
internal readonly record struct RestartPauses(TimeSpan First, TimeSpan Longest, TimeSpan Healthy)
{
    /// <summary>A setting that cannot be read (the configuration was never validated: it came with a topic of another worker) counts as left out.</summary>
    public static RestartPauses Of(IReadOnlyDictionary<string, string> config)
    {
        return new RestartPauses(Pause(ConnectorConfig.RestartBackoffInitial), Pause(ConnectorConfig.RestartBackoffMax), Pause(ConnectorConfig.RestartHealthy));

        TimeSpan Pause(string name)
        {
            var key = ConnectorConfig.Ours.Find(name)!;
            try
            {
                var value = config.TryGetValue(name, out var text) ? ConfigDef.ParseType(name, text, key.Type) : key.Default;
                key.Validator!.EnsureValid(name, value);
                return TimeSpan.FromMilliseconds((long)value!);
            }
            catch (ConfigException)
            {
                return TimeSpan.FromMilliseconds((long)key.Default!);
            }
        }
    }
}

/// <summary>
/// When a failed connector or task is started again: after 1 s, then after twice as long each time, up to 10 min; from the beginning once it ran well for 5 min. Those are the defaults, Conduit's numbers.
/// Used under the connector's lock.
/// </summary>
internal sealed class RestartBackoff(TimeProvider time) : IDisposable
{
    private ITimer? _timer;
    private TimeSpan? _next;
    private long? _runningSince;

    /// <summary>How often it was started again since somebody last started it himself.</summary>
    public int Restarts { get; private set; }

    /// <summary>When it is started next; null when it is not going to be.</summary>
    public DateTimeOffset? Next { get; private set; }

    public void Running() => _runningSince ??= time.GetTimestamp();

    /// <summary>It failed: <paramref name="restart"/> is called once the time has come, on a thread of the pool.</summary>
    public TimeSpan Schedule(RestartPauses pauses, Action restart)
    {
        if (_runningSince is { } since && time.GetElapsedTime(since) >= pauses.Healthy)
            _next = null;
        _runningSince = null;
        var wanted = _next ?? pauses.First;
        var delay = wanted < pauses.Longest ? wanted : pauses.Longest;
        _next = delay * 2;
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
        (_next, Restarts, _runningSince) = (null, 0, null);
    }

    public void Dispose() => Cancel();
}
