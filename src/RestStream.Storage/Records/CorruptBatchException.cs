namespace RestStream.Storage.Records;

/// <summary>Bytes that should be a record batch are not; the message says what is wrong with them.</summary>
public sealed class CorruptBatchException(string message, Exception? inner = null) : Exception(message, inner);
