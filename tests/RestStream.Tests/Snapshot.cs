namespace RestStream.Tests;

/// <summary>Compares text with a committed file. <c>UPDATE_SNAPSHOTS=1 dotnet test</c> rewrites the file; the diff is the review.</summary>
internal static class Snapshot
{
    public static void Matches(string file, string actual)
    {
        var path = Path.Combine(Locations.RepositoryRoot, file);
        actual = actual.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path), actual);
    }
}
