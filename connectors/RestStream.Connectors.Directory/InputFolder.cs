using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

/// <summary>Which files of the input folder wait to be read, and in which order.</summary>
internal sealed class InputFolder(string path, DirectorySettings settings, ITaskContext context)
{
    // What a name may have on Linux, and what is written behind (or around) it: the flag; .error, .moving and a number.
    private const int LongestName = 255, LongestAddition = 16;

    private readonly HashSet<string> _warned = [];

    // Names of which the pattern does not tell in time whether they match.
    private readonly HashSet<string> _untold = [];

    /// <summary>This task's files that are old enough, in the order that is configured.</summary>
    public IReadOnlyList<string> List(Func<string, FileFacts, bool> isWanted)
    {
        var found = new List<(string Path, FileFacts Facts)>();
        foreach (var file in Directory.EnumerateFiles(path))
        {
            var name = Path.GetFileName(file);
            if (name.StartsWith('.') || name.EndsWith(settings.ProcessingExtension, StringComparison.Ordinal) || !IsOurs(name) || !Matches(name))
                continue;
            if (Posix.FindFacts(file) is not { } facts)
                continue;
            if (!facts.IsFile)
            {
                LeaveAlone(file, "it is a link, a pipe or a device, not a file.");
                continue;
            }

            var room = LongestName - Math.Max(LongestAddition, Encoding.UTF8.GetByteCount(settings.ProcessingExtension));
            if (Encoding.UTF8.GetByteCount(name) is var bytes && bytes > room)
            {
                LeaveAlone(file, string.Create(CultureInfo.InvariantCulture, $"its name has {bytes} bytes, which leaves no room for what is put behind it ({DirectorySettings.ProcessingExtensionKey}, .error). Rename it to at most {room} bytes."));
                continue;
            }

            if (IsSettled(facts) && isWanted(name, facts))
                found.Add((file, facts));
        }

        found.Sort(Compare);
        return found.ConvertAll(f => f.Path);
    }

    /// <summary>Whether the file has not changed for as long as is configured.</summary>
    public bool IsSettled(FileFacts facts) =>
        settings.MinimumAge == TimeSpan.Zero || context.Time.GetUtcNow().ToUnixTimeMilliseconds() - facts.ModifiedMilliseconds >= settings.MinimumAge.TotalMilliseconds;

    private void LeaveAlone(string file, string why)
    {
        if (_warned.Add(file))
            context.Log(TaskLogLevel.Warning, $"'{file}' is left alone: {why}");
    }

    private bool Matches(string name)
    {
        if (_untold.Contains(name))
            return false;
        try
        {
            return settings.NamePattern.IsMatch(name);
        }
        catch (RegexMatchTimeoutException)
        {
            // Not tried again: names like this one could take all of the task's time.
            _untold.Add(name);
            LeaveAlone(Path.Combine(path, name), $"{DirectorySettings.Pattern} takes too long to tell whether its name matches. Simplify the pattern; a restart of the task tries again.");
            return false;
        }
    }

    /// <summary>FNV-1a of the name: the same in every process and version, unlike the hash codes of .NET.</summary>
    private bool IsOurs(string name)
    {
        if (settings.TaskCount == 1)
            return true;
        var hash = 2166136261u;
        foreach (var octet in Encoding.UTF8.GetBytes(name))
            hash = (hash ^ octet) * 16777619u;
        return hash % (uint)settings.TaskCount == settings.TaskIndex;
    }

    private int Compare((string Path, FileFacts Facts) one, (string Path, FileFacts Facts) other)
    {
        foreach (var attribute in settings.Sort)
        {
            var order = attribute switch
            {
                "NameAsc" or "NameDesc" => string.CompareOrdinal(one.Path, other.Path),
                "LengthAsc" or "LengthDesc" => one.Facts.Size.CompareTo(other.Facts.Size),
                _ => (one.Facts.ModifiedMilliseconds, one.Facts.ModifiedNanoseconds).CompareTo((other.Facts.ModifiedMilliseconds, other.Facts.ModifiedNanoseconds)),
            };
            if (order != 0)
                return attribute.EndsWith("Desc", StringComparison.Ordinal) ? -order : order;
        }

        return string.CompareOrdinal(one.Path, other.Path);
    }
}
