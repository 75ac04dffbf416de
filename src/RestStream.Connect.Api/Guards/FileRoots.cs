namespace RestStream.Connect;

/// <summary>
/// The folders in which connectors may read and write (setting <c>RestStream:Connect:FileRoots</c>). Links are followed before the answer, so nothing outside is reached through one.
/// </summary>
/// <param name="roots">Absolute folders.</param>
public sealed class FileRoots(IReadOnlyList<string> roots)
{
    /// <summary>The folders.</summary>
    public IReadOnlyList<string> Roots { get; } = roots;

    /// <summary>The absolute path of a file or folder, which need not exist. A path that is not absolute is meant below the first root.</summary>
    /// <exception cref="FatalException">It is outside of the roots, or no ordinary file or folder; the message says which roots there are.</exception>
    public string Resolve(string path)
    {
        var full = Path.GetFullPath(path, Roots.Count > 0 ? Roots[0] : "/");
        if (!Roots.Any(root => full == root || full.StartsWith(root.TrimEnd('/') + '/', StringComparison.Ordinal)))
            throw new FatalException($"'{path}' is not below a folder that connectors may use ({string.Join(", ", Roots)}). Move it there, or add its folder to the setting RestStream:Connect:FileRoots.");
        return full;
    }
}
