namespace RestStream.Storage.Records;

/// <summary>What a broker checks of a batch that a client built (Kafka's LogValidator), before it may be appended.</summary>
public static class RecordBatchValidator
{
    /// <summary>Null when <paramref name="batch"/> is exactly one whole valid batch, else what is wrong: length, magic, CRC, attributes, count, deltas, sequence, codec, key.</summary>
    public static string? FindProblem(ReadOnlySpan<byte> batch, bool keyRequired, int maxDecompressedBytes = RecordReader.DefaultMaxDecompressedBytes) =>
        throw new NotImplementedException();
}
