using System.Runtime.Versioning;

namespace RestStream.Connect;

/// <summary>
/// The folders in which connectors may read and write (setting <c>RestStream:Connect:FileRoots</c>). Links are followed before the answer, so nothing outside is reached through one; devices, pipes and sockets are
/// refused, and so are <c>/proc</c>, <c>/sys</c>, <c>/dev</c> and the folder of the broker's own data whatever the roots are.
/// <para>
/// A path that was resolved may be swapped for a link before it is opened. <see cref="Open"/> leaves no such gap: it looks at what was opened, before anything is read, written or cut off.
/// </para>
/// </summary>
public sealed class FileRoots
{
    private static readonly string[] s_never = ["/proc", "/sys", "/dev"];

    private readonly string[] _roots;
    private readonly string[] _closed;
    private readonly string _setting;

    /// <summary>Connectors may use these folders.</summary>
    /// <param name="roots">Absolute folders. One that is inside a closed folder is open all the same.</param>
    /// <param name="closed">Folders that are refused although a root holds them: the broker's own data.</param>
    public FileRoots(IReadOnlyList<string> roots, params IReadOnlyList<string> closed)
        : this(roots, closed, "RestStream:Connect:FileRoots")
    {
    }

    internal FileRoots(IReadOnlyList<string> roots, IReadOnlyList<string> closed, string setting)
    {
        Roots = roots;
        _roots = [.. roots.Select(root => FinalPath.Of(Path.GetFullPath(root)))];
        _closed = [.. closed.Select(folder => FinalPath.Of(Path.GetFullPath(folder)))];
        _setting = setting;
    }

    /// <summary>The folders.</summary>
    public IReadOnlyList<string> Roots { get; }

    /// <summary>The absolute path of a file or folder, links followed; it need not exist. A path that is not absolute is meant below the first root.</summary>
    /// <exception cref="FatalException">It is outside of the roots, or no ordinary file or folder; the message says which roots there are.</exception>
    public string Resolve(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new FatalException("A path may not hold the character NUL.");
        if (_roots.Length == 0)
            throw new FatalException($"'{path}' cannot be used: the setting {_setting} names no folder. Add its folder there.");

        var final = FinalPath.Of(Path.GetFullPath(path, _roots[0]));
        EnsureInside(path, final);
        if (OperatingSystem.IsLinux() && LinuxFile.KindOf(final) == FileKind.Other)
            throw new FatalException($"'{path}' is a device, pipe or socket. Connectors read and write ordinary files only.");
        return final;
    }

    /// <summary>
    /// Opens a file. Where it really lies is asked of the opened file itself, so a link that somebody puts in its way meanwhile leads nowhere. Others may read, write and delete it at the same time.
    /// </summary>
    /// <param name="path">As for <see cref="Resolve"/>.</param>
    /// <param name="mode">Whether it must exist or is made. The folder must exist.</param>
    /// <param name="access">To read, to write or both.</param>
    /// <exception cref="FatalException">It is outside of the roots, or no ordinary file.</exception>
    /// <exception cref="FileNotFoundException">It is not there, and <paramref name="mode"/> does not make it.</exception>
    /// <exception cref="UnauthorizedAccessException">The process has no right to it.</exception>
    /// <exception cref="IOException">Anything else that stands in the way.</exception>
    public FileStream Open(string path, FileMode mode, FileAccess access)
    {
        var final = Resolve(path);
        return OperatingSystem.IsLinux() ? OpenChecked(path, final, mode, access) : new FileStream(final, mode, access, FileShare.ReadWrite | FileShare.Delete);
    }

    [SupportedOSPlatform("linux")]
    private FileStream OpenChecked(string path, string final, FileMode mode, FileAccess access)
    {
        var handle = LinuxFile.Open(path, final, mode, access);
        try
        {
            EnsureInside(path, LinuxFile.PathOf(handle));
            if (LinuxFile.KindOf(handle) != FileKind.Regular)
                throw new FatalException($"'{path}' is no ordinary file.");
            var stream = new FileStream(handle, access);
            if (mode is FileMode.Create or FileMode.Truncate)
                stream.SetLength(0);
            else if (mode == FileMode.Append)
                stream.Seek(0, SeekOrigin.End);
            return stream;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private void EnsureInside(string path, string final)
    {
        // The narrowest folder decides: a root in the data folder is open, the data folder in a root is not.
        var root = _roots.Where(folder => Holds(folder, final)).Max(folder => (int?)folder.Length) ?? -1;
        var closed = _closed.Where(folder => Holds(folder, final)).Max(folder => (int?)folder.Length) ?? -1;
        if (root < 0 || closed >= root || (!OperatingSystem.IsWindows() && s_never.Any(folder => Holds(folder, final) && !Holds("/dev/shm", final))))
            throw new FatalException($"'{path}' is not below a folder that connectors may use ({string.Join(", ", Roots)}). Move it there, or add its folder to the setting {_setting}.");
    }

    private static bool Holds(string folder, string path) =>
        path == folder || path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
