using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using RestStream.Broker;
using RestStream.Http.Errors;

namespace RestStream.Http.Records;

/// <summary>One answer of a bounded number of records: a JSON page, lines, or a v2 array. Gathered first, so that its length and cursor are known before it begins.</summary>
internal sealed class RecordPage(RecordFeed feed, ReadParameters parameters, TimeProvider clock)
{
    /// <summary>Where a page that has no place for a cursor in its body says it.</summary>
    public const string CursorHeader = "RestStream-Cursor";

    /// <summary><c>true</c> when nothing is left to read now.</summary>
    public const string EndHeader = "RestStream-End";

    private readonly List<EncodedSlice> _slices = [];
    private int _records;
    private long _bytes;

    /// <summary>
    /// Reads what is there; when that is less than <c>min_bytes</c>, waits for more until the time is up or the host stops.
    /// </summary>
    /// <exception cref="HttpError">410, 416, 500: the first record cannot be had.</exception>
    public async Task GatherAsync(CancellationToken ending)
    {
        var started = clock.GetTimestamp();
        var read = new List<EncodedSlice>();
        var enough = Math.Min(parameters.MinBytes, parameters.MaxBytes);
        while (true)
        {
            var beyondEnd = TryRead(read);
            if (beyondEnd is null && (feed.Done || _bytes >= Math.Max(1, enough) || _records >= parameters.MaxRecords || !feed.AtEnd))
                return;
            var left = parameters.Timeout - clock.GetElapsedTime(started);
            if (left <= TimeSpan.Zero || !await WaitAsync(left, ending))
            {
                if (beyondEnd is { } gap && _records == 0)
                    throw ReadErrors.From(gap, feed);
                return;
            }
        }
    }

    public async Task WriteAsync(HttpResponse response)
    {
        var framing = parameters.Form.Framing;
        var cursor = feed.CursorText();
        var end = feed.Done || feed.AtEnd;
        var (open, close) = framing switch
        {
            ReadFraming.Page => ("{\"records\":["u8.ToArray(), Encoding.UTF8.GetBytes($"],\"cursor\":\"{cursor}\",\"end\":{(end ? "true" : "false")}}}")),
            ReadFraming.V2Array => ("["u8.ToArray(), "]"u8.ToArray()),
            _ => ([], []),
        };

        response.ContentType = parameters.Form.ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers[CursorHeader] = cursor;
        response.Headers[EndHeader] = end ? "true" : "false";
        if (parameters.PreferredWait is { } seconds)
            response.Headers["Preference-Applied"] = $"wait={seconds}";
        var separators = framing == ReadFraming.NdJson ? _records : Math.Max(0, _records - 1);
        response.ContentLength = open.Length + _bytes + separators + close.Length;

        var writer = response.BodyWriter;
        writer.Write(open);
        if (!await WriteRecordsAsync(writer, _slices, asLines: framing == ReadFraming.NdJson))
            return;
        writer.Write(close);
        await writer.FlushAsync(CancellationToken.None);
    }

    /// <summary>Writes the records, each on a line or with commas between them, and flushes now and then. False: the client is gone.</summary>
    public static async Task<bool> WriteRecordsAsync(PipeWriter writer, IReadOnlyList<EncodedSlice> slices, bool asLines)
    {
        var first = true;
        long unflushed = 0;
        foreach (var slice in slices)
        {
            for (var i = slice.First; i <= slice.Last; i++)
            {
                var record = slice.Batch.Record(i).Span;
                if (asLines)
                {
                    WriteLine(writer, record, slice.Batch.HasLineBreaks);
                }
                else
                {
                    if (!first)
                        writer.Write(","u8);
                    writer.Write(record);
                }

                first = false;
                unflushed += record.Length;
            }

            if (unflushed < 64 * 1024)
                continue;
            unflushed = 0;
            if ((await writer.FlushAsync(CancellationToken.None)).IsCompleted)
                return false;
        }

        return true;
    }

    /// <summary>A record and a line feed. Raw line breaks are white space between JSON tokens, so a blank does as well.</summary>
    public static void WriteLine(PipeWriter writer, ReadOnlySpan<byte> record, bool hasLineBreaks)
    {
        if (hasLineBreaks)
        {
            while (record.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var at)
            {
                writer.Write(record[..at]);
                writer.Write(" "u8);
                record = record[(at + 1)..];
            }
        }

        writer.Write(record);
        writer.Write("\n"u8);
    }

    /// <summary>Takes what is there. A slot that stands beyond its end may only be early: that is handed back instead of being refused.</summary>
    private Gap? TryRead(List<EncodedSlice> read)
    {
        while (true)
        {
            try
            {
                _records += feed.Read(parameters.MaxRecords - _records, (int)(parameters.MaxBytes - _bytes), read);
                feed.Settle();
                _slices.AddRange(read);
                foreach (var slice in read)
                    _bytes += slice.Batch.Ends[slice.Last] - slice.Batch.Start(slice.First);
                return null;
            }
            catch (BrokerException failure) when (feed.GapOf(failure) is { } gap)
            {
                // What was gathered is an answer; the next page will come upon the gap again.
                if (_records > 0)
                    return null;
                if (parameters.SkipGaps)
                    feed.Skip(gap);
                else if (gap.Kind == GapKind.BeyondEnd)
                    return gap;
                else
                    throw ReadErrors.From(gap, feed);
            }
        }
    }

    private async ValueTask<bool> WaitAsync(TimeSpan left, CancellationToken ending)
    {
        try
        {
            return await feed.WaitAsync(left, ending);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
