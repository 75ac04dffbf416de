using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Options;
using RestStream.Connect;
using RestStream.Connect.Configs;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Settings;

namespace RestStream.Hosting;

/// <summary>
/// Runs the Connect worker in the host: starts it when the server listens and the log is open, and stops it when no request is left and before the log is closed.
/// A worker that cannot start is logged and answers 500 from then on; topics are served all the same.
/// </summary>
internal sealed class ConnectService(
    BrokerService broker, IOptions<ServerOptions> server, IOptions<ConnectOptions> options, ConnectListeners listeners, HookRegistry hooks, TimeProvider time, ILoggerFactory loggers, ILogger<ConnectService> logger)
    : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly DateTimeOffset _began = time.GetUtcNow();
    private Task<Herder>? _starting;
    private PoolWatch? _pool;

    public bool IsStarted([NotNullWhen(true)] out Herder? herder)
    {
        herder = _starting is { IsCompletedSuccessfully: true } started ? started.Result : null;
        return herder is not null;
    }

    /// <summary>It could not be started.</summary>
    public bool HasFailed => _starting is { IsFaulted: true };

    /// <summary>The worker; waits for its start as long as a request may.</summary>
    /// <exception cref="ConnectRequestException">500: the start takes longer, or has failed.</exception>
    public Task<Herder> HerderAsync(CancellationToken cancellationToken) => HasFailed || _starting is null
        ? throw new ConnectRequestException(500, _starting is null ? "The worker has not begun to start." : "The worker could not be started. The log of the server says why; a restart tries again.")
        : WaitAsync(_starting, "starting up", _began, cancellationToken);

    /// <summary>Lets the worker do something for a request, which waits for it at most <see cref="ConnectOptions.RequestTimeout"/>. The worker goes on with it, and when the client goes away too.</summary>
    /// <exception cref="ConnectRequestException">500, with Kafka's sentence: it takes longer. And whatever the worker refuses.</exception>
    public async Task<T> DoAsync<T>(string stage, Func<Herder, Task<T>> work, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        return await WaitAsync(work(await HerderAsync(cancellationToken)), stage, began, cancellationToken);
    }

    /// <summary>The same without a result.</summary>
    public Task DoAsync(string stage, Func<Herder, Task> work, CancellationToken cancellationToken) => DoAsync(stage, async herder =>
    {
        await work(herder);
        return true;
    }, cancellationToken);

    /// <summary>The result of <paramref name="work"/>, unless that takes longer than a request may.</summary>
    /// <exception cref="ConnectRequestException">500.</exception>
    public async Task<T> WaitAsync<T>(Task<T> work, string stage, DateTimeOffset began, CancellationToken cancellationToken)
    {
        try
        {
            return await work.WaitAsync(options.Value.RequestTimeout, time, cancellationToken);
        }
        catch (TimeoutException) when (!work.IsCompleted)
        {
            throw new ConnectRequestException(
                500, $"Request timed out. The worker is currently {stage}, which began at {began.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)}");
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _pool = PoolWatch.Start(options.Value.MaxBlockedThreads);
        _starting = Task.Run(() => StartWorkerAsync(_stopping.Token), CancellationToken.None);
        _ = ReportFailureAsync(_starting);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        if (_starting is null)
            return;
        await ((Task)_starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Not bounded by the token: final offsets are worth the wait, and the worker bounds itself by TaskShutdownTimeout.
        if (IsStarted(out var herder))
            await herder.DisposeAsync();
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _pool?.Dispose();
        _stopping.Dispose();
    }

    private async Task<Herder> StartWorkerAsync(CancellationToken cancellationToken)
    {
        await broker.Opened.WaitAsync(cancellationToken);
        var worker = options.Value;
        if (worker.FileRoots is [var root])
            Directory.CreateDirectory(root);
        worker.WorkerId = listeners.WorkerId;
        var catalog = PluginCatalog.Open(worker.PluginPath, loggers.CreateLogger<PluginCatalog>());
        var offsets = await OffsetStore.OpenAsync(broker.Broker, worker, time, cancellationToken);
        var statuses = await StatusStore.OpenAsync(broker.Broker, worker, time, cancellationToken);
        var services = new WorkerServices(
            broker.Broker, catalog, worker, new ConfigReferences(worker), offsets, statuses, hooks, new FileRoots(worker.FileRoots, server.Value.DataDirectory),
            new OutboundPolicy(ConnectSettings.Networks(worker)), time, loggers);
        return await Herder.StartAsync(services, cancellationToken);
    }

    private async Task ReportFailureAsync(Task<Herder> starting)
    {
        await ((Task)starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (starting.Exception?.InnerException is { } error)
            logger.ConnectNotStarted(error);
    }
}
