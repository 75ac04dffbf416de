using System.Runtime.CompilerServices;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>Reads a whole request body, decompressed, into one contiguous buffer. Memory is taken as bytes arrive, never by what Content-Length claims.</summary>
internal static class BodyReader
{
    private const int FirstReadBytes = 16 * 1024;

    /// <exception cref="HttpError">413 above the limit, before anything is read when Content-Length says so; 415 for an unknown coding; 400 for broken compression.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask ReadAsync(HttpRequest request, PooledBytes body, LimitOptions limits)
    {
        if (request.ContentLength > limits.MaxRequestBytes)
            throw TooLarge(limits);
        if (!ContentCoding.IsPlain(request))
        {
            await ReadDecodedAsync(request, body, limits);
            return;
        }

        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                if (body.Length + segment.Length > limits.MaxRequestBytes)
                    throw TooLarge(limits);
                body.Append(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
        }
    }

    public static HttpError TooLarge(LimitOptions limits) => new(413, 41300, "body-too-large", "Body too large",
        $"The body is larger than {limits.MaxRequestBytes} bytes (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxRequestBytes)}). "
        + "Send fewer records at a time, or stream them as application/x-ndjson, which has no such limit.");

    private static async Task ReadDecodedAsync(HttpRequest request, PooledBytes body, LimitOptions limits)
    {
        await using var decoded = ContentCoding.Open(request, limits);
        while (await decoded.ReadAsync(body.GetMemory(FirstReadBytes)) is > 0 and var count)
        {
            body.Advance(count);
            if (body.Length > limits.MaxRequestBytes)
                throw TooLarge(limits);
        }
    }
}
