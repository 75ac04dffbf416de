namespace RestStream.Storage.Records;

/// <summary>
/// Kafka's codecs over whole buffers. gzip is the runtime's, zstd the system's libzstd; snappy (xerial and raw framing) and LZ4 frames are written here,
/// because this project uses the base class library only.
/// </summary>
public static class Compression
{
    /// <summary>Whether this machine can read and write the codec (zstd needs libzstd.so.1).</summary>
    public static bool IsSupported(CompressionCodec codec) => codec <= CompressionCodec.Zstd && (codec != CompressionCodec.Zstd || ZstdCodec.IsSupported);

    /// <summary>Appends the compressed form of <paramref name="source"/> to <paramref name="destination"/> at its <see cref="BatchBuffer.Length"/>.</summary>
    /// <exception cref="NotSupportedException">This machine lacks the codec.</exception>
    public static void Compress(CompressionCodec codec, ReadOnlySpan<byte> source, BatchBuffer destination)
    {
        switch (codec)
        {
            case CompressionCodec.None: Append(source, destination); break;
            case CompressionCodec.Gzip: GzipCodec.Compress(source, destination); break;
            case CompressionCodec.Snappy: SnappyCodec.Compress(source, destination); break;
            case CompressionCodec.Lz4: Lz4FrameCodec.Compress(source, destination); break;
            case CompressionCodec.Zstd: ZstdCodec.Compress(source, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(codec), codec, "Unknown codec.");
        }
    }

    /// <summary>Appends the decompressed form of <paramref name="source"/> to <paramref name="destination"/>. The buffer grows as bytes arrive, never by a claimed size.</summary>
    /// <exception cref="CorruptBatchException">Not valid for the codec, or larger than <paramref name="maxBytes"/>.</exception>
    /// <exception cref="NotSupportedException">This machine lacks the codec.</exception>
    public static void Decompress(CompressionCodec codec, ReadOnlySpan<byte> source, BatchBuffer destination, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        var output = new DecompressedOutput(destination, maxBytes);
        switch (codec)
        {
            case CompressionCodec.None: output.Append(source); break;
            case CompressionCodec.Gzip: GzipCodec.Decompress(source, output); break;
            case CompressionCodec.Snappy: SnappyCodec.Decompress(source, output); break;
            case CompressionCodec.Lz4: Lz4FrameCodec.Decompress(source, output); break;
            case CompressionCodec.Zstd: ZstdCodec.Decompress(source, output); break;
            default: throw new CorruptBatchException($"Codec {(int)codec} is unknown.");
        }
    }

    private static void Append(ReadOnlySpan<byte> source, BatchBuffer destination)
    {
        destination.EnsureCapacity(destination.Length + source.Length);
        source.CopyTo(destination.Whole[destination.Length..]);
        destination.Length += source.Length;
    }
}
