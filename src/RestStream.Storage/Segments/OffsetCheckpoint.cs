using System.Globalization;
using System.Text;

using RestStream.Storage.Files;

namespace RestStream.Storage.Segments;

/// <summary>
/// A text file with an offset for each partition, in the root of the data directory: <c>recovery-point-offset-checkpoint</c>,
/// <c>log-start-offset-checkpoint</c>, <c>replication-offset-checkpoint</c>. Always replaced as a whole.
/// </summary>
internal sealed class OffsetCheckpoint(IFileSystem files, string path)
{
    /// <summary>
    /// The offsets; none when the file is missing or empty (as Kafka leaves it until the first write). A file that cannot be understood is put aside as
    /// <c>….corrupt</c> and counts as missing, so callers fall back to scanning.
    /// </summary>
    public Dictionary<TopicPartition, long> Read()
    {
        if (!files.FileExists(path))
            return [];
        var bytes = AtomicFile.Read(files, path);
        if (bytes.Length == 0)
            return [];
        if (TryParse(bytes) is { } offsets)
            return offsets;
        AtomicFile.Quarantine(files, path);
        return [];
    }

    /// <summary>Durable when it returns.</summary>
    public void Write(IReadOnlyCollection<KeyValuePair<TopicPartition, long>> offsets)
    {
        var text = new StringBuilder("0\n").Append(offsets.Count.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach (var (partition, offset) in offsets)
            text.Append(CultureInfo.InvariantCulture, $"{partition.Topic} {partition.Partition} {offset}\n");
        AtomicFile.Write(files, path, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static Dictionary<TopicPartition, long>? TryParse(ReadOnlySpan<byte> bytes)
    {
        if (CheckpointText.Lines(bytes, columns: 3) is not { } lines)
            return null;
        var offsets = new Dictionary<TopicPartition, long>(lines.Count);
        foreach (var columns in lines)
        {
            if (!int.TryParse(columns[1], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                || !long.TryParse(columns[2], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            {
                return null;
            }
            offsets[new TopicPartition(columns[0], partition)] = offset;
        }
        return offsets;
    }
}
