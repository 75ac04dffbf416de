using System.Text.Encodings.Web;
using System.Text.Json;
using RestStream.Http.Compat;
using RestStream.Http.Connect;

namespace RestStream.Http.Errors;

/// <summary>
/// The one error body: RFC 9457 problem details, with the members <c>error_code</c> and <c>message</c> of the REST Proxy family beside them,
/// so that clients of both worlds find what they look for. Below Connect's paths it is Kafka Connect's body instead.
/// </summary>
internal static class ErrorBody
{
    private const string TypePrefix = "https://reststream.dev/errors/";

    /// <summary>Answers with the error, unless the answer has begun: then the connection is cut, so that the client does not take half an answer for a whole one.</summary>
    public static async Task SendAsync(HttpContext context, HttpError error)
    {
        var response = context.Response;

        // Bytes in the pipe that nobody flushed yet cannot be taken back either.
        if (response.HasStarted || response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 })
        {
            context.Abort();
            return;
        }

        var isConnect = ConnectEndpoints.Owns(context);
        if (!isConnect && Dialect.IsV2(context.Request))
            error = Profile.Of(context).Adapt(error, context.Request);

        // Headers such as Allow or CORS, set on the way here, stay.
        response.Headers.ContentLength = null;
        response.Headers.ContentEncoding = default;
        response.StatusCode = error.Status;
        response.ContentType = isConnect ? ConnectJson.Type : Dialect.ErrorType(context.Request);
        response.Headers.CacheControl = "no-store";
        if (error.RetryAfter is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (name, value) in error.Headers)
            response.Headers[name] = value;
        if (error.Status == StatusCodes.Status415UnsupportedMediaType && error.Extra.TryGetValue("accepted_encodings", out var encodings))
            response.Headers.AcceptEncoding = string.Join(", ", (IEnumerable<string>)encodings!);

        using var body = new PooledBytes();
        await using (var json = new Utf8JsonWriter(body, WriterOptions))
        {
            if (isConnect)
                JsonSerializer.Serialize(json, new ConnectError(error.Status, error.Message), ConnectJson.Options);
            else
                Write(json, error);
        }

        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body.Memory, context.RequestAborted);
    }

    /// <summary>The error as a JSON object, also as the entry of a refused record.</summary>
    public static void Write(Utf8JsonWriter json, HttpError error)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, TypePrefix + error.Slug);
        json.WriteString("title"u8, error.Title);
        json.WriteNumber("status"u8, error.Status);
        json.WriteString("detail"u8, error.Message);
        json.WriteNumber("error_code"u8, error.ErrorCode);
        json.WriteString("message"u8, error.FamilyMessage ?? error.Message);
        if (error.Errors.Count > 0)
        {
            json.WriteStartArray("errors"u8);
            foreach (var field in error.Errors)
            {
                json.WriteStartObject();
                json.WriteString("field"u8, field.Field);
                json.WriteString("message"u8, field.Message);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        foreach (var (name, value) in error.Extra)
        {
            json.WritePropertyName(name);
            WriteValue(json, value);
        }

        json.WriteEndObject();
    }

    /// <summary>Quotes and other signs of the messages are written as they are: the body is JSON, never HTML.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case string text: json.WriteStringValue(text); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case double number: json.WriteNumberValue(number); break;
            default: JsonSerializer.Serialize(json, value, value.GetType()); break;
        }
    }
}
