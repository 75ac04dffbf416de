using RestStream.Broker;
using RestStream.Connect.Errors;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>Calls of the connector's own code: never on a thread that anybody waits on, bounded in time, given up as soon as something else is wanted.</summary>
internal sealed partial class RunningConnector
{
    // Under the lock.
    private PluginCancellation? _call;
    private int _interrupts;
    private Task? _hanging;

    // Touched in the queue only.
    private int _interruptsSeen;

    /// <summary>Something else is wanted since the step began.</summary>
    private bool Interrupted
    {
        get
        {
            lock (_lock)
                return _interrupts != _interruptsSeen;
        }
    }

    /// <summary>Code that did not come back is still running.</summary>
    private bool Hangs => _hanging is { IsCompleted: false };

    private void Interrupt()
    {
        lock (_lock)
        {
            _interrupts++;
            _ = _call?.Cancel();
        }
    }

    /// <summary>Before what is wanted is read: whatever changes behind this interrupts.</summary>
    private void BeginStep()
    {
        lock (_lock)
            _interruptsSeen = _interrupts;
    }

    private Task CallAsync(string call, Func<CancellationToken, Task> work) => CallAsync(call, async token =>
    {
        await work(token);
        return true;
    });

    /// <exception cref="OperationCanceledException">Something else is wanted.</exception>
    /// <exception cref="ConnectorHangsException">It did not come back in time.</exception>
    private async Task<T> CallAsync<T>(string call, Func<CancellationToken, Task<T>> work)
    {
        var ending = new PluginCancellation(ThrewOnCancellation);
        lock (_lock)
        {
            if (_interrupts != _interruptsSeen)
                throw new OperationCanceledException();
            _call = ending;
        }

        var running = Task.Run(() => work(ending.Plugin), CancellationToken.None);
        var late = false;
        try
        {
            return await running.WaitAsync(shared.Options.RequestTimeout, shared.Time, ending.Worker);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            late = true;
            _ = ending.Cancel();
        }
        catch (OperationCanceledException) when (!running.IsCompleted)
        {
            // Interrupted; it may come back by itself now.
        }
        finally
        {
            lock (_lock)
                _call = null;
        }

        try
        {
            var result = await running.WaitAsync(shared.Options.TaskShutdownTimeout, shared.Time);
            return late ? result : throw new OperationCanceledException();
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            LeaveBehind(call, running);
            throw late ? new ConnectorHangsException(Name, call, shared.Options.RequestTimeout) : new OperationCanceledException();
        }
        catch (OperationCanceledException) when (late)
        {
            throw new ConnectorHangsException(Name, call, shared.Options.RequestTimeout);
        }
    }

    /// <summary>Closes what is there; bounded, and never fails.</summary>
    private async Task CloseInstanceAsync()
    {
        lock (_lock)
            _context = null;
        if (_instance is not { } instance)
            return;
        _instance = null;
        if (_hanging is { IsCompleted: false } hanging && _hangingInstance == instance)
        {
            // Its methods are called one at a time: it is closed when it comes back.
            _ = hanging.ContinueWith(_ => DisposeAsync(instance), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return;
        }

        var closing = Task.Run(() => DisposeAsync(instance));
        try
        {
            await closing.WaitAsync(shared.Options.TaskShutdownTimeout, shared.Time);
        }
        catch (TimeoutException)
        {
            LeaveBehind("DisposeAsync", closing);
        }
    }

    private Connector? _hangingInstance;

    private void LeaveBehind(string call, Task running)
    {
        shared.Log.ConnectorHangs(Name, call);
        lock (_lock)
            _hanging = running;
        _hangingInstance = _instance;
    }

    private async Task DisposeAsync(Connector instance)
    {
        try
        {
            await instance.DisposeAsync();
        }
        catch (Exception e) when (IsOfConnector(e))
        {
            shared.Log.ConnectorNotClosed(Name, _scrubber.Scrub(e.Message));
        }
    }

    private void ThrewOnCancellation(Exception error)
    {
        Configs.SecretScrubber scrubber;
        lock (_lock)
            scrubber = _scrubber;
        shared.Log.ConnectorThrewOnCancellation(Name, scrubber.Scrub(ErrorTrace.Of(error)));
    }

    /// <summary>The connector's code may throw anything; none of it is ours, but what the log and an interruption throw.</summary>
    private bool IsOfConnector(Exception e) => e is not BrokerException && !(e is OperationCanceledException && Interrupted);
}

/// <summary>Code of a connector did not come back in time.</summary>
internal sealed class ConnectorHangsException(string connector, string call, TimeSpan limit)
    : ConnectException($"Connector {connector} did not come back from {call} within {limit.TotalSeconds:0.#} s and was left behind. It is not called again before it has returned; look at what it waits for.");
