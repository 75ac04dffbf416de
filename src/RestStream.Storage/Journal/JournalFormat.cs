using System.Buffers.Binary;
using RestStream.Storage.Records;

namespace RestStream.Storage.Journal;

/// <summary>
/// The bytes of a journal file, big-endian like everything else on disk. A file is entries back to back, then zeros or what an earlier use of the file left:
/// <code>
/// int32  bytes after this field
/// uint32 CRC-32C of all that follows
/// int64  number: file number &lt;&lt; 32 | index of the entry in the file, so that entries of an earlier use of the file are not taken for new ones
/// byte   version, 1
/// parts  topic id (16 bytes), partition (int32), kind (byte), then
///        kind 0: a finished record batch, offsets set        kind 1: int64, the partition is durable up to this offset without the journal
///        kind 2: end of the file, the next one follows (topic id and partition zero)
/// </code>
/// An entry is one group of appends and stands or falls as a whole: a torn one was never acknowledged.
/// </summary>
internal static class JournalFormat
{
    public const byte Version = 1;
    public const int LengthBytes = 4;
    public const int HeaderBytes = LengthBytes + 4 + 8 + 1;
    public const int PartHeaderBytes = 16 + 4 + 1;

    public const byte BatchPart = 0, MarkPart = 1, EndPart = 2;

    public static long EntryNumber(int file, int index) => ((long)file << 32) | (uint)index;

    public static string FileName(int file) => $"{file:D20}.journal";

    public static int WritePartHeader(Span<byte> destination, Guid topicId, int partition, byte kind)
    {
        topicId.TryWriteBytes(destination, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(destination[16..], partition);
        destination[20] = kind;
        return PartHeaderBytes;
    }

    /// <summary>Fills in the header of a whole entry, whose parts are there already.</summary>
    public static void Seal(Span<byte> entry, long number)
    {
        BinaryPrimitives.WriteInt32BigEndian(entry, entry.Length - LengthBytes);
        BinaryPrimitives.WriteInt64BigEndian(entry[8..], number);
        entry[16] = Version;
        BinaryPrimitives.WriteUInt32BigEndian(entry[4..], Crc(entry[8..]));
    }

    /// <summary>Whole length of the entry that starts with this header, before anything else of it was looked at; false when it cannot be the one with this number.</summary>
    public static bool TryReadLength(ReadOnlySpan<byte> header, long number, out int length)
    {
        var rest = BinaryPrimitives.ReadInt32BigEndian(header);
        length = rest + LengthBytes;
        return rest >= HeaderBytes - LengthBytes && length > 0 && BinaryPrimitives.ReadInt64BigEndian(header[8..]) == number;
    }

    /// <summary>Length of the valid entry at the start of <paramref name="bytes"/>, or 0 when there is none.</summary>
    public static int ValidEntry(ReadOnlySpan<byte> bytes, long number)
    {
        if (bytes.Length < HeaderBytes)
            return 0;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (length < HeaderBytes - LengthBytes || length > bytes.Length - LengthBytes)
            return 0;
        var entry = bytes[..(length + LengthBytes)];
        return BinaryPrimitives.ReadInt64BigEndian(entry[8..]) == number
            && BinaryPrimitives.ReadUInt32BigEndian(entry[4..]) == Crc(entry[8..])
            && entry[16] == Version
            ? entry.Length
            : 0;
    }

    /// <summary>Splits the first part off <paramref name="parts"/>. The entry's CRC was right, so a wrong shape is a bug or another version.</summary>
    public static ReadOnlySpan<byte> TakePart(ref ReadOnlySpan<byte> parts, out Guid topicId, out int partition, out byte kind)
    {
        topicId = new Guid(parts[..16], bigEndian: true);
        partition = BinaryPrimitives.ReadInt32BigEndian(parts[16..]);
        kind = parts[20];
        var rest = parts[PartHeaderBytes..];
        var length = kind switch
        {
            BatchPart => (int)RecordBatchHeader.Read(rest).TotalBytes,
            MarkPart => 8,
            EndPart => 0,
            _ => throw new InvalidDataException($"A journal entry has a part of kind {kind}, which this version does not know."),
        };
        parts = rest[length..];
        return rest[..length];
    }

    private static uint Crc(ReadOnlySpan<byte> bytes) => Crc32C.Compute(bytes);
}
