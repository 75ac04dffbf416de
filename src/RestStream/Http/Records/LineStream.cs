using System.Buffers;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>
/// Followed NDJSON: one record a line, an empty line as heartbeat. Lines have no ids, so a gap that the client did not allow ends the stream with a line
/// <c>{"error":{…}}</c>; a client resumes by the offsets of the records it saw.
/// </summary>
internal sealed class LineStream(HttpContext context, RecordFeed feed, ReadParameters parameters, LimitOptions limits, TimeProvider clock)
    : RecordStream(context, feed, limits, clock)
{
    public static void SetHeaders(HttpResponse response)
    {
        response.ContentType = ReadForm.NdJsonType;
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Sends the headers of a quiet stream.</summary>
    protected override void WriteStart() => WriteHeartbeat();

    protected override void Write(in EncodedSlice slice)
    {
        var batch = slice.Batch;
        ref var next = ref Feed.Next[slice.PositionIndex];
        for (var i = slice.First; i <= slice.Last; i++)
        {
            next = batch.Offsets[i] + 1;
            RecordPage.WriteLine(Writer, batch.Record(i).Span, batch.HasLineBreaks);
        }
    }

    protected override void WriteHeartbeat() => Writer.Write("\n"u8);

    protected override bool WriteGap(Gap gap)
    {
        if (parameters.SkipGaps)
            return true;
        WriteError(ReadErrors.From(gap, Feed));
        return false;
    }

    protected override bool WriteReset()
    {
        WriteError(ReadErrors.Recreated(Feed));
        return false;
    }

    /// <summary>The lines just end.</summary>
    protected override void WriteEnd(string reason)
    {
    }

    private void WriteError(HttpError error)
    {
        using (var json = new Utf8JsonWriter(Writer, ErrorBody.WriterOptions))
        {
            json.WriteStartObject();
            json.WritePropertyName("error"u8);
            ErrorBody.Write(json, error);
            json.WriteEndObject();
        }

        Writer.Write("\n"u8);
    }
}
