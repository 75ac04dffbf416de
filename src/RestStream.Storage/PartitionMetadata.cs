using RestStream.Storage.Files;

namespace RestStream.Storage;

/// <summary>Kafka's <c>partition.metadata</c>: <c>version: 0\ntopic_id: &lt;22 characters base64url&gt;</c>, 43 bytes, no newline at the end.</summary>
internal static class PartitionMetadata
{
    private const string Name = "partition.metadata";
    private const string Key = "topic_id: ";

    public static void Write(IFileSystem files, string partitionDirectory, Guid topicId) =>
        AtomicFile.WriteText(files, Path.Combine(partitionDirectory, Name), $"version: 0\n{Key}{Format(topicId)}");

    /// <summary>Empty when there is no such file (a directory that was being made when the power went).</summary>
    public static Guid ReadTopicId(IFileSystem files, string partitionDirectory)
    {
        foreach (var line in (AtomicFile.ReadText(files, Path.Combine(partitionDirectory, Name)) ?? "").Split('\n'))
        {
            if (line.StartsWith(Key, StringComparison.Ordinal) && line.Length == Key.Length + 22)
                return new Guid(Convert.FromBase64String(line[Key.Length..].Replace('-', '+').Replace('_', '/') + "=="), bigEndian: true);
        }
        return Guid.Empty;
    }

    private static string Format(Guid topicId) =>
        Convert.ToBase64String(topicId.ToByteArray(bigEndian: true)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
