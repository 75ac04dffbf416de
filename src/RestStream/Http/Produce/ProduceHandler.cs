using System.Globalization;
using System.Text;
using Microsoft.Extensions.ObjectPool;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Broker.Idempotence;
using RestStream.Http.Errors;
using RestStream.Settings;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Produce;

/// <summary>
/// Produce requests from body to receipts. Plain request delegates instead of bound parameters: this is the hottest path of the server.
/// A record counts as refused until the broker has answered for it; nothing is written before the whole body was read and understood.
/// </summary>
internal sealed class ProduceHandler(IServiceProvider services)
{
    public const string RecordHeaderPrefix = "RestStream-Header-";

    /// <summary>Requests in flight whose buffers are kept.</summary>
    private const int KeptWorks = 256;

    private readonly LimitOptions _limits = services.GetRequiredService<IOptions<LimitOptions>>().Value;
    private readonly bool _autoCreate = services.GetRequiredService<IOptions<ServerOptions>>().Value.AutoCreateTopics;
    private readonly TimeProvider _clock = services.GetRequiredService<TimeProvider>();
    private readonly IHostApplicationLifetime _lifetime = services.GetRequiredService<IHostApplicationLifetime>();
    private ObjectPool<ProduceWork>? _works;
    private IBroker? _broker;

    /// <summary>Asked for late: while the log is being recovered this throws the 503.</summary>
    private IBroker Broker => _broker ??= services.GetRequiredService<IBroker>();

    private ObjectPool<ProduceWork> Works => _works ??= new DefaultObjectPool<ProduceWork>(new ProduceWork.Policy(Broker, _limits), KeptWorks);

    public Task ToTopicAsync(HttpContext context) => ProduceAsync(context, Topic(context), partition: -1);

    public Task ToPartitionAsync(HttpContext context) => ProduceAsync(context, Topic(context), Partition(context));

    public Task ToManyTopicsAsync(HttpContext context) => ProduceAsync(context, topic: null, partition: -1);

    private static string Topic(HttpContext context) => (string)context.Request.RouteValues["topic"]!;

