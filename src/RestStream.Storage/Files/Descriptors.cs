namespace RestStream.Storage.Files;

/// <summary>
/// What the process does with the descriptors it may have: connections leave a quarter of them alone, files that stay open an eighth, and that last eighth is for threads and for what is open for a moment. A thread of .NET needs two (a pipe), and a thread of the pool that
/// cannot be made ends the process, so a client that opens connections, or creates topics, must never take the last ones.
/// </summary>
/// <remarks>
/// The system gives each new descriptor the lowest free number. A number is therefore all that is needed to know how many are taken at least, without counting them.
/// </remarks>
public static class Descriptors
{
    // Elsewhere the limits of .NET and of the system stay what they are.
    private static readonly long s_limit = OperatingSystem.IsLinux() ? (long)Math.Min(Libc.MaxDescriptors(), int.MaxValue) : int.MaxValue;

    /// <summary>Most descriptors of this process (<c>ulimit -n</c>).</summary>
    public static long Limit => s_limit;

    /// <summary>The first number that no connection may have.</summary>
    public static long EndOfConnections => s_limit / 4 * 3;

    /// <summary>The first number that no file that stays open may have.</summary>
    public static long EndOfFiles => s_limit / 8 * 7;

    /// <summary>Threads that the last eighth is enough for.</summary>
    public static int MaxThreads => (int)(s_limit / 16);

    /// <summary>Whether another file may be opened to stay open. One open and one close: about a microsecond.</summary>
    public static bool IsFileLeft => !OperatingSystem.IsLinux() || Libc.LowestFreeDescriptor() < EndOfFiles;

    /// <exception cref="IOException">EMFILE: no file may be opened; the one at <paramref name="path"/> is not touched.</exception>
    internal static void CheckFileLeft(string path)
    {
        if (!IsFileLeft)
            throw DiskErrors.NoDescriptor($"Opening '{path}' failed: {EndOfFiles} files and connections are open, of the {s_limit} this process may have (ulimit -n); the others are kept for threads and checkpoints. Raise the limit.");
    }
}
