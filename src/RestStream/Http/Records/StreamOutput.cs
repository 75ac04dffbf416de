using System.IO.Pipelines;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>
/// The response of a stream. A client that does not take what was sent within <see cref="LimitOptions.SlowReaderTimeout"/> is cut off; what waits for it
/// until then is bounded by Kestrel's buffers.
/// </summary>
internal sealed class StreamOutput(HttpContext context, LimitOptions limits, TimeProvider clock)
{
    /// <summary>A quiet stream sends a few bytes every quarter of a minute; that is not a slow client.</summary>
    public void AllowQuiet()
    {
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    /// <summary>False: the client is gone, or too slow and now cut off.</summary>
    public ValueTask<bool> FlushAsync()
    {
        var flush = context.Response.BodyWriter.FlushAsync(CancellationToken.None);
        return flush.IsCompletedSuccessfully ? new ValueTask<bool>(!flush.Result.IsCompleted) : AwaitSlowAsync(flush);
    }

    private async ValueTask<bool> AwaitSlowAsync(ValueTask<FlushResult> flush)
    {
        using var timer = clock.CreateTimer(static slow => ((HttpContext)slow!).Abort(), context, limits.SlowReaderTimeout, Timeout.InfiniteTimeSpan);
        var result = await flush;
        return !result.IsCompleted && !context.RequestAborted.IsCancellationRequested;
    }
}
