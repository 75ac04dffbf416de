using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
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
    private static ReadOnlySpan<byte> Id => "id: "u8;
    private static ReadOnlySpan<byte> Data => "\ndata: "u8;
    private static ReadOnlySpan<byte> Behind => "\n\n"u8;

    /// <summary>Records up to this size are written in one piece; a block of Kestrel's pipe has 4 KiB.</summary>
    private const int OnePieceBytes = 2048;

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
        Writer.Write(": ok\nretry: 2000\n\n"u8);
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
            WriteRecord(batch.Bytes.AsSpan(start, batch.Ends[i] - start), batch.HasLineBreaks);
        }
    }

    protected override void WriteHeartbeat() => Writer.Write(":\n\n"u8);

    protected override bool WriteGap(Gap gap)
    {
        var slot = Feed.Slots[gap.Slot];
        var topic = Feed.Slots[0].Topic == Feed.Slots[^1].Topic ? "" : $"\"topic\":\"{slot.Topic}\",";
        var reason = gap.Kind switch
        {
            GapKind.Damaged => ",\"reason\":\"damaged\"",
            GapKind.BeyondEnd => ",\"reason\":\"beyond_end\"",
            _ => "",
        };
        WriteEvent("gap", $"{{{topic}\"partition\":{slot.Partition},\"requested\":{gap.Requested},\"resumed\":{gap.Resumed}{reason}}}");
        return true;
    }

    protected override bool WriteReset()
    {
        WriteEvent("reset", $"{{\"reason\":\"topic_recreated\",\"cursor\":\"{Feed.CursorText()}\"}}");
        return true;
    }

    protected override void WriteEnd(string reason) => WriteEvent("end", $"{{\"reason\":\"{reason}\",\"cursor\":\"{Feed.CursorText()}\"}}");

    private void WriteRecord(ReadOnlySpan<byte> record, bool hasLineBreaks)
    {
        var idBytes = Id.Length + Feed.Cursor.MaxBytes;
        if (record.Length + idBytes > OnePieceBytes || hasLineBreaks)
        {
            WriteLongRecord(record, hasLineBreaks);
            return;
        }

        var room = Writer.GetSpan(record.Length + idBytes + Data.Length + Behind.Length);
        Id.CopyTo(room);
        var length = Id.Length;
        length += Feed.Cursor.Write(room[length..], Feed.Next);
        Data.CopyTo(room[length..]);
        length += Data.Length;
        record.CopyTo(room[length..]);
        length += record.Length;
        Behind.CopyTo(room[length..]);
        Writer.Advance(length + Behind.Length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteLongRecord(ReadOnlySpan<byte> record, bool hasLineBreaks)
    {
        WriteId();

        // A raw line break would end the line of the event. Each line gets a data field of its own, which the client joins with line feeds again.
        while (hasLineBreaks && record.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
        {
            Writer.Write(Data);
            Writer.Write(record[..at]);
            record = record[(at + (record[at..].StartsWith("\r\n"u8) ? 2 : 1))..];
        }

        Writer.Write(Data);
        Writer.Write(record);
        Writer.Write(Behind);
    }

    private void WriteId()
    {
        Writer.Write(Id);
        Writer.Advance(Feed.Cursor.Write(Writer.GetSpan(Feed.Cursor.MaxBytes), Feed.Next));
    }

    /// <summary>A named event; its data has no line breaks.</summary>
    private void WriteEvent(string name, string data)
    {
        WriteId();
        Writer.Write(Encoding.UTF8.GetBytes($"\nevent: {name}\ndata: {data}\n\n"));
    }
}
