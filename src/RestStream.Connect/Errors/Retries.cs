using Polly;
using Polly.Retry;
using RestStream.Broker;

namespace RestStream.Connect.Errors;

/// <summary>
/// Trying again: 300 ms, doubled each time up to <c>errors.retry.delay.max.ms</c> as in Kafka, and not before the other side wants to be asked again. Only the waits between tries end with the token.
/// </summary>
internal sealed class Retries
{
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_longestBrokerDelay = TimeSpan.FromSeconds(10);
    private static readonly ResiliencePropertyKey<long> s_started = new("started");

    private readonly TimeProvider _time;
    private readonly TimeSpan _longest;
    private readonly ResiliencePipeline _bounded;

    /// <param name="policy">Bounds of one record.</param>
    /// <param name="time">The clock.</param>
    /// <param name="retrying">Told of each error before the wait.</param>
    public Retries(ErrorPolicy policy, TimeProvider time, Told retrying)
    {
        (_time, _longest) = (time, policy.RetryDelayMax);
        Forever = Pipeline(policy.RetryDelayMax, retrying, args => args.Outcome.Exception is RetriableException);
        Broker = Pipeline(s_longestBrokerDelay, retrying, args => args.Outcome.Exception is BrokerException { Code: ErrorCode.DiskFull or ErrorCode.ThrottlingQuotaExceeded });
        _bounded = Pipeline(policy.RetryDelayMax, retrying, args =>
            args.Outcome.Exception is RetriableException && (policy.RetryTimeout is not { } most || time.GetElapsedTime(args.Context.Properties.GetValue(s_started, 0)) < most));
    }

    /// <summary>Something is tried again after this delay.</summary>
    public delegate void Told(Exception error, TimeSpan delay);

    /// <summary>Retriable errors of a task's poll: there is no end, as in Kafka.</summary>
    public ResiliencePipeline Forever { get; }

    /// <summary>A full disk, too many appends: what goes by itself.</summary>
    public ResiliencePipeline Broker { get; }

    /// <summary>The wait before try number <paramref name="attempt"/> + 1, for a loop that has other things to do meanwhile.</summary>
    public TimeSpan DelayAfter(int attempt, RetriableException error) => Delay(attempt, _longest, error.RetryAfter);

    /// <summary>Retriable errors of transforms and converters, for <c>errors.retry.timeout</c>. The first try was made already, and failed with <paramref name="first"/>.</summary>
    public async ValueTask BoundedAsync<T>(Action<T> action, T state, Exception first, CancellationToken cancellationToken)
    {
        Exception? pending = first;
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(s_started, _time.GetTimestamp());
            await _bounded.ExecuteAsync(
                _ =>
                {
                    if (Interlocked.Exchange(ref pending, null) is { } failed)
                        throw failed;
                    action(state);
                    return ValueTask.CompletedTask;
                },
                context);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private ResiliencePipeline Pipeline(TimeSpan longest, Told retrying, Func<RetryPredicateArguments<object>, bool> handles) =>
        new ResiliencePipelineBuilder { TimeProvider = _time }.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = args => ValueTask.FromResult(handles(args)),
            DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(Delay(args.AttemptNumber, longest, (args.Outcome.Exception as RetriableException)?.RetryAfter)),
            OnRetry = args =>
            {
                retrying(args.Outcome.Exception!, args.RetryDelay);
                return ValueTask.CompletedTask;
            },
        }).Build();

    private static TimeSpan Delay(int attempt, TimeSpan longest, TimeSpan? atLeast)
    {
        var delay = TimeSpan.FromTicks(Math.Min(longest.Ticks, s_firstDelay.Ticks << Math.Min(attempt, 20)));
        return atLeast > delay ? atLeast.Value : delay;
    }
}
