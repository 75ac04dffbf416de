using RestStream.Http.OpenApi;

namespace RestStream.Http.Produce;

/// <summary>The routes that take records.</summary>
internal static class ProduceEndpoints
{
    private static readonly string[] s_bodyTypes = ["application/json", NdJsonProduce.ContentType, "application/octet-stream", "text/plain"];

    private static readonly int[] s_refusals = [400, 403, 404, 408, 409, 412, 413, 415, 422, 429, 503, 507];

    public static void MapProduce(this IEndpointRouteBuilder routes)
    {
        var handler = new ProduceHandler(routes.ServiceProvider);
        Describe(routes.MapPost("/topics/{topic}/records", handler.ToTopicAsync), nameof(handler.ToTopicAsync), s_bodyTypes,
            "ProduceRecords", "Append records to a topic", "Records");
        Describe(routes.MapPost("/topics/{topic}/partitions/{partition}/records", handler.ToPartitionAsync), nameof(handler.ToPartitionAsync), s_bodyTypes,
            "ProduceRecordsToPartition", "Append records to one partition", "Records");
        Describe(routes.MapPost("/records", handler.ToManyTopicsAsync), nameof(handler.ToManyTopicsAsync), s_bodyTypes[..2],
            "ProduceRecordsToTopics", "Append records that each name their topic", "Records");
    }

    /// <summary>What the API description knows of a route whose handler reads the request itself.</summary>
    private static void Describe(IEndpointConventionBuilder route, string handler, string[] bodyTypes, string name, string summary, string tag)
    {
        string[] answerTypes = ["application/json", NdJsonProduce.ContentType];
        route.WithName(name).WithSummary(summary).WithTags(tag).WithMetadata(
            typeof(ProduceHandler).GetMethod(handler)!,
            new RequestBodyTypes(bodyTypes),
            new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(object), answerTypes),
            new ProducesResponseTypeMetadata(StatusCodes.Status202Accepted, typeof(void)),
            new ProducesResponseTypeMetadata(StatusCodes.Status207MultiStatus, typeof(object), answerTypes));
        foreach (var status in s_refusals)
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(object), ["application/problem+json"]));
    }
}
