using System.Text.Json;
using RestStream.Http.Errors;

namespace RestStream.Http.Compat;

/// <summary>Small JSON answers of v2.</summary>
internal static class JsonAnswer
{
    public static async Task SendAsync(HttpContext context, int status, ReadOnlyMemory<byte> json)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = Dialect.AnswerType(context.Request);
        response.ContentLength = json.Length;
        await response.Body.WriteAsync(json, context.RequestAborted);
    }

    /// <summary>200 with an object of these members.</summary>
    public static async Task SendAsync(HttpContext context, Action<Utf8JsonWriter> members)
    {
        using var body = new PooledBytes();
        await using (var json = new Utf8JsonWriter(body, ErrorBody.WriterOptions))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        await SendAsync(context, StatusCodes.Status200OK, body.Memory);
    }
}
