using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using RestStream.Hosting;
using RestStream.Http.Connect;
using RestStream.Http.Operations.Metrics;
using RestStream.Settings;

namespace RestStream.Http.Operations;

/// <summary>Who the server is, whether it lives, whether it is ready, and its numbers. The aliases are the paths of the products we are compatible with.</summary>
internal static class OperationsEndpoints
{
    public static void MapOperations(this IEndpointRouteBuilder routes)
    {
        var operations = routes.MapGroup("").WithTags("Operations");
        operations.MapGet("/", Root).WithName("GetServer").WithSummary("Version and identity of the server");
        operations.MapGet("/health", Health).WithName("GetHealth").WithSummary("Health in Kafka Connect's shape")
            .Produces<HealthStatus>(StatusCodes.Status503ServiceUnavailable);
        operations.MapGet("/health/live", Live).WithName("GetLiveness").WithSummary("The process answers");
        operations.MapGet("/health/ready", Ready).WithName("GetReadiness").WithSummary("The log is recovered and takes records")
            .Produces<HealthStatus>(StatusCodes.Status503ServiceUnavailable);
        operations.MapGet("/metrics", Metrics).WithName("GetMetrics").WithSummary("Metrics as Prometheus text")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");

        operations.MapGet("/healthy", Live).ExcludeFromDescription();
        foreach (var alias in new[] { "/ready", "/_health", "/status/ready" })
            operations.MapGet(alias, Ready).ExcludeFromDescription();
    }

    private static Results<Ok<ServerInfo>, RedirectHttpResult> Root(HttpRequest request, BrokerService service, IOptions<ServerOptions> options)
    {
        var browser = request.GetTypedHeaders().Accept.Any(a => a.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));
        return browser && options.Value.Swagger
            ? TypedResults.Redirect("/swagger/")
            : TypedResults.Ok(new ServerInfo(
                WorkerEndpoints.CompatibleVersion, ProductVersion.Commit, service.IsOpen(out var broker) ? broker.ClusterId : "", ProductVersion.Version, ProductVersion.Version));
    }

    private static Ok<HealthStatus> Live() => TypedResults.Ok(new HealthStatus("healthy", "The process answers."));

    private static Results<Ok<HealthStatus>, JsonHttpResult<HealthStatus>> Health(BrokerService service) => Ready(service);

    private static Results<Ok<HealthStatus>, JsonHttpResult<HealthStatus>> Ready(BrokerService service)
    {
        var problem = Problem(service);
        return problem is null
            ? TypedResults.Ok(new HealthStatus("healthy", "The log is recovered and takes records."))
            : TypedResults.Json(problem, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Why the server is not ready; null when it is.</summary>
    public static HealthStatus? Problem(BrokerService service)
    {
        if (!service.IsOpen(out var broker))
            return new HealthStatus("starting", "The log is being recovered.");
        return broker.Health switch
        {
            { WritesStoppedReason: { } reason } => new HealthStatus("unhealthy", $"Records are not taken until a restart: {reason}"),
            { DiskFull: true } => new HealthStatus("unhealthy", "The disk is full: records are not taken until there is room. Reading goes on."),
            { Ready: false } => new HealthStatus("starting", "The log is being recovered."),
            _ => null,
        };
    }

    private static ContentHttpResult Metrics(MetricsCollector collector) => TypedResults.Text(collector.Scrape(), PrometheusText.ContentType);
}

/// <summary>Kafka Connect's health: <c>healthy</c>, <c>starting</c> or <c>unhealthy</c>, and a sentence.</summary>
internal sealed record HealthStatus(string Status, string Message);

/// <summary>The keys of all products whose clients ask <c>GET /</c>. <paramref name="Version"/> is that of the Kafka Connect we are compatible with: its clients switch features on by it.</summary>
internal sealed record ServerInfo(
    string Version,
    string Commit,
    [property: JsonPropertyName("kafka_cluster_id")] string KafkaClusterId,
    [property: JsonPropertyName("bridge_version")] string BridgeVersion,
    [property: JsonPropertyName("reststream_version")] string RestStreamVersion);
