using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>
/// Produce from a body of any length, one record a line, with a receipt a line as soon as the record is durable, while the body is still arriving.
/// What arrived together is appended together: one unit per partition, so a fast client gets large batches and a slow one low latency.
/// A refused line is an error line in its place, and the stream goes on. What was acknowledged stays, however the stream ends.
/// </summary>
internal sealed class NdJsonProduce(
    HttpContext context, ProduceWork work, IBroker broker, string? topic, RecordRules rules, bool waitForAppend, bool autoCreate, LimitOptions limits, TimeProvider clock)
{
    public const string ContentType = "application/x-ndjson";

    /// <summary>
    /// Receipts kept for a client that sends its whole body before it reads: without them both sides would wait for each other. 8 MiB: about 130,000 receipts.
    /// </summary>
    private const int MaxUnsentBytes = 8 * 1024 * 1024;

    private readonly List<long> _lines = [];
    private Task _flush = Task.CompletedTask;
    private long _line;
    private bool _started;

    public async Task RunAsync(CancellationToken stopping)
    {
        // A stream may pause for as long as it likes; a reader that never reads is dropped by a limit of its own.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } requestRate)
            requestRate.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } responseRate)
            responseRate.MinDataRate = null;

        await using var decoded = ContentCoding.IsPlain(context.Request) ? null : ContentCoding.Open(context.Request, limits);
        var body = decoded is null ? context.Request.BodyReader : PipeReader.Create(decoded, new StreamPipeReaderOptions(leaveOpen: true));
        using var stop = stopping.Register(static reader => ((PipeReader)reader!).CancelPendingRead(), body);
        try
        {
            await CopyAsync(body);
        }
        catch (Exception e) when (_started && ErrorResponses.TryFrom(e) is { } error && e is not (BadHttpRequestException or IOException))
        {
            // The status is gone already; the last line says why the stream ends. A body that breaks HTTP itself has its connection cut instead.
            Receipts.WriteRefusal(error, _line + 1, work.Answer);
            work.Answer.Append("\n"u8);
        }

        if (!_started && !waitForAppend)
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        else
            await SendAsync(StatusCodes.Status200OK, wait: true);
    }

    private async Task CopyAsync(PipeReader body)
    {
        var text = work.Body;
        var searched = 0;
        while (true)
        {
            var read = await body.ReadAsync();
            foreach (var segment in read.Buffer)
                text.Append(segment.Span);
            body.AdvanceTo(read.Buffer.End);

            var whole = read.IsCompleted ? text.Length : searched + text.Span[searched..].LastIndexOf((byte)'\n') + 1;
            if (whole > searched || read.IsCompleted)
            {
                await AppendAsync(text.Memory[..whole], isLast: read.IsCompleted);
                text.RemoveFirst(whole);
            }

            // Of a line beyond the limit only as much is kept as shows it; it is refused in its place when its end comes, however it arrives.
            if (text.Length > limits.MaxRequestBytes)
                text.Truncate(limits.MaxRequestBytes + 1);
            searched = text.Length;
            if (read.IsCompleted)
                return;
            if (read.IsCanceled)
                throw new HttpError(503, 50304, "stopping", "Stopping", "The server stops. Everything before this line is answered; send the rest again.") { RetryAfter = 5 };
        }
    }

    /// <summary>Appends whole lines, in pieces of at most as many records as one request may have.</summary>
    private async Task AppendAsync(ReadOnlyMemory<byte> text, bool isLast)
    {
        var lines = new LineReader(text, _line, limits);
        do
        {
            var (position, line) = (lines.Position, lines.Line);
            Parse(lines);
            if (autoCreate && work.Records.UnknownTopics is { } unknown)
            {
                foreach (var missing in unknown)
                    await AutoCreate.EnsureAsync(broker, missing, allowed: true, context.RequestAborted);
                lines.Rewind(position, line);
                Parse(lines);
            }

            await AppendAsync(isWholeBody: !_started && isLast && lines.AtEnd);
            _line = lines.Line;
        }
        while (!lines.AtEnd);
    }

    private void Parse(LineReader lines)
    {
        work.Records.Clear();
        _lines.Clear();
        var now = rules with { Target = topic is null ? null : work.Records.Target(topic), Now = clock.GetUtcNow().ToUnixTimeMilliseconds() };
        lines.Read(work, now, limits.MaxRecordsPerRequest, _lines, throwOnBadLine: false);
    }

    private async Task AppendAsync(bool isWholeBody)
    {
        var records = work.Records;
        if (waitForAppend)
            await records.AppendAsync();
        else
            records.AppendWithoutWaiting();

        // Nothing was answered yet and nothing more comes: the status can still say how it went.
        if (isWholeBody && records.RefusedCount > 0 && records.RefusedCount == records.Count)
            throw ProduceHandler.AllRefused(records, strict: false);
        for (var i = 0; i < records.Count; i++)
        {
            var outcome = records[i];
            if (waitForAppend || outcome.Refusal is not null)
                Receipts.WriteLine(outcome, withTopic: topic is null, _lines[i], work.Answer);
        }

        if (work.Answer.Length > 0)
            await SendAsync(isWholeBody && records.RefusedCount > 0 || !waitForAppend ? StatusCodes.Status207MultiStatus : StatusCodes.Status200OK, wait: false);
    }

    /// <summary>Sends what is written so far; when the client is not reading, keeps it for a while and lets the body go on.</summary>
    /// <exception cref="OperationCanceledException">The client did not read for too long, or is gone.</exception>
    private async Task SendAsync(int status, bool wait)
    {
        var response = context.Response;
        if (!_started)
        {
            _started = true;
            response.StatusCode = status;
            response.ContentType = ContentType;
            response.Headers["X-Accel-Buffering"] = "no";
        }

        if (!_flush.IsCompleted && !wait && work.Answer.Length < MaxUnsentBytes)
            return;
        try
        {
            await _flush.WaitAsync(limits.SlowReaderTimeout, clock);
        }
        catch (TimeoutException)
        {
            context.Abort();
            throw new OperationCanceledException("The client does not read its receipts.");
        }

        response.BodyWriter.Write(work.Answer.Span);
        work.Answer.Clear();
        _flush = response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
        if (wait)
            await _flush.WaitAsync(limits.SlowReaderTimeout, clock);
    }
}
