using Microsoft.Extensions.Options;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Http.OpenApi;
using RestStream.Settings;

namespace RestStream.Http.Consumers;

/// <summary>The routes of consumer instances.</summary>
internal static class ConsumerEndpoints
{
    private const string Instance = "/consumers/{group}/instances/{instance}";

    private static readonly string[] s_bodyTypes = [Dialect.V2Type, "application/json"];
    private static readonly string[] s_recordTypes = [V2Accept.TypeOf(DataFormat.Json), V2Accept.TypeOf(DataFormat.Base64), V2Accept.TypeOf(DataFormat.Text)];
    private static readonly int[] s_refusals = [400, 404, 406, 409, 413, 415, 422, 503];

    public static void AddConsumerInstances(this IServiceCollection services) => services
        .AddSingleton<ConsumerInstances>()
        .AddSingleton(s => new BaseUri(s.GetRequiredService<IOptions<ServerOptions>>().Value.TrustedProxies))
        .AddSingleton<InstanceHandlers>().AddSingleton<OffsetHandlers>().AddSingleton<PollHandler>()
        .AddHostedService<InstanceLoader>();

    /// <param name="routes">The root, or a profile's path base.</param>
    /// <param name="described">Whether the API description shows them.</param>
    public static void MapConsumers(this IEndpointRouteBuilder routes, bool described)
    {
        var services = routes.ServiceProvider;
        var instances = services.GetRequiredService<InstanceHandlers>();
        var offsets = services.GetRequiredService<OffsetHandlers>();
        var poll = services.GetRequiredService<PollHandler>();

        Route[] all =
        [
            new("POST", "/consumers/{group}", instances.CreateAsync, "CreateConsumerInstance", "Create a consumer instance", Body: true),
            new("DELETE", Instance, instances.DeleteAsync, "DeleteConsumerInstance", "Delete a consumer instance", Status: 204),
            new("POST", Instance + "/subscription", instances.SubscribeAsync, "SubscribeConsumer", "Subscribe to topics or a pattern", 204, Body: true),
            new("GET", Instance + "/subscription", instances.GetSubscriptionAsync, "GetConsumerSubscription", "What the instance is subscribed to"),
            new("DELETE", Instance + "/subscription", instances.UnsubscribeAsync, "UnsubscribeConsumer", "Unsubscribe", 204),
            new("POST", Instance + "/assignments", instances.AssignAsync, "AssignConsumer", "Read partitions without regard to the group", 204, Body: true),
            new("GET", Instance + "/assignments", instances.GetAssignmentsAsync, "GetConsumerAssignments", "The partitions that the instance reads"),
            new("GET", Instance + "/records", poll.PollAsync, "PollConsumer", "The next records", Answers: s_recordTypes),
            new("POST", Instance + "/offsets", offsets.CommitAsync, "CommitConsumer", "Commit offsets, or everything that was polled", Body: true),
            new("GET", Instance + "/offsets", offsets.GetCommittedAsync, "GetConsumerOffsets", "Committed offsets"),
            new("POST", Instance + "/offsets/query", offsets.GetCommittedAsync, "QueryConsumerOffsets", "Committed offsets, asked for in a body", Body: true),
            new("POST", Instance + "/positions", offsets.SeekAsync, "SeekConsumer", "Go on reading from offsets or times", 204, Body: true),
            new("POST", Instance + "/positions/beginning", offsets.SeekToBeginningAsync, "SeekConsumerToBeginning", "Go on reading from the beginning", 204, Body: true),
            new("POST", Instance + "/positions/end", offsets.SeekToEndAsync, "SeekConsumerToEnd", "Go on reading from the end", 204, Body: true),
        ];
        foreach (var route in all)
        {
            var endpoint = routes.MapMethods(route.Path, [route.Method], route.Handler);
            if (described)
                Describe(endpoint, route);
        }

        // Version 1 of the protocol.
        routes.MapMethods(Instance + "/topics/{topic}", [HttpMethods.Get], poll.PollTopicAsync);
    }

    private static void Describe(IEndpointConventionBuilder endpoint, Route route)
    {
        endpoint.WithName(route.Name).WithSummary("REST Proxy v2: " + char.ToLowerInvariant(route.Summary[0]) + route.Summary[1..]).WithTags(ProductPages.Tag)
            .WithMetadata(route.Handler.Method, new RequestBodyTypes(route.Body ? s_bodyTypes : []))
            .WithMetadata(route.Status == StatusCodes.Status204NoContent
                ? new ProducesResponseTypeMetadata(route.Status, typeof(void))
                : new ProducesResponseTypeMetadata(route.Status, typeof(object), route.Answers ?? s_bodyTypes));
        foreach (var status in s_refusals)
            endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(object), [Dialect.V2Type]));
    }

    private sealed record Route(
        string Method, string Path, RequestDelegate Handler, string Name, string Summary, int Status = StatusCodes.Status200OK, bool Body = false, string[]? Answers = null);
}
