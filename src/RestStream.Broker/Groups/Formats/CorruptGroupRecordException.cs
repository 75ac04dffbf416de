namespace RestStream.Broker.Groups.Formats;

/// <summary>Bytes of a group record, subscription or assignment do not follow their format; the message names the structure, the field and the position of the byte.</summary>
internal sealed class CorruptGroupRecordException(string message, Exception? inner = null) : Exception(message, inner);
