using RestStream.Connect.Model;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>How far a connector is: shown, moved and reset.</summary>
internal static class ConnectorOffsetEndpoints
{
    private const string Path = "/connectors/{connector}/offsets";

    public static void MapConnectorOffsets(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods(Path, ConnectorEndpoints.Read, GetAsync).WithName("GetConnectorOffsets").WithSummary("Offsets of a connector")
            .Produces<ConnectorOffsetsJson>().Refuses(404);
        routes.MapPatch(Path, AlterAsync).WithName("AlterConnectorOffsets").WithSummary("Move offsets of a stopped connector; a null offset resets one partition")
            .Accepts<ConnectorOffsetsJson>(ConnectJson.Type).Produces<MessageJson>().Refuses(400, 404, 406, 409, 413, 415);
        routes.MapDelete(Path, ResetAsync).WithName("ResetConnectorOffsets").WithSummary("Reset all offsets of a stopped connector")
            .Produces<MessageJson>().Refuses(400, 404, 409);
    }

    private static async Task<IResult> GetAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) =>
        ConnectJson.Answer(new ConnectorOffsetsJson((await connect.HerderAsync(cancellationToken)).Offsets(connector.Value)));

    private static async Task<IResult> AlterAsync(PathName connector, HttpRequest request, ConnectService connect, CancellationToken cancellationToken)
    {
        var offsets = await ConnectBody.OffsetsAsync(request, cancellationToken);
        return ConnectJson.Answer(new MessageJson(await connect.DoAsync(
            $"altering the offsets of connector {connector.Value}", herder => herder.AlterOffsetsAsync(connector.Value, offsets, CancellationToken.None), cancellationToken)));
    }

    private static async Task<IResult> ResetAsync(PathName connector, ConnectService connect, CancellationToken cancellationToken) => ConnectJson.Answer(new MessageJson(
        await connect.DoAsync($"resetting the offsets of connector {connector.Value}", herder => herder.ResetOffsetsAsync(connector.Value, CancellationToken.None), cancellationToken)));
}

/// <summary>Partitions and offsets.</summary>
internal sealed record ConnectorOffsetsJson(IReadOnlyList<OffsetEntry> Offsets);

/// <summary>What was done, in a sentence.</summary>
internal sealed record MessageJson(string Message);
