using System.Buffers.Binary;

namespace RestStream.Storage.Segments;

/// <summary>One aborted transaction. <paramref name="LastOffset"/> is its ABORT marker's; <paramref name="LastStableOffset"/> as it was when the marker came.</summary>
internal readonly record struct AbortedTransaction(long ProducerId, long FirstOffset, long LastOffset, long LastStableOffset);

/// <summary>The bytes of a <c>.txnindex</c>: 34 for each aborted transaction, in the order of their markers. No transaction, no file.</summary>
internal static class TransactionIndex
{
    public const int EntryBytes = 34;

    public static byte[] ToBytes(IReadOnlyList<AbortedTransaction> transactions)
    {
        var bytes = new byte[transactions.Count * EntryBytes];
        for (var i = 0; i < transactions.Count; i++)
        {
            var entry = bytes.AsSpan(i * EntryBytes, EntryBytes);
            BinaryPrimitives.WriteInt16BigEndian(entry, 0);
            BinaryPrimitives.WriteInt64BigEndian(entry[2..], transactions[i].ProducerId);
            BinaryPrimitives.WriteInt64BigEndian(entry[10..], transactions[i].FirstOffset);
            BinaryPrimitives.WriteInt64BigEndian(entry[18..], transactions[i].LastOffset);
            BinaryPrimitives.WriteInt64BigEndian(entry[26..], transactions[i].LastStableOffset);
        }
        return bytes;
    }

    /// <summary>Null when the bytes are not whole entries of version 0 with ascending markers.</summary>
    public static List<AbortedTransaction>? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % EntryBytes != 0)
            return null;
        var transactions = new List<AbortedTransaction>();
        for (; bytes.Length > 0; bytes = bytes[EntryBytes..])
        {
            var transaction = new AbortedTransaction(
                BinaryPrimitives.ReadInt64BigEndian(bytes[2..]), BinaryPrimitives.ReadInt64BigEndian(bytes[10..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[18..]), BinaryPrimitives.ReadInt64BigEndian(bytes[26..]));
            if (BinaryPrimitives.ReadInt16BigEndian(bytes) != 0
                || transaction.FirstOffset > transaction.LastOffset
                || (transactions.Count > 0 && transactions[^1].LastOffset >= transaction.LastOffset))
            {
                return null;
            }
            transactions.Add(transaction);
        }
        return transactions;
    }
}
