using System.Text.Json.Serialization;
using RestStream.Connect;
using RestStream.Connect.Model;
using RestStream.Hosting;
using RestStream.Http.Operations;

namespace RestStream.Http.Connect;

/// <summary>The worker as a whole: who it is and how it does, for a listener of Connect alone, and how its connectors do.</summary>
internal static class WorkerEndpoints
{
    /// <summary>The version of Kafka Connect that clients find: they switch features on by it.</summary>
    public const string CompatibleVersion = "4.3.1";

    /// <summary>Kafka's <c>GET /</c> and <c>GET /health</c>.</summary>
    public static void MapWorker(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", ConnectorEndpoints.Read, Root);
        routes.MapMethods("/health", ConnectorEndpoints.Read, Health);
    }

    public static void MapConnectHealth(this IEndpointRouteBuilder routes) =>
        routes.MapMethods("/health/connectors", ConnectorEndpoints.Read, ConnectorHealth).WithName("GetConnectorHealth").WithTags(ConnectEndpoints.Tag)
            .WithSummary("Whether connectors or tasks have failed or stand still")
            .Produces<ConnectorHealthJson>().Produces<ConnectorHealthJson>(StatusCodes.Status503ServiceUnavailable, ConnectJson.Type);

    private static IResult Root(BrokerService service) => ConnectJson.Answer(
        new WorkerJson(CompatibleVersion, ProductVersion.Commit, service.IsOpen(out var broker) ? broker.ClusterId : "", ProductVersion.Version));

    private static IResult Health(ConnectService connect, BrokerService service)
    {
        if (connect.HasFailed || (service.IsOpen(out var broker) && broker.Health.WritesStoppedReason is not null))
            return ConnectJson.Answer(new HealthStatus("unhealthy", "Worker was unable to handle this request and may be unable to handle other requests."), 500);
        return connect.IsStarted(out _)
            ? ConnectJson.Answer(new HealthStatus("healthy", "Worker has completed startup and is ready to handle requests."))
            : ConnectJson.Answer(new HealthStatus("starting", "Worker is still starting up."), 503);
    }

    private static IResult ConnectorHealth(ConnectService connect)
    {
        if (!connect.IsStarted(out var herder))
        {
            var state = connect.HasFailed ? "unhealthy" : "starting";
            return ConnectJson.Answer(new ConnectorHealthJson(state, 0, []), StatusCodes.Status503ServiceUnavailable);
        }

        var connectors = herder.Connectors();
        var problems = connectors.SelectMany(c => Problems(c, herder)).ToList();
        problems.AddRange(herder.DeclaredProblems.Select(p => new ConnectorProblemJson(p.File, null, "NOT_APPLIED", false, p.Problem, null)));
        return problems.Count == 0
            ? ConnectJson.Answer(new ConnectorHealthJson("healthy", connectors.Count, []))
            : ConnectJson.Answer(new ConnectorHealthJson("unhealthy", connectors.Count, problems), StatusCodes.Status503ServiceUnavailable);
    }

    private static IEnumerable<ConnectorProblemJson> Problems(string connector, Herder herder)
    {
        ConnectorStatus status;
        try
        {
            status = herder.Status(connector);
        }
        catch (ConnectRequestException gone) when (gone.Status == 404)
        {
            yield break;
        }

        if (IsProblem(status.Connector.State, status.Connector.Details))
            yield return ConnectorProblemJson.From(connector, null, status.Connector.State, status.Connector.Details);
        foreach (var task in status.Tasks.Where(t => IsProblem(t.State, t.Details)))
            yield return ConnectorProblemJson.From(connector, task.Id, task.State, task.Details);
    }

    private static bool IsProblem(string state, StatusDetails? details) => state == "FAILED" || details?.Stalled == true;
}

/// <summary>Kafka's ServerInfo, and our own version.</summary>
internal sealed record WorkerJson(string Version, string Commit, string KafkaClusterId, string ReststreamVersion);

/// <summary>How the connectors do: healthy when none has failed or stands still.</summary>
internal sealed record ConnectorHealthJson(string Status, int Connectors, IReadOnlyList<ConnectorProblemJson> Problems);

/// <summary>A connector, or one task of it, that has failed or stands still; the status of the connector says more. Or a file of the folder of connectors that could not be applied (NOT_APPLIED).</summary>
internal sealed record ConnectorProblemJson(
    string Connector, int? Task, string State, bool Stalled, string? Error, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? NextRestart)
{
    public static ConnectorProblemJson From(string connector, int? task, string state, StatusDetails? details) =>
        new(connector, task, state, details?.Stalled == true, details?.Error?.Message, details?.NextRestart);
}
