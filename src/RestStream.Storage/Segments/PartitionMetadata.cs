using System.Buffers.Text;
using System.Text;

namespace RestStream.Storage.Segments;

/// <summary><c>partition.metadata</c>: the topic's id, so that a directory of a deleted topic is not taken for one of the same name created later.</summary>
internal static class PartitionMetadata
{
    public const string FileName = "partition.metadata";

    private const string Prefix = "version: 0\ntopic_id: ";

    /// <summary>43 bytes, without a newline at the end.</summary>
    public static byte[] ToBytes(Guid topicId)
    {
        Span<byte> id = stackalloc byte[16];
        topicId.TryWriteBytes(id, bigEndian: true, out _);
        return Encoding.ASCII.GetBytes(Prefix + Base64Url.EncodeToString(id));
    }

    /// <summary>Null when the text is not such a file.</summary>
    public static Guid? TryParse(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.ASCII.GetString(bytes).TrimEnd('\n');
        Span<byte> id = stackalloc byte[16];
        return text.StartsWith(Prefix, StringComparison.Ordinal)
            && text.Length == Prefix.Length + 22
            && Base64Url.TryDecodeFromChars(text.AsSpan(Prefix.Length), id, out var written) && written == 16
                ? new Guid(id, bigEndian: true)
                : null;
    }
}
