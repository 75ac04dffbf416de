using Microsoft.Extensions.Primitives;
using RestStream.Connect;
using RestStream.Connect.Model;
using RestStream.Hosting;
using RestStream.Http.Consumers;

namespace RestStream.Http.Connect;

/// <summary>Connectors: made, changed, looked at and taken away.</summary>
internal static class ConnectorEndpoints
{
    public static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public static void MapConnectors(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/connectors", Read, ListAsync).WithName("ListConnectors").WithSummary("List connectors")
            .WithDescription("Names; with expand=status or expand=info (both may be given) an object by name instead.")
            .Produces<IReadOnlyList<string>>();
        routes.MapPost("/connectors", CreateAsync).WithName("CreateConnector").WithSummary("Create a connector")
            .Accepts<CreateConnectorJson>(ConnectJson.Type).Produces<ConnectorInfo>(201).Refuses(400, 406, 409, 413, 415);
        routes.MapMethods("/connectors/{connector}", Read, InfoAsync).WithName("GetConnector").WithSummary("A connector's configuration, type and tasks")
            .Produces<ConnectorInfo>().Refuses(404);
        routes.MapDelete("/connectors/{connector}", DeleteAsync).WithName("DeleteConnector").WithSummary("Delete a connector; its offsets stay")
            .Produces(204).Refuses(404);
        routes.MapMethods("/connectors/{connector}/config", Read, ConfigAsync).WithName("GetConnectorConfig").WithSummary("A connector's configuration")
            .Produces<Dictionary<string, string>>().Refuses(404);
        routes.MapPut("/connectors/{connector}/config", PutConfigAsync).WithName("PutConnectorConfig").WithSummary("Create a connector, or replace its configuration")
            .Accepts<Dictionary<string, string>>(ConnectJson.Type).Produces<ConnectorInfo>().Produces<ConnectorInfo>(201).Refuses(400, 406, 413, 415);
        routes.MapPatch("/connectors/{connector}/config", PatchConfigAsync).WithName("PatchConnectorConfig").WithSummary("Change single settings of a connector; null removes one")
            .Accepts<Dictionary<string, string>>(ConnectJson.Type).Produces<ConnectorInfo>().Refuses(400, 404, 406, 413, 415);

        routes.MapConnectorStates();
        routes.MapConnectorOffsets();
        routes.MapPreviews();
    }

    private static async Task<IResult> ListAsync(HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var herder = await connect.HerderAsync(cancellationToken);
        if (!request.Query.TryGetValue("expand", out var expansions))
            return ConnectJson.Answer(herder.Connectors());

        var all = new Dictionary<string, Dictionary<string, object>>(StringComparer.Ordinal);
        foreach (var connector in herder.Connectors())
        {
            if (Expand(herder, connector, expansions) is { } expanded)
                all[connector] = expanded;
        }

        return ConnectJson.Answer(all);
    }

    /// <summary>Null when the connector was deleted meanwhile.</summary>
    private static Dictionary<string, object>? Expand(Herder herder, string connector, StringValues expansions)
    {
        var expanded = new Dictionary<string, object>(2);
        try
        {
            if (expansions.Contains("status"))
                expanded["status"] = herder.Status(connector);
            if (expansions.Contains("info"))
                expanded["info"] = herder.Info(connector);
            return expanded;
        }
        catch (ConnectRequestException gone) when (gone.Status == 404)
        {
            return null;
        }
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, ConnectService connect, BaseUri address, CancellationToken cancellationToken)
    {
        var body = await ConnectBody.CreateAsync(request, cancellationToken);
        var info = await connect.DoAsync($"creating connector {body.Name}", herder => herder.CreateAsync(body.Name, body.Config, body.InitialState, CancellationToken.None), cancellationToken);
        return Created(request, address, info);
    }

    private static async Task<IResult> InfoAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).Info(connector.Value));

    private static async Task<IResult> ConfigAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer((await connect.HerderAsync(cancellationToken)).Info(connector.Value).Config);

    private static async Task<IResult> PutConfigAsync(PathName connector, HttpRequest request, ConnectService connect, BaseUri address, CancellationToken cancellationToken)
    {
        var config = await ConnectBody.ConfigAsync(request, cancellationToken);
        var (info, created) = await connect.DoAsync(
            $"configuring connector {connector.Value}", herder => herder.PutConfigAsync(connector.Value, config, CancellationToken.None), cancellationToken);
        return created ? Created(request, address, info) : ConnectJson.Answer(info);
    }

    private static async Task<IResult> PatchConfigAsync(PathName connector, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var patch = await ConnectBody.ConfigAsync(request, cancellationToken);
        return ConnectJson.Answer(await connect.DoAsync(
            $"configuring connector {connector.Value}", herder => herder.PatchConfigAsync(connector.Value, patch, CancellationToken.None), cancellationToken));
    }

    private static async Task<IResult> DeleteAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken)
    {
        await connect.DoAsync($"deleting connector {connector.Value}", herder => herder.DeleteAsync(connector.Value, CancellationToken.None), cancellationToken);
        return TypedResults.NoContent();
    }

    private static IResult Created(HttpRequest request, BaseUri address, ConnectorInfo info)
    {
        request.HttpContext.Response.Headers.Location = $"{address.Of(request)}/connectors/{PathName.Encode(info.Name)}";
        return ConnectJson.Answer(info, StatusCodes.Status201Created);
    }
}

/// <summary>For the API description: the body of POST /connectors.</summary>
internal sealed record CreateConnectorJson(string Name, Dictionary<string, string> Config, string? InitialState);
