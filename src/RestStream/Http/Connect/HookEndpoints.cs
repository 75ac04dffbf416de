using System.Buffers;
using Microsoft.Extensions.Options;
using RestStream.Connect;
using RestStream.Connect.Tasks;
using RestStream.Hosting;

namespace RestStream.Http.Connect;

/// <summary>Requests for tasks: <c>/hooks/{name}</c> goes to the source task that opened the hook of that name, and is answered as the task says.</summary>
internal static class HookEndpoints
{
    /// <summary>Seconds that a sender shall wait after a 503: a queue that is full or a connector that is started again takes about that long.</summary>
    private const string RetryAfter = "5";

    private static readonly string[] s_methods = [HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch];

    public static void MapHooks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/hooks/{hook}", CallAsync).WithName("CallHook").WithTags(ConnectEndpoints.Tag)
            .WithSummary("Hand a request to the source task that listens under this name")
            .WithDescription("Any type of body. PUT and PATCH, and paths below the name, go to the task too. What is answered is the task's affair.")
            .Accepts<object>(isOptional: true, ConnectJson.Type, "*/*").Produces<object>(StatusCodes.Status200OK, ConnectJson.Type).Refuses(404, 413, 500);
        routes.MapMethods("/hooks/{hook}", s_methods[1..], CallAsync).ExcludeFromDescription();
        routes.MapMethods("/hooks/{hook}/{**path}", s_methods, CallAsync).ExcludeFromDescription();
    }

    private static async Task<IResult> CallAsync(
        string hook, HttpRequest request, HookRegistry hooks, ConnectService connect, IOptions<ConnectOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var path = request.RouteValues["path"] is string rest ? "/" + rest : "";
        var body = await ReadAsync(request, options.Value.HookMaxBytes, cancellationToken);
        var headers = request.Headers.SelectMany(h => h.Value.Select(value => KeyValuePair.Create(h.Key, value ?? ""))).ToList();
        var call = hooks.Call(hook, new HookRequest(request.Method, path, request.QueryString.Value ?? "", headers, body), cancellationToken)
            ?? throw ConnectRequestException.NotFound($"No running task has a hook of the name '{hook}'.");
        var answer = await connect.WaitAsync(call, $"handling a request to hook {hook}", began, cancellationToken);
        if (answer.Status == StatusCodes.Status503ServiceUnavailable)
            request.HttpContext.Response.Headers.RetryAfter = RetryAfter;
        return answer.Body is null ? Results.StatusCode(answer.Status) : Results.Text(answer.Body, answer.ContentType, statusCode: answer.Status);
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes)
            throw TooLarge(maxBytes);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > maxBytes)
                throw TooLarge(maxBytes);
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static ConnectRequestException TooLarge(int maxBytes) =>
        new(413, $"The body of a request to a hook has at most {maxBytes} bytes (setting {ConnectOptions.Section}:{nameof(ConnectOptions.HookMaxBytes)}).");
}
