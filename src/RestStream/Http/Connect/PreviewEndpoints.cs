using System.Text.Json.Nodes;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>What would become of records, converters and transforms step by step, with nothing written; and those that failed once more.</summary>
internal static class PreviewEndpoints
{
    public static void MapPreviews(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/connectors/{connector}/preview", OfConnectorAsync).WithName("PreviewConnector").WithSummary("Records on their way through a connector, step by step; nothing is written")
            .Accepts<JsonObject>(isOptional: true, ConnectJson.Type).Produces<JsonObject>().Refuses(400, 404, 406, 413, 415);
        routes.MapPost("/connector-plugins/{plugin}/config/preview", OfConfigAsync).WithName("PreviewConfig")
            .WithSummary("Records on their way through a connector that does not exist yet; nothing is written")
            .Accepts<JsonObject>(ConnectJson.Type).Produces<JsonObject>().Refuses(400, 404, 406, 413, 415);
        routes.MapPost("/connectors/{connector}/dlq/replay", ReplayAsync).WithName("ReplayDeadLetters").WithSummary("Bring the records of a connector's dead letter topic back to where they came from")
            .WithDescription("from: last (default; where the last replay ended) or start. limit: at most so many records.")
            .Accepts<JsonObject>(isOptional: true, ConnectJson.Type).Produces<JsonObject>().Refuses(400, 404, 406, 413, 415);
    }

    private static async Task<IResult> OfConnectorAsync(PathName connector, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var sample = await ConnectBody.ObjectAsync(request, cancellationToken);
        return ConnectJson.Answer(await connect.DoAsync("making a preview", herder => herder.PreviewAsync(herder.Info(connector.Value).Config, sample, cancellationToken), cancellationToken));
    }

    private static async Task<IResult> OfConfigAsync(PathName plugin, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var (config, sample) = await ConnectBody.PreviewAsync(request, cancellationToken);
        ConnectorPluginEndpoints.CheckClass(plugin.Value, config);
        var given = config.Where(c => c.Value is not null).ToDictionary(c => c.Key, c => c.Value!);
        return ConnectJson.Answer(await connect.DoAsync("making a preview", herder => herder.PreviewAsync(given, sample, cancellationToken), cancellationToken));
    }

    private static async Task<IResult> ReplayAsync(PathName connector, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var range = await ConnectBody.ObjectAsync(request, cancellationToken);
        return ConnectJson.Answer(await connect.DoAsync(
            $"replaying the dead letters of connector {connector.Value}", herder => herder.ReplayDeadLettersAsync(connector.Value, range, cancellationToken), cancellationToken));
    }
}
