using Microsoft.Extensions.Options;
using RestStream.Connect;
using RestStream.Hosting;
using RestStream.Settings;

namespace RestStream.Http.Connect;

/// <summary>
/// Kafka Connect's REST interface. It is served beside the rest of the API on the main listener, and alone, with Kafka's <c>GET /</c> and <c>GET /health</c>, on a listener of its own (<see cref="Door"/>).
/// </summary>
internal static class ConnectEndpoints
{
    public const string Tag = "Connect";

    /// <summary>
    /// Before routing: names in paths as the client meant them, headers that every answer carries, and the listeners of Connect alone and of <c>/admin</c> alone, where nothing else is.
    /// </summary>
    public static void UseConnect(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<ConnectListenerOptions>>().Value;
        app.Use(next => context =>
        {
            PathName.Keep(context);
            if (options.ResponseHeaders.Count > 0 && Owns(context))
            {
                foreach (var (name, value) in options.ResponseHeaders)
                    context.Response.Headers[name] = value;
            }

            return next(context);
        });
        app.MapWhen(context => ConnectListeners.Of(context) == Door.Connect, door => door.UseRouting().UseEndpoints(routes =>
        {
            if (!IsEnabled(routes))
                return;
            MapAll(routes.MapGroup("").ExcludeFromDescription(), options);
            Group(routes).ExcludeFromDescription().MapWorker();
        }));
        app.MapWhen(context => ConnectListeners.Of(context) == Door.Admin, door => door.UseRouting().UseEndpoints(routes => Group(routes).ExcludeFromDescription().MapLoggers()));
    }

    /// <summary>Beside everything else.</summary>
    public static void MapConnect(this IEndpointRouteBuilder routes)
    {
        if (IsEnabled(routes))
            MapAll(routes, routes.ServiceProvider.GetRequiredService<IOptions<ConnectListenerOptions>>().Value);
    }

    /// <summary>Whether the request is one of Connect's, whose errors have Kafka Connect's body.</summary>
    public static bool Owns(HttpContext context)
    {
        var path = context.Request.Path;
        return path.StartsWithSegments("/connectors", StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments("/connector-plugins", StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments("/admin/loggers", StringComparison.OrdinalIgnoreCase)
            || path.StartsWithSegments("/hooks", StringComparison.OrdinalIgnoreCase)
            || ConnectListeners.Of(context) != Door.Main;
    }

    /// <summary>What the API description says of an operation's refusals.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ConnectError), [ConnectJson.Type]));
        return route;
    }

    private static bool IsEnabled(IEndpointRouteBuilder routes) => routes.ServiceProvider.GetRequiredService<IOptions<ConnectOptions>>().Value.Enabled;

    private static void MapAll(IEndpointRouteBuilder routes, ConnectListenerOptions options)
    {
        var connect = Group(routes);
        connect.MapConnectors();
        connect.MapConnectorPlugins();
        if (options.AdminListener is null)
            connect.MapLoggers();
        routes.MapConnectHealth();
        routes.MapHooks();
    }

    private static RouteGroupBuilder Group(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags(Tag).WithMetadata(new ProducesResponseTypeMetadata(500, typeof(ConnectError), [ConnectJson.Type]));
        group.AddEndpointFilter((context, next) =>
        {
            CheckTypes(context.HttpContext.Request);
            return next(context);
        });
        return group;
    }

    private static void CheckTypes(HttpRequest request)
    {
        var accept = request.GetTypedHeaders().Accept;
        if (accept.Count > 0 && !accept.Any(a => a.Quality != 0 && (a.MatchesMediaType(ConnectJson.Type) || a.MatchesAllTypes)))
            throw new ConnectRequestException(406, "HTTP 406 Not Acceptable");

        // As in Kafka, a type that is named counts without a body too (curl -d '').
        var hasBody = request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0 || request.ContentType is not null;
        if (hasBody && !request.HasJsonContentType() && !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsDelete(request.Method))
            throw new ConnectRequestException(415, "HTTP 415 Unsupported Media Type");
    }
}

/// <summary>Kafka Connect's error body.</summary>
internal sealed record ConnectError(int ErrorCode, string Message);
