using RestStream.Connect;
using RestStream.Connectors.Shared;

namespace RestStream.Connectors.Folders;

/// <summary>Which files of the input folder wait to be read, and in which order.</summary>
internal sealed class InputFolder(string path, DirectorySettings settings, ITaskContext context)
{
    private readonly HashSet<string> _warned = [];

    /// <summary>This task's files that are old enough, in the order that is configured.</summary>
    public IReadOnlyList<string> List(Func<string, FileFacts, bool> isWanted)
    {
        var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var found = new List<(string Path, FileFacts Facts)>();
        foreach (var file in Directory.EnumerateFiles(path))
        {
            var name = Path.GetFileName(file);
            if (name.StartsWith('.') || name.EndsWith(settings.ProcessingExtension, StringComparison.Ordinal) || !settings.NamePattern.IsMatch(name) || !IsOurs(name))
                continue;
            if (Posix.FindFacts(file) is not { } facts)
                continue;
            if (!facts.IsFile)
            {
                if (_warned.Add(name))
                    context.Log(TaskLogLevel.Warning, $"'{file}' is left alone: it is a link, a pipe or a device, not a file.");
                continue;
            }

            if ((settings.MinimumAge == TimeSpan.Zero || now - facts.ModifiedMilliseconds >= settings.MinimumAge.TotalMilliseconds) && isWanted(name, facts))
                found.Add((file, facts));
        }

        found.Sort(Compare);
        return found.ConvertAll(f => f.Path);
    }

    /// <summary>FNV-1a of the name: the same in every process and version, unlike the hash codes of .NET.</summary>
    private bool IsOurs(string name)
    {
        if (settings.TaskCount == 1)
            return true;
        var hash = 2166136261u;
        foreach (var octet in System.Text.Encoding.UTF8.GetBytes(name))
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
