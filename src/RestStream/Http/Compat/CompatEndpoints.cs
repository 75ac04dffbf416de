using RestStream.Http.Consumers;
using RestStream.Http.Errors;
using RestStream.Http.OpenApi;
using RestStream.Http.Records;
using RestStream.Http.Topics;

namespace RestStream.Http.Compat;

/// <summary>
/// REST Proxy v2: what exists in it alone at the root, beside the native API, and all of it below the path base of each product, where nothing else exists.
/// Calls that only some of the products have are answered by all.
/// </summary>
internal static class CompatEndpoints
{
    private static readonly string[] s_produceTypes =
    [
        "application/vnd.kafka.json.v2+json", "application/vnd.kafka.binary.v2+json", "application/vnd.kafka.text.v2+json", "application/json",
    ];

    private static readonly string[] s_types = [Dialect.V2Type, "application/json"];

    public static void MapCompat(this IEndpointRouteBuilder routes)
    {
        var produce = new V2Produce(routes.ServiceProvider);
        MapShared(routes, produce, described: true);
        foreach (var profile in Profile.All)
        {
            var product = routes.MapGroup(profile.PathBase);
            MapShared(product, produce, described: false);
            var metadata = product.MapGroup("").ExcludeFromDescription();
            metadata.AddEndpointFilter((context, next) =>
            {
                profile.CheckAccept(context.HttpContext.Request);
                return next(context);
            });
            metadata.MapV2Topics();
            product.MapGroup("").ExcludeFromDescription().MapV2Records();
            product.MapGroup("").ExcludeFromDescription().MapProductPages(profile);
        }
    }

    private static void MapShared(IEndpointRouteBuilder routes, V2Produce produce, bool described)
    {
        var toTopic = routes.MapPost("/topics/{topic}", produce.ToTopicAsync);
        var toPartition = routes.MapPost("/topics/{topic}/partitions/{partition}", produce.ToPartitionAsync);
        var admin = routes.MapPost("/admin/topics", AdminTopics.CreateAsync);
        if (described)
        {
            Describe(toTopic, typeof(V2Produce), nameof(V2Produce.ToTopicAsync), s_produceTypes, "ProduceV2", "append records to a topic");
            Describe(toPartition, typeof(V2Produce), nameof(V2Produce.ToPartitionAsync), s_produceTypes, "ProduceV2ToPartition", "append records to one partition");
            Describe(admin, typeof(AdminTopics), nameof(AdminTopics.CreateAsync), s_types, "CreateTopicV2", "create a topic, as the Strimzi bridge does", 201, 409);
        }

        routes.MapConsumers(described);
    }

    /// <summary>What the API description knows of a route whose handler reads the request itself.</summary>
    private static void Describe(
        IEndpointConventionBuilder route, Type handlers, string handler, string[] bodyTypes, string name, string summary, int status = StatusCodes.Status200OK, params int[] refusals)
    {
        route.WithName(name).WithSummary("REST Proxy v2: " + summary).WithTags(ProductPages.Tag).WithMetadata(
            handlers.GetMethod(handler)!, new RequestBodyTypes(bodyTypes),
            status == StatusCodes.Status200OK ? new ProducesResponseTypeMetadata(status, typeof(object), s_types) : new ProducesResponseTypeMetadata(status, typeof(void)));
        foreach (var refusal in (ReadOnlySpan<int>)[400, 403, 404, 406, 408, 413, 415, 422, 429, 503, 507, .. refusals])
            route.WithMetadata(new ProducesResponseTypeMetadata(refusal, typeof(object), [Dialect.V2Type, "application/problem+json"]));
    }
}
