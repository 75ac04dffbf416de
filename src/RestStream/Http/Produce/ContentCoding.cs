using System.IO.Compression;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Produce;

/// <summary>Opens a compressed request body (Content-Encoding) as the stream of what was compressed, bounded in how much it may grow.</summary>
internal static class ContentCoding
{
    private static readonly string[] s_accepted = ZstdStream.IsSupported ? ["gzip", "deflate", "br", "zstd"] : ["gzip", "deflate", "br"];

    public static bool IsPlain(HttpRequest request)
    {
        var coding = request.Headers.ContentEncoding;
        return coding.Count == 0 || coding is [{ } only] && (only.Length == 0 || only.Equals("identity", StringComparison.OrdinalIgnoreCase));
    }

    /// <exception cref="HttpError">415: a coding we cannot read, or several on top of each other.</exception>
    public static Stream Open(HttpRequest request, LimitOptions limits)
    {
        var metered = new MeteredStream(request.Body);
        Stream? decoder = request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant() switch
        {
            "gzip" or "x-gzip" => new GZipStream(metered, CompressionMode.Decompress),
            "deflate" => new ZLibStream(metered, CompressionMode.Decompress),
            "br" => new BrotliStream(metered, CompressionMode.Decompress),
            "zstd" when ZstdStream.IsSupported => new ZstdStream(metered),
            _ => null,
        };
        if (decoder is not null)
            return new DecodedBody(decoder, metered, limits.MaxDecompressionRatio);
        throw new HttpError(415, 41501, "unsupported-content-encoding", "Unsupported content encoding",
            $"The body's Content-Encoding is none of {string.Join(", ", s_accepted)}; only one at a time is taken.")
        {
            Extra = new Dictionary<string, object?> { ["accepted_encodings"] = s_accepted },
        };
    }

    /// <summary>Counts what is read through it.</summary>
    private sealed class MeteredStream(Stream inner) : ReadOnlyStream
    {
        public long BytesRead { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            BytesRead += count;
            return count;
        }
    }

    /// <summary>Refuses a body that is broken or that grows beyond all proportion, while it is being read.</summary>
    private sealed class DecodedBody(Stream decoder, MeteredStream compressed, int maxRatio) : ReadOnlyStream
    {
        /// <summary>Nothing this small is a bomb; short repetitive bodies exceed any ratio.</summary>
        private const int AlwaysAllowedBytes = 64 * 1024;

        private long _bytes;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count;
            try
            {
                count = await decoder.ReadAsync(buffer, cancellationToken);
            }
            catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
            {
                throw HttpError.BadJson("The body is not what its Content-Encoding says, or it ends early.");
            }

            _bytes += count;
            if (_bytes > AlwaysAllowedBytes && _bytes > compressed.BytesRead * maxRatio)
            {
                throw new HttpError(413, 41303, "compressed-too-much", "Compressed too much",
                    $"The body grows to more than {maxRatio} times its compressed size (setting {LimitOptions.Section}:{nameof(LimitOptions.MaxDecompressionRatio)}). Send it in smaller parts or uncompressed.");
            }

            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                decoder.Dispose();
            base.Dispose(disposing);
        }
    }
}
