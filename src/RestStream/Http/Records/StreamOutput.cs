using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
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

    /// <summary>
    /// Cuts the connection when the other machine acknowledges nothing of what was sent for this long, because it lost its power or its network. Linux alone takes a quarter of an hour.
    /// </summary>
    public void NoticeLostPeer(TimeSpan timeout)
    {
        // linux/tcp.h: IPPROTO_TCP, TCP_USER_TIMEOUT, in milliseconds.
        const int level = 6, userTimeout = 18;
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 } socket)
            socket.SetRawSocketOption(level, userTimeout, BitConverter.GetBytes((int)timeout.TotalMilliseconds));
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
