namespace RestStream.Storage.Files;

/// <summary>
/// Everything the log does to a disk goes through here. Two implementations: <see cref="LinuxFileSystem"/>, and a simulated disk in the tests
/// that loses, tears and refuses on purpose. Paths are absolute. Failures are <see cref="IOException"/>s;
/// a full disk is one for which <see cref="DiskErrors.IsDiskFull"/> holds.
/// </summary>
public interface IFileSystem
{
    /// <summary>Opens for reading and writing. With <paramref name="create"/> a missing file is made, without it that is a <see cref="FileNotFoundException"/>.</summary>
    IFile Open(string path, bool create);

    /// <summary>The same for a file that stays open, which is refused earlier when there is a limit to how many there may be: what is open for a moment must always be possible.</summary>
    IFile OpenToKeep(string path, bool create) => Open(path, create);

    bool FileExists(string path);
    bool DirectoryExists(string path);
    long FileLength(string path);
    void CreateDirectory(string path);

    /// <summary>Names (not paths) of the files and directories in a directory, in no order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Renames a file (an existing target is replaced) or a directory. Durable only after <see cref="FlushDirectory"/> of the parent.</summary>
    void Rename(string from, string to);
    void DeleteFile(string path);

    /// <summary>Deletes a directory with everything in it.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes creations, renames and deletions in this directory durable (fsync of the directory).</summary>
    void FlushDirectory(string path);

    /// <summary>Bytes that an unprivileged process may still write on the disk that holds this path.</summary>
    long FreeBytes(string path);

    /// <summary>Takes an exclusive lock on a file for the life of the returned handle. An <see cref="IOException"/> when another process has it.</summary>
    IDisposable Lock(string path);
}

/// <summary>An open file. Reads and writes at positions; nothing is durable before <see cref="Flush"/> returned.</summary>
public interface IFile : IDisposable
{
    long Length { get; }

    /// <summary>Reads up to the end of <paramref name="destination"/> or of the file, whichever comes first, and returns how much it was.</summary>
    int Read(Span<byte> destination, long position);

    /// <summary>Writes everything or throws; after a throw any prefix may be in the file.</summary>
    void Write(ReadOnlySpan<byte> source, long position);

    /// <summary>Writes all the pieces back to back (pwritev).</summary>
    void Write(IReadOnlyList<ReadOnlyMemory<byte>> sources, long position);

    /// <summary>Makes content and length durable (fdatasync). After one failure the file's unflushed content must be taken as lost: never call it again to acknowledge.</summary>
    void Flush();

    void SetLength(long length);

    /// <summary>Reserves blocks for bytes up to <paramref name="length"/> without changing <see cref="Length"/>, so that later writes below it find room.</summary>
    void Reserve(long length);
}

/// <summary>What an <see cref="IOException"/> of the file system means.</summary>
public static class DiskErrors
{
    private const int Enospc = 28, Edquot = 122, Enfile = 23, Emfile = 24;

    public static IOException Full(string message) => new(message, Enospc);

    public static IOException NoDescriptor(string message) => new(message, Emfile);

    public static bool IsDiskFull(IOException error) => (error.HResult & 0xFFFF) is Enospc or Edquot;

    /// <summary>A full disk, or no descriptor left: nothing was damaged, and it can be gone at the next try.</summary>
    public static bool IsShortage(IOException error) => IsDiskFull(error) || (error.HResult & 0xFFFF) is Enfile or Emfile;
}
