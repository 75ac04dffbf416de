using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace RestStream.Storage.Files;

/// <summary>The system calls that .NET does not offer, or whose errors it swallows. Every failure is an <see cref="IOException"/> whose HResult is errno.</summary>
internal static unsafe partial class Libc
{
    private const int Eintr = 4, Einval = 22, Enosys = 38, Eopnotsupp = 95;
    private const int KeepSize = 1;
    private const int OpenFiles = 7;
    private const int ReadOnlyCloseOnExec = 0x80000;

    // The one flag whose number depends on the processor.
    private static readonly int OpenDirectoryFlag = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 : 0x10000;

    /// <summary>EWOULDBLOCK: somebody else has the lock.</summary>
    public const int WouldBlock = 11;

    /// <summary>Opens a file for reading without asking for a lock.</summary>
    public static SafeFileHandle OpenToRead(string path)
    {
        int descriptor;
        while ((descriptor = open(path, ReadOnlyCloseOnExec)) < 0)
            ThrowUnlessInterrupted("Opening", path);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public static void DataSync(SafeFileHandle file, string path)
    {
        while (fdatasync(file) != 0)
            ThrowUnlessInterrupted("Flushing", path);
    }

    public static void SyncDirectory(string path)
    {
        int descriptor;
        while ((descriptor = open(path, ReadOnlyCloseOnExec | OpenDirectoryFlag)) < 0)
            ThrowUnlessInterrupted("Opening the directory", path);
        try
        {
            while (fsync(descriptor) != 0)
                ThrowUnlessInterrupted("Flushing the directory", path);
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    /// <summary>Reserves blocks without changing the file's length. A file system that cannot do it is no error: the write itself will tell.</summary>
    public static void Reserve(SafeFileHandle file, long from, long bytes, string path)
    {
        while (fallocate(file, KeepSize, from, bytes) != 0)
        {
            if (Marshal.GetLastPInvokeError() is Eopnotsupp or Enosys or Einval)
                return;
            ThrowUnlessInterrupted("Reserving room", path);
        }
    }

    public static void RenamePath(string from, string to)
    {
        if (rename(from, to) != 0)
            throw Error("Renaming", $"{from}' to '{to}", Marshal.GetLastPInvokeError());
    }

    /// <summary>One pwritev; returns how many bytes it took, which may be fewer than given.</summary>
    public static long WriteGather(SafeFileHandle file, ReadOnlySpan<IoVector> pieces, long position, string path)
    {
        fixed (IoVector* first = pieces)
        {
            nint written;
            while ((written = pwritev(file, first, pieces.Length, position)) < 0)
                ThrowUnlessInterrupted("Writing", path);
            return written;
        }
    }

    /// <summary>The soft limit of open files (RLIMIT_NOFILE), which .NET raises to the hard one as it starts.</summary>
    public static ulong MaxDescriptors() => getrlimit(OpenFiles, out var limit) == 0 ? limit.Soft : throw Error("Asking for the limit of", "open files", Marshal.GetLastPInvokeError());

    /// <summary>The lowest number that no open file has, or null when there is none left.</summary>
    public static int? LowestFreeDescriptor()
    {
        var descriptor = eventfd(0, ReadOnlyCloseOnExec);
        if (descriptor < 0)
            return null;
        _ = close(descriptor);
        return descriptor;
    }

    private static void ThrowUnlessInterrupted(string what, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Eintr)
            throw Error(what, path, errno);
    }

    private static IOException Error(string what, string path, int errno) =>
        new($"{what} '{path}' failed: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno}).", errno);

    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        public byte* Base;
        public nint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceLimit
    {
        public nuint Soft;
        public nuint Hard;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwritev(SafeFileHandle file, IoVector* pieces, int count, long offset);
}
