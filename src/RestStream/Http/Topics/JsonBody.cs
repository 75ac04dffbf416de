using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using RestStream.Http.Errors;

namespace RestStream.Http.Topics;

/// <summary>
/// Reads a small JSON body and checks it. The Content-Type is not looked at, so that <c>curl -d</c> works as it is; foreign web pages were turned away before.
/// </summary>
internal static class JsonBody
{
    /// <summary>Largest body of an administrative call. 1 MiB: some ten thousand config values.</summary>
    private const int MaxBytes = 1024 * 1024;

    /// <summary>An empty body is <c>{}</c>.</summary>
    /// <exception cref="HttpError">400 broken JSON, 413, 422 with every broken rule.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, IValidator<T> validator, CancellationToken cancellationToken)
    {
        var body = Parse(await ReadBytesAsync(request, cancellationToken), type);
        var result = validator.Validate(body);
        if (result.IsValid)
            return body;
        var detail = string.Join(' ', result.Errors.Select(e => e.ErrorMessage).Distinct());
        throw new HttpError(422, 42200, "invalid-request", "Invalid request", detail)
        {
            Errors = [.. result.Errors.Select(e => new FieldError(e.PropertyName, e.ErrorMessage))],
        };
    }

    private static T Parse<T>(ReadOnlyMemory<byte> bytes, JsonTypeInfo<T> type)
    {
        if (bytes.Span.Trim(" \t\r\n"u8).IsEmpty)
            bytes = "{}"u8.ToArray();
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            try
            {
                return document.RootElement.Deserialize(type) ?? throw HttpError.Invalid("body", "The body is a JSON object, not null.");
            }
            catch (JsonException wrongType)
            {
                var field = wrongType.Path is ['$', '.', .. var path] ? path : "body";
                throw HttpError.Invalid(field, field == "body" ? "The body is a JSON object." : $"The value of {field} has the wrong type.");
            }
        }
        catch (JsonException broken)
        {
            throw HttpError.BadJson(
                $"The body is not valid JSON at line {(broken.LineNumber ?? 0) + 1}, byte {(broken.BytePositionInLine ?? 0) + 1}, or it names a member twice.");
        }
    }

    /// <summary>The whole body.</summary>
    /// <exception cref="HttpError">413.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBytes)
            throw TooLarge();
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > MaxBytes)
                throw TooLarge();
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static HttpError TooLarge() => new(413, 41300, "body-too-large", "Body too large", $"The body of this call has at most {MaxBytes} bytes.");
}
