using System.Text;
using Microsoft.OpenApi;
using RestStream.Hosting;
using RestStream.Http.Errors;
using RestStream.Http.Operations;
using Swashbuckle.AspNetCore.Swagger;

namespace RestStream.Http.Compat;

/// <summary>What the products say of themselves below their path bases: banner, health, description.</summary>
internal static class ProductPages
{
    /// <summary>The tag of everything in the API description that only exists in v2.</summary>
    public const string Tag = "REST Proxy v2";

    private static readonly HashSet<string> s_shared = ["ListTopics", "DescribeTopic", "ListPartitions", "DescribePartition", "GetOffsets", "ListBrokers"];

    public static void MapProductPages(this IEndpointRouteBuilder routes, Profile profile)
    {
        var banner = Encoding.UTF8.GetBytes(profile.Banner);
        routes.MapGet("/", () => TypedResults.Bytes(banner, "application/json"));
        routes.MapGet("/healthy", () => TypedResults.Ok());
        foreach (var path in (ReadOnlySpan<string>)["/ready", "/status/ready", "/_health"])
            routes.MapGet(path, Ready);

        byte[]? description = null;
        foreach (var path in (ReadOnlySpan<string>)["/openapi", "/openapi/v3"])
        {
            routes.MapGet(path, async (ISwaggerProvider swagger, CancellationToken cancellationToken) =>
                TypedResults.Bytes(description ??= await DescribeAsync(swagger, profile, cancellationToken), "application/json"));
        }
    }

    private static IResult Ready(BrokerService service) => OperationsEndpoints.Problem(service) is { } problem
        ? throw new HttpError(503, 50301, "not-ready", "Not ready", problem.Message) { RetryAfter = 1 }
        : TypedResults.Ok();

    /// <summary>The part of the API description that is REST Proxy v2, with the path base as its server.</summary>
    private static async Task<byte[]> DescribeAsync(ISwaggerProvider swagger, Profile profile, CancellationToken cancellationToken)
    {
        var document = swagger.GetSwagger(OpenApi.OpenApiSetup.Name, host: null, basePath: profile.PathBase);
        foreach (var (path, item) in document.Paths.ToArray())
        {
            foreach (var (method, operation) in (item.Operations ?? []).ToArray())
            {
                if (operation.Tags?.Any(t => t.Name == Tag) != true && !s_shared.Contains(operation.OperationId ?? ""))
                    item.Operations!.Remove(method);
            }

            if (item.Operations is not { Count: > 0 })
                document.Paths.Remove(path);
        }

        return Encoding.UTF8.GetBytes(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken));
    }
}
