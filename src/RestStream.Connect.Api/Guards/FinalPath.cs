namespace RestStream.Connect;

/// <summary>Where a path leads once every link on the way is followed, as realpath(3) does; what does not exist stays as it is written.</summary>
internal static class FinalPath
{
    // Linux gives up after 40 links too.
    private const int MaxLinks = 40;

    /// <exception cref="FatalException">Links go round in a circle.</exception>
    public static string Of(string absolute)
    {
        var links = 0;
        var root = Path.GetPathRoot(absolute)!;
        var done = root;
        var ahead = new Stack<string>(Parts(absolute[root.Length..]).Reverse());
        while (ahead.TryPop(out var part))
        {
            if (part == ".")
                continue;
            if (part == "..")
            {
                done = Path.GetDirectoryName(done) ?? root;
                continue;
            }

            done = Path.Combine(done, part);
            if (new FileInfo(done).LinkTarget is not { } target)
                continue;
            if (++links > MaxLinks)
                throw new FatalException($"'{absolute}' leads through too many links.");
            done = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : Path.GetDirectoryName(done)!;
            foreach (var step in Parts(target[(Path.GetPathRoot(target)?.Length ?? 0)..]).Reverse())
                ahead.Push(step);
        }

        return done;
    }

    private static string[] Parts(string path) => path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
}
