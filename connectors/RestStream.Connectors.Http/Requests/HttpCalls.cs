using System.Globalization;

using Polly;
using Polly.Retry;
using RestStream.Connect;

namespace RestStream.Connectors.Http.Requests;

/// <summary>
/// Sends requests with retries: what may succeed later is tried again after a back-off, or after what Retry-After says. Bodies of answers are read up to a bound. Thread safe.
/// </summary>
internal sealed class HttpCalls : IDisposable
{
    /// <summary>An answer is read for its data or for a report; a longer one is a mistake or an attack.</summary>
    private readonly int _maxAnswerBytes;

    /// <summary>Longer waits are left to the worker, which can be stopped and shows what it waits for.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http;
    private readonly StatusRanges _retried;
    private readonly ResiliencePipeline<HttpAnswer> _pipeline;
    private readonly TimeProvider _time;

    public HttpCalls(OutboundPolicy network, TimeProvider time, TimeSpan timeout, int maxRetries, TimeSpan backoff, StatusRanges retried, int maxAnswerBytes)
    {
        _http = new HttpClient(network.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        (_time, _retried, _maxAnswerBytes, RequestTimeout) = (time, retried, maxAnswerBytes, timeout);
        var builder = new ResiliencePipelineBuilder<HttpAnswer> { TimeProvider = time };
        if (maxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions<HttpAnswer>
            {
                MaxRetryAttempts = maxRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = backoff,
                MaxDelay = s_longestWait,
                ShouldHandle = new PredicateBuilder<HttpAnswer>().HandleResult(answer => retried.Contains(answer.Status) && !(answer.RetryAfter > s_longestWait)).Handle<RetriableException>(),
                DelayGenerator = attempt => new(attempt.Outcome.Result?.RetryAfter),
            });
        }

        _pipeline = builder.Build();
    }

    public HttpClient Client => _http;

    public TimeSpan RequestTimeout { get; }

    /// <summary>Whether the body of an answer with this status is read. Default: always.</summary>
    public Func<int, bool> ReadsBody { get; init; } = static _ => true;

    /// <summary>Whether an answer that is too long is cut, for requests whose effect does not depend on what is said about it. Default: it is an error.</summary>
    public bool CutsBody { get; init; }

    /// <summary>The answer, whatever its status; one that is still to be retried when the tries are used up is a <see cref="RetriableException"/>.</summary>
    /// <param name="make">Makes the request; called for each try, since a request can be sent once.</param>
    /// <param name="authorization">Who sends it.</param>
    /// <param name="cancellationToken">The task is being stopped.</param>
    /// <exception cref="FatalException">The address is not allowed.</exception>
    public async Task<HttpAnswer> SendAsync(Func<HttpRequestMessage> make, Authorization authorization, CancellationToken cancellationToken)
    {
        var answer = await _pipeline.ExecuteAsync(async token => await TryAsync(make, authorization, token), cancellationToken);
        if (answer.Status == 401 && authorization.Renew())
            answer = await _pipeline.ExecuteAsync(async token => await TryAsync(make, authorization, token), cancellationToken);
        return _retried.Contains(answer.Status)
            ? throw new RetriableException($"{answer.Url} answered {answer.Status}.") { RetryAfter = answer.RetryAfter }
            : answer;
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<HttpAnswer> TryAsync(Func<HttpRequestMessage> make, Authorization authorization, CancellationToken cancellationToken)
    {
        using var request = make();
        using var limit = new CancellationTokenSource(RequestTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var url = Shown(request.RequestUri!);
        try
        {
            await authorization.ApplyAsync(request, both.Token);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var body = ReadsBody((int)response.StatusCode) ? await ReadAsync(response.Content, both.Token) : [];
            return new HttpAnswer((int)response.StatusCode, url, response.Content.Headers.ContentType?.ToString(), body, RetryAfter(response), response.Headers.ETag?.ToString(), Header(response, "Last-Modified"), Header(response, "Link"));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new RetriableException($"{url} did not answer within {RequestTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s.");
        }
        catch (HttpRequestException e)
        {
            throw Refusal(e) ?? new RetriableException($"{url} could not be reached: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new RetriableException($"The connection to {url} broke off: {e.Message}", e);
        }
    }

    /// <summary>What the worker's network policy said, if that is why the request failed.</summary>
    public static ConnectException? Refusal(Exception e)
    {
        for (var inner = e.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is ConnectException refusal)
                return refusal;
        }

        return null;
    }

    /// <summary>A URL for messages: what stands in its query may be secret.</summary>
    public static string Shown(Uri url) => url.GetLeftPart(UriPartial.Path);

    private async Task<byte[]> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[16 * 1024];
        for (int n; (n = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            var room = _maxAnswerBytes - (int)body.Length;
            if (n > room && !CutsBody)
                throw new ConnectException($"The answer has more than {_maxAnswerBytes} bytes. Ask for smaller pages, or raise http.response.max.bytes.");
            body.Write(buffer, 0, Math.Min(n, room));
            if (n > room)
                break;
        }

        return body.ToArray();
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } wait } => wait,
        { Date: { } date } => Max(date - _time.GetUtcNow(), TimeSpan.Zero),
        _ => null,
    };

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

/// <summary>What came back. <paramref name="Url"/> is for messages: without its query.</summary>
internal sealed record HttpAnswer(int Status, string Url, string? ContentType, byte[] Body, TimeSpan? RetryAfter, string? ETag, string? LastModified, string? Link);
