using System.Diagnostics.CodeAnalysis;
using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Hosting;

/// <summary>
/// Opens the broker while the host starts and closes it as the last thing of a stop, when no request is left.
/// A quick recovery is over before the server listens. A long one goes on behind it: the server answers, <c>/health/ready</c> and everything that needs
/// the log say 503. When opening fails, the process ends with the exit code of <see cref="StartFailureException"/>.
/// </summary>
internal sealed class BrokerService(Func<Task<EmbeddedBroker>> open, StartOutcome outcome, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<BrokerService> logger)
    : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>How long the start waits before it listens without the log. Half a second: a supervisor's first look comes later.</summary>
    private static readonly TimeSpan s_quick = TimeSpan.FromMilliseconds(500);

    private Task<EmbeddedBroker>? _opening;

    /// <summary>The broker, once the log is recovered.</summary>
    public bool IsOpen([NotNullWhen(true)] out EmbeddedBroker? broker)
    {
        broker = _opening is { IsCompletedSuccessfully: true } opened ? opened.Result : null;
        return broker is not null;
    }

    /// <summary>Completes when the log is open, or cannot be opened. Only after the start of the host has begun.</summary>
    public Task Opened => _opening!;

    /// <summary>For the handlers. 503 while the log is being recovered.</summary>
    public IBroker Broker => IsOpen(out var broker)
        ? broker
        : throw new HttpError(503, 50301, "starting", "Starting", "The log is being recovered. Try again, or wait for GET /health/ready to answer 200.")
        {
            RetryAfter = 1,
        };

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _opening = Task.Run(open, CancellationToken.None);

        // Not WaitAsync: its TimeoutException could not be told from one of the opening itself, nor from a wait that ran out in the moment the opening was done.
        using (var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            await Task.WhenAny(_opening, Task.Delay(s_quick, clock, enough.Token));
            await enough.CancelAsync();
        }
        cancellationToken.ThrowIfCancellationRequested();
        if (!_opening.IsCompleted)
        {
            logger.RecoveryGoesOn();
            _ = StopWhenItFails(_opening);
            return;
        }
        try
        {
            await _opening;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw StartFailureException.From(e);
        }
    }

    /// <summary>After every other part of the host has stopped. A host that is stopped from two sides waits here in both.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_opening is null)
            return;
        await ((Task)_opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!IsOpen(out var broker))
            return;
        try
        {
            await broker.DisposeAsync();
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            // What was acknowledged is in the journal, and there is no mark of a clean stop. The rest of the host is stopped all the same; the broker may be disposed once more, with
            // the services, and says it again.
            if (outcome.NotClosed is null)
                logger.NotClosed(e);
            outcome.NotClosed = e;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task StopWhenItFails(Task<EmbeddedBroker> opening)
    {
        try
        {
            var broker = await opening;
            logger.Ready(broker.Health.Recovery.Took);
        }
        catch (Exception e)
        {
            outcome.Failure = StartFailureException.From(e);
            lifetime.StopApplication();
        }
    }
}

/// <summary>Outlives the services, for the exit code.</summary>
internal sealed class StartOutcome
{
    /// <summary>Why the broker could not be opened, when that came out only after the server listened.</summary>
    public StartFailureException? Failure { get; set; }

    /// <summary>Why the broker could not be closed cleanly at the end.</summary>
    public Exception? NotClosed { get; set; }
}

/// <summary>The broker could not be opened. The message is one line that names the file; the process ends with <see cref="ExitCode"/>.</summary>
internal sealed class StartFailureException(int exitCode, string message, Exception inner) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;

    public static StartFailureException From(Exception e) => e switch
    {
        StorageException { Error: StorageError.DirectoryInUse } => new(ExitCodes.DirectoryInUse, e.Message, e),
        StorageException or BrokerException or IOException or UnauthorizedAccessException => new(ExitCodes.StorageFailure, e.Message, e),
        _ => new(ExitCodes.StorageFailure, $"The log could not be opened: {e}", e),
    };
}

/// <summary>How the process ends; other programs rely on the numbers.</summary>
internal static class ExitCodes
{
    public const int Ended = 0;
    public const int BadSettings = 2;
    public const int DirectoryInUse = 3;
    public const int StorageFailure = 4;
}