    private static int Partition(HttpContext context) =>
        int.TryParse((string)context.Request.RouteValues["partition"]!, NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            ? partition
            : throw HttpError.BadParameter("partition", "The partition in the path is a number from 0 on.");

    private async Task ProduceAsync(HttpContext context, string? topic, int partition)
    {
        var request = context.Request;
        var form = MediaType.NativeForm(request);
        var parameters = ProduceParameters.Read(request);
        parameters.CheckFor(form);
        if (topic is null && form == BodyForm.Raw)
            throw HttpError.Invalid("topic", "POST /records takes records that each name their topic, as application/json or application/x-ndjson. Raw bodies go to POST /topics/{topic}/records.");
        if (topic is not null)
            await CheckPathAsync(context, topic, partition);

        var work = Works.Get();
        try
        {
            if (form == BodyForm.NdJson && !parameters.Strict)
            {
                var rules = new RecordRules { Partition = partition, KeyFormat = parameters.KeyFormat, ValueFormat = parameters.ValueFormat };
                await new NdJsonProduce(context, work, Broker, topic, rules, parameters.WaitForAppend, _autoCreate, _limits, _clock)
                    .RunAsync(_lifetime.ApplicationStopping);
                return;
            }

            await BodyReader.ReadAsync(request, work.Body, _limits);
            using var once = parameters.IdempotencyKey is { } key ? Broker.BeginIdempotent(topic, key, IdempotencyKey.HashOf(request, work.Body.Span)) : null;
            var done = once?.Receipt is { } receipt && work.Records.Restore(receipt);
            if (!done)
            {
                Parse(context, work, form, topic, partition, parameters);
                if (_autoCreate && work.Records.UnknownTopics is { } unknown)
                {
                    foreach (var missing in unknown)
                        await AutoCreate.EnsureAsync(Broker, missing, allowed: true, context.RequestAborted);
                    work.Records.Clear();
                    Parse(context, work, form, topic, partition, parameters);
                }
            }

            if (done || await AppendAsync(work.Records, parameters, once))
                Answer(context, work, withTopic: topic is null, asLines: form == BodyForm.NdJson);
            else
                context.Response.StatusCode = StatusCodes.Status202Accepted;
        }
        finally
        {
            Works.Return(work);
        }
    }

    /// <summary>Refuses a wrong topic or partition before the body is read.</summary>
    private ValueTask CheckPathAsync(HttpContext context, string topic, int partition)
    {
        if (!Broker.TryGetIntake(topic, out var intake))
            return CreateAsync();
        if (partition >= intake.Partitions)
            throw BrokerException.UnknownPartition(new TopicPartition(topic, partition), intake.Partitions);
        return ValueTask.CompletedTask;

        async ValueTask CreateAsync()
        {
            await AutoCreate.EnsureAsync(Broker, topic, _autoCreate, context.RequestAborted);
            await CheckPathAsync(context, topic, partition);
        }
    }

    private void Parse(HttpContext context, ProduceWork work, BodyForm form, string? topic, int partition, in ProduceParameters parameters)
    {
        work.Records.PlacesMustRepeat = parameters.Producer is not null;
        var rules = new RecordRules
        {
            Target = topic is null ? null : work.Records.Target(topic),
            Partition = partition,
            KeyFormat = parameters.KeyFormat,
            ValueFormat = parameters.ValueFormat,
            Now = Now(),
        };
        switch (form)
        {
            case BodyForm.Json:
                work.Parser.ReadBody(work.Body.Span, work.Records, rules);
                break;
            case BodyForm.NdJson:
                new LineReader(work.Body.Memory, firstLine: 0, _limits).Read(work, rules, int.MaxValue, lines: null, throwOnBadLine: true);
                break;
            default:
                AddRaw(context.Request.Headers, work, rules, parameters);
                break;
        }
    }

    /// <summary>Adds the whole body as the value of one record.</summary>
    private void AddRaw(IHeaderDictionary requestHeaders, ProduceWork work, in RecordRules rules, in ProduceParameters parameters)
    {
        if (rules.Partition >= 0 && parameters.Partition >= 0 && parameters.Partition != rules.Partition)
            throw HttpError.BadParameter("partition", "The partition is in the path; leave it out of the query.");

        // The answer is not begun yet, so its buffer takes the key and the headers.
        var scratch = work.Answer;
        var keyLength = parameters.Key is { } text ? AppendKey(text, parameters.KeyFormat, scratch) : 0;
        if (keyLength > _limits.MaxKeyBytes)
            throw HttpError.BadParameter("key", $"The key has {keyLength} bytes, {_limits.MaxKeyBytes} are taken (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxKeyBytes)}).");
        var headerCount = 0;
        foreach (var (name, values) in requestHeaders)
        {
            if (!name.StartsWith(RecordHeaderPrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            foreach (var header in values)
            {
                var headerName = Encoding.UTF8.GetBytes(name[RecordHeaderPrefix.Length..]);
                var headerValue = Encoding.UTF8.GetBytes(header ?? "");
                var room = scratch.GetSpan(HeaderEncoder.MaxBytes(headerName.Length, headerValue.Length));
                scratch.Advance(HeaderEncoder.Write(room, headerName, valueIsNull: false, headerValue));
                headerCount++;
            }
        }

        if (headerCount > _limits.MaxHeadersPerRecord)
            throw HttpError.Invalid("headers", $"The record has {headerCount} headers, {_limits.MaxHeadersPerRecord} are taken (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxHeadersPerRecord)}).");
        work.Records.Add(
            rules.Target!, rules.Partition >= 0 ? rules.Partition : parameters.Partition, parameters.Timestamp >= 0 ? parameters.Timestamp : rules.Now, rules.Now,
            keyIsNull: parameters.Key is null, scratch.Span[..keyLength], valueIsNull: false, work.Body.Span, scratch.Span[keyLength..], headerCount, RecordPath.Whole);
        scratch.Clear();
    }

    private static int AppendKey(string text, DataFormat format, PooledBytes into)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (format != DataFormat.Base64)
        {
            into.Append(bytes);
            return bytes.Length;
        }

        var length = JsonText.DecodeBase64(bytes, into);
        return length >= 0 ? length : throw HttpError.BadParameter("key", "The key is not base64, which key_format says it is. In a query, + is written %2B.");
    }

    /// <summary>False: the client does not wait. Throws when no record was taken.</summary>
    private static async ValueTask<bool> AppendAsync(RecordSet records, ProduceParameters parameters, IdempotentRequest? once)
    {
        if (records.RefusedCount > 0 && (parameters.Strict || records.RefusedCount == records.Count))
            throw AllRefused(records, parameters.Strict);

        // With refusals to report the client gets the full answer, although it would not have waited.
        if (!parameters.WaitForAppend && records.RefusedCount == 0)
        {
            if (parameters.Producer is { } unseen)
                records.AppendAsProducerWithoutWaiting(unseen);
            else
                records.AppendWithoutWaiting();
            return false;
        }

        if (once is not null)
            await records.AppendOnceAsync(once);
        else if (parameters.Producer is { } producer)
            await records.AppendAsProducerAsync(producer, parameters.ExpectedOffset);
        else if (parameters.ExpectedOffset >= 0)
            await records.AppendAtAsync(parameters.ExpectedOffset);
        else if (parameters.Strict)
            await records.AppendAtomicAsync();
        else
            await records.AppendAsync();
        if (records.RefusedCount > 0 && records.RefusedCount == records.Count)
            throw AllRefused(records, strict: false);
        return true;
    }

    private static void Answer(HttpContext context, ProduceWork work, bool withTopic, bool asLines)
    {
        if (asLines)
        {
            for (var i = 0; i < work.Records.Count; i++)
                Receipts.WriteLine(work.Records[i], withTopic, line: i + 1, work.Answer);
        }
        else
        {
            Receipts.WriteOffsets(work.Records, withTopic, work.Answer);
        }

        MarkReplayed(context.Response, work.Records);
        var status = work.Records.RefusedCount > 0 ? StatusCodes.Status207MultiStatus : StatusCodes.Status200OK;
        Send(context.Response, status, asLines ? NdJsonProduce.ContentType : "application/json", work.Answer);
    }

    public static void MarkReplayed(HttpResponse response, RecordSet records)
    {
        if (records.Replayed)
            response.Headers["Idempotent-Replayed"] = "true";
    }

    public static void Send(HttpResponse response, int status, string contentType, PooledBytes body)
    {
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;

        // Not flushed here: the server sends head and body together when the handler returns.
        body.Span.CopyTo(response.BodyWriter.GetSpan(body.Length));
        response.BodyWriter.Advance(body.Length);
    }

    /// <summary>The one error for a request of which nothing was written.</summary>
    public static HttpError AllRefused(RecordSet records, bool strict)
    {
        const int shown = 100;
        var first = records.Refusals[0];
        if (records.Count == 1 || (!strict && records.Refusals.All(r => ReferenceEquals(r, first))))
            return first;
        var detail = strict
            ? $"Nothing was written, because all or nothing was asked for and {records.RefusedCount} of {records.Count} records are refused. The first: {first.Message}"
            : $"None of the {records.Count} records was taken. The first: {first.Message}";
        return new HttpError(first.Status, first.ErrorCode, first.Slug, first.Title, detail)
        {
            Errors = [.. records.Refusals.Take(shown).SelectMany(r => r.Errors)],
            Extra = first.Extra,
            RetryAfter = first.RetryAfter,
        };
    }

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();
}
