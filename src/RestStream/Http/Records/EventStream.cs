using System.Buffers;
using RestStream.Broker;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>
/// Records as server-sent events (WHATWG HTML 9.2). Records are unnamed events, so <c>onmessage</c> sees them; every event's id is the cursor behind it.
/// The other events: <c>gap</c> (records are gone; the stream goes on behind them), <c>reset</c> (a topic was made again; the stream goes on at its beginning),
/// <c>end</c> (the server stops, the topic is deleted, or <c>until</c> is reached).
/// </summary>
internal sealed class EventStream(HttpContext context, RecordFeed feed, LimitOptions limits, TimeProvider clock) : RecordStream(context, feed, limits, clock)
{
    private readonly EventWriter _events = new(context.Response.BodyWriter);

    public static void SetHeaders(HttpResponse response)
    {
        response.ContentType = ReadForm.EventStreamType;
        response.Headers.CacheControl = "no-cache, no-transform";

        // nginx buffers answers unless it is told not to.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>
    /// For one stream too many. Not an error status: a browser's EventSource would never come back after one. It comes back after this.
    /// </summary>
    public static async Task SendBusyAsync(HttpResponse response)
    {
        SetHeaders(response);
        if (!HttpProtocol.IsHttp2(response.HttpContext.Request.Protocol))
            response.Headers.Connection = "close";
        response.BodyWriter.Write(": too many streams, come back later\nretry: 15000\n\n"u8);
        await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted);
    }

    protected override void WriteStart()
    {
        _events.WriteStart();
        if (Feed.Recreated)
            WriteReset();
    }

    protected override void Write(in EncodedSlice slice)
    {
        var batch = slice.Batch;
        ref var next = ref Feed.Next[slice.PositionIndex];
        for (var i = slice.First; i <= slice.Last; i++)
        {
            next = batch.Offsets[i] + 1;
            var start = batch.Start(i);
            _events.WriteRecord(Feed.Cursor, Feed.Next, batch.Bytes.AsSpan(start, batch.Ends[i] - start), batch.HasLineBreaks);
        }
    }

    protected override void WriteHeartbeat() => _events.WriteHeartbeat();

    protected override bool WriteGap(Gap gap)
    {
        var slot = Feed.Slots[gap.Slot];
        var topic = Feed.Slots[0].Topic == Feed.Slots[^1].Topic ? "" : $"\"topic\":\"{slot.Topic}\",";
        var reason = gap.Reason is { } word ? $",\"reason\":\"{word}\"" : "";
        _events.WriteEvent(Feed.Cursor, Feed.Next, "gap", $"{{{topic}\"partition\":{slot.Partition},\"requested\":{gap.Requested},\"resumed\":{gap.Resumed}{reason}}}");
        return true;
    }

    protected override bool WriteReset()
    {
        _events.WriteEvent(Feed.Cursor, Feed.Next, "reset", $"{{\"reason\":\"topic_recreated\",\"cursor\":\"{Feed.CursorText()}\"}}");
        return true;
    }

    protected override void WriteEnd(string reason) => _events.WriteEvent(Feed.Cursor, Feed.Next, "end", $"{{\"reason\":\"{reason}\",\"cursor\":\"{Feed.CursorText()}\"}}");
}
