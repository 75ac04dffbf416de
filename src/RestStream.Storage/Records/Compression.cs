namespace RestStream.Storage.Records;

/// <summary>
/// Kafka's codecs over whole buffers. gzip is the runtime's, zstd the system's libzstd; snappy (xerial and raw framing) and LZ4 frames are written here,
/// because this project uses the base class library only.
/// </summary>
public static class Compression
{
    /// <summary>Whether this machine can read and write the codec (zstd needs libzstd.so.1).</summary>
    public static bool IsSupported(CompressionCodec codec) => throw new NotImplementedException();

    /// <summary>Appends the compressed form of <paramref name="source"/> to <paramref name="destination"/> at its <see cref="BatchBuffer.Length"/>.</summary>
    public static void Compress(CompressionCodec codec, ReadOnlySpan<byte> source, BatchBuffer destination) => throw new NotImplementedException();

    /// <summary>Appends the decompressed form of <paramref name="source"/> to <paramref name="destination"/>. The buffer grows as bytes arrive, never by a claimed size.</summary>
    /// <exception cref="CorruptBatchException">Not valid for the codec, or larger than <paramref name="maxBytes"/>.</exception>
    public static void Decompress(CompressionCodec codec, ReadOnlySpan<byte> source, BatchBuffer destination, int maxBytes) => throw new NotImplementedException();
}
