using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.ObjectPool;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Http.Produce;
using RestStream.Settings;
using RestStream.Storage;

namespace RestStream.Http.Compat;

/// <summary>
/// Produce requests of REST Proxy v2, from body to receipts. Nothing is written before the whole body was read and understood; what is wrong with the body refuses it,
/// what is wrong with the place of a record is told in the record's entry.
/// </summary>
internal sealed class V2Produce(IServiceProvider services)
{
    /// <summary>Requests in flight whose buffers are kept.</summary>
    private const int KeptWorks = 256;

    private readonly LimitOptions _limits = services.GetRequiredService<IOptions<LimitOptions>>().Value;
    private readonly bool _autoCreate = services.GetRequiredService<IOptions<ServerOptions>>().Value.AutoCreateTopics;
    private readonly TimeProvider _clock = services.GetRequiredService<TimeProvider>();
    private ObjectPool<ProduceWork>? _works;
    private IBroker? _broker;

    /// <summary>Asked for late: while the log is being recovered this throws the 503.</summary>
    private IBroker Broker => _broker ??= services.GetRequiredService<IBroker>();

    private ObjectPool<ProduceWork> Works => _works ??= new DefaultObjectPool<ProduceWork>(new ProduceWork.Policy(Broker, _limits), KeptWorks);

    public Task ToTopicAsync(HttpContext context) => ProduceAsync(context, Profile.Of(context), partition: -1);

    public Task ToPartitionAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        if (!int.TryParse((string)context.Request.RouteValues["partition"]!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var partition))
            throw HttpError.BadParameter("partition", "The partition in the path is a number from 0 on.");
        if (partition < 0)
            throw profile.Refuse(Fault.NegativeParameter, "The partition in the path is a number from 0 on.", new FieldError("partition", "Below 0."));
        return ProduceAsync(context, profile, partition);
    }

    private async Task ProduceAsync(HttpContext context, Profile profile, int partition)
    {
        var request = context.Request;
        var topic = (string)request.RouteValues["topic"]!;
        var format = ProduceType.Of(request, profile);
        profile.CheckAccept(request);
        var (producer, key) = (ProducerStamp.Read(request.Headers), IdempotencyKey.Read(request.Headers));
        if (key is not null)
            IdempotencyKey.CheckAlone(producer);
        var inBackground = profile.Produce.TakesAsync && IsAsync(request, profile);
        var unknown = await FindUnknownAsync(context, topic, partition);
        if (unknown is not null && !profile.Produce.UnknownTopicInEntries)
            throw unknown;

        var work = Works.Get();
        try
        {
            await BodyReader.ReadAsync(request, work.Body, _limits);
            work.Records.PlacesMustRepeat = producer is not null;
            if (format is not { } dataFormat)
                throw SchemaMissing(work.Body.Memory, profile);
            using var once = key is null ? null : Broker.BeginIdempotent(topic, key, IdempotencyKey.HashOf(request, work.Body.Span));
            if (once?.Receipt is not { } receipt || !work.Records.Restore(receipt))
            {
                work.Parser.ReadV2Body(work.Body.Span, work.Records, new RecordRules
                {
                    Family = profile,
                    RefuseAll = unknown,
                    Target = unknown is null ? work.Records.Target(topic) : null,
                    Partition = partition,
                    KeyFormat = dataFormat,
                    ValueFormat = dataFormat,
                    OnlyStrings = dataFormat == DataFormat.Text,
                    Now = _clock.GetUtcNow().ToUnixTimeMilliseconds(),
                });

                // What is done once is done as a whole: there is no answer for a part of it.
                if ((producer is not null || once is not null) && work.Records.RefusedCount > 0)
                    throw ProduceHandler.AllRefused(work.Records, strict: true);
                if (once is not null)
                    await work.Records.AppendOnceAsync(once);
                else if (producer is { } stamp)
                    await work.Records.AppendAsProducerAsync(stamp, expectedOffset: -1);
                else if (inBackground)
                    work.Records.AppendWithoutWaiting();
                else
                    await work.Records.AppendAsync();
            }

            if (inBackground)
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            V2Receipts.Write(work.Records, profile.Produce, work.Answer);
            ProduceHandler.MarkReplayed(context.Response, work.Records);
            var status = work.Records.RefusedCount > 0 ? profile.Produce.PartialFailureStatus : StatusCodes.Status200OK;
            ProduceHandler.Send(context.Response, status, Dialect.AnswerType(request), work.Answer);
        }
        finally
        {
            Works.Return(work);
        }
    }

    /// <summary>Why no record can go to this topic and partition; null when they are there, or could be made.</summary>
    private async ValueTask<HttpError?> FindUnknownAsync(HttpContext context, string topic, int partition)
    {
        try
        {
            if (!Broker.TryGetIntake(topic, out var intake))
            {
                await AutoCreate.EnsureAsync(Broker, topic, _autoCreate, context.RequestAborted);
                Broker.TryGetIntake(topic, out intake);
            }

            return partition < intake.Partitions ? null : ErrorResponses.From(BrokerException.UnknownPartition(new TopicPartition(topic, partition), intake.Partitions));
        }
        catch (BrokerException unknown) when (unknown.Code is ErrorCode.UnknownTopicOrPartition or ErrorCode.InvalidTopic)
        {
            return ErrorResponses.From(unknown);
        }
    }

    private static bool IsAsync(HttpRequest request, Profile profile) => request.Query["async"].ToString() switch
    {
        "" or "false" => false,
        "true" => true,
        _ => throw profile.Refuse(Fault.BadParameter, "async is true or false.", new FieldError("async", "Not true or false.")),
    };

    /// <summary>Avro, JSON Schema and Protobuf need a schema registry, which there is none of: what a client without a schema is told is all there is to say.</summary>
    private static HttpError SchemaMissing(ReadOnlyMemory<byte> body, Profile profile)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("records", out var records) || records.ValueKind != JsonValueKind.Array)
                return profile.Refuse(Fault.NoRecords, "The body is {\"records\":[…]} with at least one record.");
            var keyed = records.EnumerateArray().Any(r => r.ValueKind == JsonValueKind.Object && r.TryGetProperty("key", out var key) && key.ValueKind != JsonValueKind.Null);
            if (keyed && !root.TryGetProperty("key_schema", out _) && !root.TryGetProperty("key_schema_id", out _))
                return new HttpError(422, 42201, "key-schema-missing", "Key schema missing", "Request includes keys but does not include key schema");
            return root.TryGetProperty("value_schema", out _) || root.TryGetProperty("value_schema_id", out _)
                ? new HttpError(422, 42202, "value-schema-missing", "Value schema missing", "This server has no schema registry. Use the json, binary or text format.")
                : new HttpError(422, 42202, "value-schema-missing", "Value schema missing", "Request includes values but does not include value schema");
        }
        catch (JsonException e)
        {
            return profile.Refuse(Fault.BrokenJson, JsonText.Describe(e));
        }
    }
}
