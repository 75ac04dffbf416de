using RestStream.Connect.Model;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>What connectors and their tasks do: status, pause, stop, resume, restart, and the topics they use.</summary>
internal static class ConnectorStateEndpoints
{
    public static void MapConnectorStates(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/connectors/{connector}/status", ConnectorEndpoints.Read, StatusAsync).WithName("GetConnectorStatus").WithSummary("State of a connector and its tasks")
            .Produces<ConnectorStatus>().Refuses(404);
        routes.MapPost("/connectors/{connector}/restart", RestartAsync).WithName("RestartConnector").WithSummary("Restart a connector, its tasks, or what of them has failed")
            .Produces<ConnectorStatus>(202).Produces(204).Refuses(404, 409);
        MapTarget(routes, "pause", TargetState.Paused, StatusCodes.Status202Accepted).WithName("PauseConnector").WithSummary("Pause a connector: its tasks stay, and do nothing");
        MapTarget(routes, "resume", TargetState.Started, StatusCodes.Status202Accepted).WithName("ResumeConnector").WithSummary("Let a paused or stopped connector run");
        MapTarget(routes, "stop", TargetState.Stopped, StatusCodes.Status204NoContent).WithName("StopConnector").WithSummary("Stop a connector: its tasks go, and its offsets may be changed");

        routes.MapMethods("/connectors/{connector}/tasks", ConnectorEndpoints.Read, TasksAsync).WithName("ListConnectorTasks").WithSummary("A connector's tasks and their configurations")
            .Produces<IReadOnlyList<TaskInfo>>().Refuses(404);
        routes.MapMethods("/connectors/{connector}/tasks/{task:int}/status", ConnectorEndpoints.Read, TaskStatusAsync).WithName("GetTaskStatus").WithSummary("State of one task")
            .Produces<TaskStateInfo>().Refuses(404);
        routes.MapPost("/connectors/{connector}/tasks/{task:int}/restart", RestartTaskAsync).WithName("RestartTask").WithSummary("Restart one task")
            .Produces(204).Refuses(404, 409);

        routes.MapMethods("/connectors/{connector}/topics", ConnectorEndpoints.Read, TopicsAsync).WithName("GetConnectorTopics").WithSummary("Topics that a connector has used")
            .Produces<Dictionary<string, ActiveTopicsJson>>().Refuses(403);
        routes.MapPut("/connectors/{connector}/topics/reset", ResetTopicsAsync).WithName("ResetConnectorTopics").WithSummary("Forget which topics a connector has used")
            .Produces(202).Refuses(403);
    }

    private static RouteHandlerBuilder MapTarget(IEndpointRouteBuilder routes, string verb, TargetState state, int status) =>
        routes.MapPut($"/connectors/{{connector}}/{verb}", async (PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        {
            await connect.DoAsync(
                $"changing the state of connector {connector.Value}", herder => herder.SetTargetStateAsync(connector.Value, state, CancellationToken.None), cancellationToken);
            return Results.StatusCode(status);
        }).Produces(status).Refuses(404);

    private static async Task<IResult> StatusAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).Status(connector.Value));

    private static async Task<IResult> RestartAsync(PathName connector, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var (includeTasks, onlyFailed) = (IsTrue(request, "includeTasks"), IsTrue(request, "onlyFailed"));
        var status = await connect.DoAsync(
            $"restarting connector {connector.Value}", herder => herder.RestartAsync(connector.Value, includeTasks, onlyFailed, CancellationToken.None), cancellationToken);
        return status is null ? TypedResults.NoContent() : ConnectJson.Answer(status, StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> TasksAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).Tasks(connector.Value));

    private static async Task<IResult> TaskStatusAsync(PathName connector, int task, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).TaskStatus(connector.Value, task));

    private static async Task<IResult> RestartTaskAsync(PathName connector, int task, ConnectService connect, CancellationToken cancellationToken)
    {
        await connect.DoAsync($"restarting task {connector.Value}-{task}", herder => herder.RestartTaskAsync(connector.Value, task, CancellationToken.None), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> TopicsAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) => ConnectJson.Answer(
        new Dictionary<string, ActiveTopicsJson> { [connector.Value] = new((await connect.HerderAsync(cancellationToken)).ActiveTopics(connector.Value)) });

    private static async Task<IResult> ResetTopicsAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken)
    {
        (await connect.HerderAsync(cancellationToken)).ResetActiveTopics(connector.Value);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    /// <summary>As Kafka reads it: everything but "true" is false.</summary>
    private static bool IsTrue(HttpRequest request, string flag) => string.Equals(request.Query[flag], "true", StringComparison.OrdinalIgnoreCase);
}

/// <summary>The topics that a connector wrote or read since they were forgotten last.</summary>
internal sealed record ActiveTopicsJson(IReadOnlyList<string> Topics);
