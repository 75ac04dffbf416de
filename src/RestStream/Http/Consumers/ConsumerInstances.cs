using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Hosting;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Consumers;

/// <summary>
/// All consumer instances: read from the log before the first call is answered, and taken away when nobody calls them for <see cref="CompatOptions.InstanceTimeout"/>.
/// One timer serves all of them; it is armed for the first that may expire, and not at all without instances.
/// </summary>
internal sealed class ConsumerInstances(IServiceProvider services, ILogger<ConsumerInstances> logger) : IDisposable
{
    /// <summary>Expiries are gathered for so long, so that many instances do not mean many looks at all of them.</summary>
    private static readonly TimeSpan s_leastSweep = TimeSpan.FromSeconds(1);

    private readonly CompatOptions _options = services.GetRequiredService<IOptions<CompatOptions>>().Value;
    private readonly GroupMemberOptions _members = services.GetRequiredService<IOptions<GroupMemberOptions>>().Value;
    private readonly TimeProvider _clock = services.GetRequiredService<TimeProvider>();
    private readonly CancellationToken _stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
    private readonly ConcurrentDictionary<(string Group, string Name), ConsumerInstance> _instances = new();
    private readonly Lock _lock = new();
    private Task? _loading;
    private InstanceStore _store = null!;
    private ITimer? _sweeper;
    private bool _sweepArmed;
    private bool _disposed;

    /// <summary>Returns when the instances of an earlier run are there. A failure is the caller's, and the next call tries again.</summary>
    public Task LoadAsync()
    {
        lock (_lock)
        {
            if (_loading is null or { IsFaulted: true } or { IsCanceled: true })
                _loading = ReadAsync();
            return _loading;
        }
    }

    /// <summary>The instance, for the length of a call.</summary>
    /// <exception cref="HttpError"><see cref="Fault.InstanceNotFound"/>.</exception>
    public async ValueTask<InstanceCall> EnterAsync(Profile profile, string group, string name)
    {
        await LoadAsync();
        return _instances.TryGetValue((group, name), out var instance) && instance.TryEnter()
            ? new InstanceCall(instance)
            : throw ConsumerInstance.NotFound(profile, group, name);
    }

    /// <summary>A new instance; durable when it returns.</summary>
    /// <exception cref="HttpError"><see cref="Fault.InstanceExists"/>; 422: too many.</exception>
    public async Task CreateAsync(Profile profile, string group, string name, InstanceConfig config)
    {
        await LoadAsync();
        if (_instances.Count >= _options.MaxInstances)
        {
            throw new HttpError(
                422, 42216, "limit-reached", "Limit reached",
                $"There are {_options.MaxInstances} consumer instances (setting {CompatOptions.Section}:{nameof(CompatOptions.MaxInstances)}). Delete some.");
        }

        var instance = New(group, name, config);
        if (!_instances.TryAdd((group, name), instance))
            throw profile.Refuse(Fault.InstanceExists, $"Group '{group}' has a consumer instance of that name. Delete it, wait until it expires ({_options.InstanceTimeout}), or take another name.");
        try
        {
            await instance.SaveAsync();
        }
        catch
        {
            _instances.TryRemove((group, name), out _);
            throw;
        }

        ArmSweeper(_options.InstanceTimeout);
    }

    /// <summary>Takes an instance away; durable when it returns.</summary>
    public async Task DeleteAsync(ConsumerInstance instance)
    {
        await instance.CloseAsync(commit: true);
        _instances.TryRemove((instance.Group, instance.Name), out _);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _sweeper?.Dispose();
        }
    }

    private ConsumerInstance New(string group, string name, InstanceConfig config) =>
        new(group, name, config, services.GetRequiredService<IBroker>(), _store, _members, _clock, logger, _stopping);

    private async Task ReadAsync()
    {
        _store = new InstanceStore(services.GetRequiredService<IBroker>(), _clock, logger);
        foreach (var ((group, name), record) in await _store.LoadAsync(_stopping))
        {
            var instance = New(group, name, record.ToConfig());
            instance.Restore(record.ToSubscription());
            _instances[(group, name)] = instance;
        }

        if (_instances.IsEmpty)
            return;
        logger.InstancesLoaded(_instances.Count);
        ArmSweeper(_options.InstanceTimeout);
    }

    private void ArmSweeper(TimeSpan due)
    {
        lock (_lock)
        {
            if (_sweepArmed || _disposed)
                return;
            _sweepArmed = true;
            _sweeper ??= _clock.CreateTimer(_ => _ = SweepAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _sweeper.Change(due > s_leastSweep ? due : s_leastSweep, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task SweepAsync()
    {
        var next = _options.InstanceTimeout;
        try
        {
            foreach (var (key, instance) in _instances)
            {
                var left = instance.IdleTimeLeft(_options.InstanceTimeout);
                if (left > TimeSpan.Zero)
                    next = left < next ? left : next;
                else
                    await ExpireAsync(key, instance);
            }
        }
        finally
        {
            lock (_lock)
                _sweepArmed = false;
            if (!_instances.IsEmpty)
                ArmSweeper(next);
        }
    }

    private async Task ExpireAsync((string Group, string Name) key, ConsumerInstance instance)
    {
        try
        {
            // Not committed: whoever polled last may never have seen the answer.
            await instance.CloseAsync(commit: false);
            _instances.TryRemove(key, out _);
            logger.InstanceExpired(key.Group, key.Name, _options.InstanceTimeout);
        }
        catch (BrokerException e)
        {
            logger.InstanceStays(key.Group, key.Name, e.Message);
            instance.Revive();
        }
    }
}

/// <summary>A call on an instance: while it is not disposed, the instance and its membership count as alive.</summary>
internal sealed class InstanceCall : IDisposable
{
    private readonly IDisposable? _alive;

    public InstanceCall(ConsumerInstance instance)
    {
        Instance = instance;
        _alive = instance.KeepAlive();
    }

    public ConsumerInstance Instance { get; }

    public void Dispose()
    {
        _alive?.Dispose();
        Instance.Leave();
    }
}

/// <summary>Takes up the instances of an earlier run as soon as the log is open, so that they expire even when nobody calls.</summary>
internal sealed class InstanceLoader(BrokerService broker, ConsumerInstances instances, ILogger<ConsumerInstances> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await broker.Opened.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!broker.IsOpen(out _))
            return;
        try
        {
            await instances.LoadAsync();
        }
        catch (BrokerException e)
        {
            // The next call tries again, and tells its client.
            logger.InstancesNotLoaded(e.Message);
        }
    }
}
