namespace RestStream.Storage.Records;

/// <summary>Kafka's variable-length integers: 7 bits a byte, low bits first; signed ones zig-zag. Decoders refuse more than 5 (10) bytes.</summary>
public static class VarInt
{
    public static int Size(int value) => throw new NotImplementedException();
    public static int Size(long value) => throw new NotImplementedException();

    /// <summary>Writes and returns how many bytes it took.</summary>
    public static int Write(Span<byte> destination, int value) => throw new NotImplementedException();
    public static int Write(Span<byte> destination, long value) => throw new NotImplementedException();
    public static int WriteUnsigned(Span<byte> destination, uint value) => throw new NotImplementedException();

    /// <summary>False when the bytes end early or are too many; then <paramref name="length"/> is 0.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out int value, out int length) => throw new NotImplementedException();
    public static bool TryRead(ReadOnlySpan<byte> source, out long value, out int length) => throw new NotImplementedException();
    public static bool TryReadUnsigned(ReadOnlySpan<byte> source, out uint value, out int length) => throw new NotImplementedException();
}
