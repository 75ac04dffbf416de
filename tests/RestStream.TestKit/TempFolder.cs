namespace RestStream.TestKit;

/// <summary>A folder of one test, on the real disk; gone with <see cref="Dispose"/>.</summary>
public sealed class TempFolder : IDisposable
{
    public TempFolder(string name = "test") => Path = Directory.CreateTempSubdirectory($"reststream-{name}-").FullName;

    public string Path { get; }

    /// <summary>The full path of something in it.</summary>
    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The test took it away itself.
        }
    }

    public override string ToString() => Path;
}
