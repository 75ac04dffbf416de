using System.Security.Cryptography;
using System.Text;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>
/// <c>Idempotency-Key</c>: a request is done once, as a whole, and a repeat gets the first answer. What is refused is not remembered: the key is free for a corrected request.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    private const int MaxLength = 128;

    /// <summary>Null when the request has none.</summary>
    /// <exception cref="HttpError">400: not one key of 1 to 128 printable ASCII characters.</exception>
    public static string? Read(IHeaderDictionary headers)
    {
        var values = headers[Header];
        if (values.Count == 0)
            return null;
        var key = values[0];
        if (values.Count > 1 || string.IsNullOrWhiteSpace(key) || key.Length > MaxLength || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw HttpError.BadParameter(Header, $"{Header} is one key of 1 to {MaxLength} printable ASCII characters, such as a UUID.");
        return key;
    }

    /// <exception cref="HttpError">422: the request has a producer's sequence too.</exception>
    public static void CheckAlone(ProducerStamp? producer)
    {
        if (producer is not null)
            throw HttpError.Invalid(Header, $"{ProducerStamp.SequenceHeader} and {Header} both make a repeat harmless; leave one of the two out.");
    }

    /// <summary>SHA-256 of what the request asks: path, query, type, the record's headers, and the decoded body.</summary>
    public static byte[] HashOf(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in (ReadOnlySpan<string?>)[request.PathBase.Value, request.Path.Value, request.QueryString.Value, request.ContentType])
            Append(hash, text);
        foreach (var (name, values) in request.Headers)
        {
            if (!name.StartsWith(ProduceHandler.RecordHeaderPrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            Append(hash, name);
            foreach (var value in values)
                Append(hash, value);
        }

        hash.AppendData(body);
        return hash.GetHashAndReset();
    }

    /// <summary>No text holds a zero, so texts that follow each other cannot be taken for others.</summary>
    private static void Append(IncrementalHash hash, string? text)
    {
        hash.AppendData(Encoding.UTF8.GetBytes(text ?? ""));
        hash.AppendData([0]);
    }
}
