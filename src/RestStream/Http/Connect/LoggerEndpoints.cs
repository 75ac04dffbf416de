using Microsoft.AspNetCore.Mvc;
using RestStream.Connect;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>The levels of the loggers while the server runs, by Kafka Connect's <c>/admin/loggers</c> and with its words for levels.</summary>
internal static class LoggerEndpoints
{
    private static readonly Dictionary<string, LogLevel> s_levels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["OFF"] = LogLevel.None,
        ["FATAL"] = LogLevel.Critical,
        ["ERROR"] = LogLevel.Error,
        ["WARN"] = LogLevel.Warning,
        ["INFO"] = LogLevel.Information,
        ["DEBUG"] = LogLevel.Debug,
        ["TRACE"] = LogLevel.Trace,
        ["ALL"] = LogLevel.Trace,
    };

    public static void MapLoggers(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/admin/loggers", ConnectorEndpoints.Read, List).WithName("ListLoggers").WithSummary("Loggers and their levels")
            .Produces<Dictionary<string, LoggerJson>>();
        routes.MapMethods("/admin/loggers/{logger}", ConnectorEndpoints.Read, Get).WithName("GetLogger").WithSummary("The level of one logger")
            .Produces<LoggerJson>().Refuses(404);
        routes.MapPut("/admin/loggers/{logger}", PutAsync).WithName("SetLogLevel").WithSummary("Set the level of a logger and of all below it, until the server ends")
            .WithDescription("Answers the names whose level has changed; with scope=cluster nothing. Levels: OFF, FATAL, ERROR, WARN, INFO, DEBUG, TRACE, ALL.")
            .Accepts<LevelJson>(ConnectJson.Type).Produces<IReadOnlyList<string>>().Produces(204).Refuses(400, 404, 406, 413, 415);
    }

    private static IResult List(LogLevels levels, ILoggerFactory loggers) =>
        ConnectJson.Answer(levels.Names.ToDictionary(name => name, name => Shown(name, levels, loggers)));

    private static IResult Get(PathName logger, LogLevels levels, ILoggerFactory loggers) => levels.Exists(logger.Value)
        ? ConnectJson.Answer(Shown(logger.Value, levels, loggers))
        : throw ConnectRequestException.NotFound($"Logger {logger.Value} not found.");

    private static async Task<IResult> PutAsync(
        PathName logger, HttpRequest request, LogLevels levels, ILoggerFactory loggers, CancellationToken cancellationToken, [FromQuery(Name = "scope")] string? scope = null)
    {
        if (await ConnectBody.LevelAsync(request, cancellationToken) is not { } name)
            throw ConnectRequestException.BadRequest("Desired 'level' parameter was not specified in request.");
        if (!s_levels.TryGetValue(name, out var level))
            throw ConnectRequestException.NotFound($"invalid log level '{name}'.");
        var changed = levels.Set(logger.Value, level, loggers);
        return "cluster".Equals(scope, StringComparison.OrdinalIgnoreCase) ? TypedResults.NoContent() : ConnectJson.Answer(changed);
    }

    private static LoggerJson Shown(string name, LogLevels levels, ILoggerFactory loggers)
    {
        var level = levels.Of(name, loggers);
        return new LoggerJson(s_levels.First(l => l.Value == level).Key, levels.LastModified(name));
    }
}

/// <summary>A logger's level, and when it was changed last (epoch milliseconds; null: never).</summary>
internal sealed record LoggerJson(string Level, long? LastModified);

/// <summary>For the API description: the body of PUT /admin/loggers.</summary>
internal sealed record LevelJson(string Level);
