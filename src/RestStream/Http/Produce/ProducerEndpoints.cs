using System.Text.Json.Serialization;
using FluentValidation;
using RestStream.Broker;
using RestStream.Http.Topics;

namespace RestStream.Http.Produce;

/// <summary>Hands out the identities with which producers write every record once (Kafka's InitProducerId).</summary>
internal static class ProducerEndpoints
{
    private static readonly InitProducerValidator s_validator = new();

    public static void MapProducers(this IEndpointRouteBuilder routes)
    {
        var producers = routes.MapGroup("").WithTags("Records");
        foreach (var status in (ReadOnlySpan<int>)[400, 403, 413, 422, 503, 507])
            producers.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(object), ["application/problem+json"]));
        producers.MapPost("/producers", Init).WithName("InitProducer").WithSummary("Get a producer id, or the next epoch of one")
            .WithDescription("The id and epoch go with every produce request as Producer-Id and Producer-Epoch. An id is never given out twice. Naming an id and its epoch raises the epoch, which fences whoever writes under the old one.")
            .Accepts<InitProducerBody>(isOptional: true, "application/json", "*/*").Produces<ProducerJson>();
    }

    private static async Task<IResult> Init(HttpRequest request, IBroker broker, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(request, ProducerJsonContext.Default.InitProducerBody, s_validator, cancellationToken);
        var current = body.ProducerId is { } id ? new ProducerIdentity(id, (short)body.ProducerEpoch!.Value) : (ProducerIdentity?)null;
        var producer = await broker.InitProducerAsync(current, cancellationToken);
        return TypedResults.Json(new ProducerJson(producer.Id, producer.Epoch), ProducerJsonContext.Default.ProducerJson);
    }
}

/// <summary>Both or none.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record InitProducerBody(
    [property: JsonPropertyName("producer_id")] long? ProducerId,
    [property: JsonPropertyName("producer_epoch")] int? ProducerEpoch);

internal sealed record ProducerJson(
    [property: JsonPropertyName("producer_id")] long ProducerId,
    [property: JsonPropertyName("producer_epoch")] int ProducerEpoch);

internal sealed class InitProducerValidator : AbstractValidator<InitProducerBody>
{
    public InitProducerValidator()
    {
        RuleFor(b => b.ProducerId).GreaterThanOrEqualTo(0).OverridePropertyName("producer_id").WithMessage("producer_id is a whole number from 0 on.");
        RuleFor(b => b.ProducerEpoch).InclusiveBetween(0, short.MaxValue).OverridePropertyName("producer_epoch").WithMessage("producer_epoch is a whole number from 0 to 32767.");
        RuleFor(b => b.ProducerId).Must((body, id) => id is null == body.ProducerEpoch is null).OverridePropertyName("producer_id")
            .WithMessage("producer_id and producer_epoch go together: both to raise the epoch, none for a new id.");
    }
}

[JsonSerializable(typeof(InitProducerBody))]
[JsonSerializable(typeof(ProducerJson))]
internal sealed partial class ProducerJsonContext : JsonSerializerContext;
