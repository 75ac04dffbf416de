using System.Globalization;
using System.Text;

namespace RestStream.Storage.Segments;

/// <summary>The form that Kafka's text checkpoints share: version 0, the number of lines, then the lines with their columns.</summary>
internal static class CheckpointText
{
    /// <summary>The columns of each line; null when the version, the count or a line is wrong.</summary>
    public static List<string[]>? Lines(ReadOnlySpan<byte> bytes, int columns)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length < 2
            || lines[0] != "0"
            || !int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count != lines.Length - 2)
        {
            return null;
        }
        var result = new List<string[]>(count);
        foreach (var line in lines.AsSpan(2))
        {
            var parts = line.Split(' ');
            if (parts.Length != columns)
                return null;
            result.Add(parts);
        }
        return result;
    }
}
