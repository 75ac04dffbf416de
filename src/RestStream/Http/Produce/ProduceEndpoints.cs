using RestStream.Http.Errors;
using RestStream.Http.OpenApi;

namespace RestStream.Http.Produce;

/// <summary>The routes that take records.</summary>
internal static class ProduceEndpoints
{
    private static readonly string[] s_bodyTypes = ["application/json", NdJsonProduce.ContentType, "application/octet-stream", "text/plain"];

    private static readonly string[] s_v2BodyTypes =
    [
        "application/vnd.kafka.json.v2+json", "application/vnd.kafka.binary.v2+json", "application/vnd.kafka.text.v2+json", "application/json",
    ];

    private static readonly int[] s_refusals = [400, 403, 404, 408, 409, 413, 415, 422, 429, 503, 507];

    public static void MapProduce(this IEndpointRouteBuilder routes)
    {
        var handler = new ProduceHandler(routes.ServiceProvider);
        Describe(routes.MapPost("/topics/{topic}/records", handler.ToTopicAsync), nameof(handler.ToTopicAsync), s_bodyTypes,
            "ProduceRecords", "Append records to a topic", "Records");
        Describe(routes.MapPost("/topics/{topic}/partitions/{partition}/records", handler.ToPartitionAsync), nameof(handler.ToPartitionAsync), s_bodyTypes,
            "ProduceRecordsToPartition", "Append records to one partition", "Records");
        Describe(routes.MapPost("/records", handler.ToManyTopicsAsync), nameof(handler.ToManyTopicsAsync), s_bodyTypes[..2],
            "ProduceRecordsToTopics", "Append records that each name their topic", "Records");
        Describe(routes.MapPost("/topics/{topic}", handler.V2ToTopicAsync), nameof(handler.V2ToTopicAsync), s_v2BodyTypes,
            "ProduceV2", "REST Proxy v2: append records to a topic", "REST Proxy v2");
        Describe(routes.MapPost("/topics/{topic}/partitions/{partition}", handler.V2ToPartitionAsync), nameof(handler.V2ToPartitionAsync), s_v2BodyTypes,
            "ProduceV2ToPartition", "REST Proxy v2: append records to one partition", "REST Proxy v2");
    }

    /// <summary>What the API description knows of a route whose handler reads the request itself.</summary>
    private static void Describe(IEndpointConventionBuilder route, string handler, string[] bodyTypes, string name, string summary, string tag)
    {
        var isV2 = name.Contains("V2", StringComparison.Ordinal);
        string[] answerTypes = isV2 ? [Dialect.V2Type, "application/json"] : ["application/json", NdJsonProduce.ContentType];
        string[] errorTypes = isV2 ? [Dialect.V2Type, "application/problem+json"] : ["application/problem+json"];
        route.WithName(name).WithSummary(summary).WithTags(tag).WithMetadata(
            typeof(ProduceHandler).GetMethod(handler)!,
            new RequestBodyTypes(bodyTypes),
            new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(object), answerTypes));
        if (!isV2)
        {
            route.WithMetadata(
                new ProducesResponseTypeMetadata(StatusCodes.Status202Accepted, typeof(void)),
                new ProducesResponseTypeMetadata(StatusCodes.Status207MultiStatus, typeof(object), answerTypes));
        }

        foreach (var status in isV2 ? s_refusals : [.. s_refusals, StatusCodes.Status412PreconditionFailed])
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(object), errorTypes));
    }
}
