using System.Security.Cryptography;

using Microsoft.Win32.SafeHandles;

using RestStream.Connect;

namespace RestStream.Connectors.Files;

/// <summary>
/// Where a source goes on: a byte position, and the signs by which it knows the file again after a restart. Kafka's <c>{"position":n}</c> alone is an offset too: its file is not checked.
/// </summary>
/// <param name="Position">Bytes before the next line.</param>
/// <param name="File">Identity of the file; null in an offset of Kafka or of a user.</param>
/// <param name="Head">Hash of its first bytes, up to the position; null as <paramref name="File"/>.</param>
internal sealed record FileOffset(long Position, string? File, string? Head)
{
    public const string FilenameField = "filename", PositionField = "position";

    private const string FileField = "file", HeadField = "head";

    // So much of the beginning shows whether a file was written anew in place. Two files that share inode and so long a beginning are the same one.
    private const int HeadBytes = 256;

    /// <exception cref="ConnectException">It is no offset of a file.</exception>
    public static FileOffset? Parse(IReadOnlyDictionary<string, object?>? stored)
    {
        if (stored is null)
            return null;
        if (!stored.TryGetValue(PositionField, out var position) || position is not long bytes || bytes < 0)
            throw new ConnectException("Offset position is the incorrect type: it should be a non-negative number. Alter the offsets of the connector.");
        return new FileOffset(bytes, stored.GetValueOrDefault(FileField) as string, stored.GetValueOrDefault(HeadField) as string);
    }

    public Dictionary<string, object?> ToSourceOffset() => new(3) { [PositionField] = Position, [FileField] = File, [HeadField] = Head };

    /// <summary>The hash of the beginning of a file of which so much was read.</summary>
    public static string HashHead(SafeFileHandle file, long position)
    {
        Span<byte> head = stackalloc byte[(int)Math.Min(HeadBytes, position)];
        head = head[..RandomAccess.Read(file, head, 0)];
        return Convert.ToHexStringLower(SHA256.HashData(head).AsSpan(0, 8));
    }

    /// <summary>From this position on <see cref="HashHead"/> answers the same.</summary>
    public static bool HeadIsComplete(long position) => position >= HeadBytes;

    /// <summary>Kafka's checks in Kafka's words.</summary>
    /// <exception cref="ConnectException">One failed.</exception>
    public static void Check(IReadOnlyDictionary<string, object?>? partition, IReadOnlyDictionary<string, object?> offset)
    {
        if (!offset.TryGetValue(PositionField, out var position))
            throw new ConnectException($"Offset objects should either be null or contain the key '{PositionField}'");
        if (position is not long bytes)
            throw new ConnectException($"The value for the '{PositionField}' key in the offset is expected to be a Long value");
        if (bytes < 0)
            throw new ConnectException($"The value for the '{PositionField}' key in the offset should be a non-negative value");
        if (partition is null)
            throw new ConnectException("Partition objects cannot be null");
        if (!partition.ContainsKey(FilenameField))
            throw new ConnectException($"Partition objects should contain the key '{FilenameField}'");
    }
}
