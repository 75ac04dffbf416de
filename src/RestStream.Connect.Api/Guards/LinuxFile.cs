using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace RestStream.Connect;

/// <summary>What a path or an opened file is.</summary>
internal enum FileKind
{
    Missing,
    Regular,
    Directory,
    Other,
}

/// <summary>Opening without following a link, and asking an opened file what and where it is: what .NET's file API does not offer.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LinuxFile
{
    private const int Eintr = 4, Enoent = 2, Eacces = 13, Eexist = 17, Enotdir = 20, Eloop = 40;
    private const int WriteOnly = 1, ReadWrite = 2, Create = 0x40, Exclusive = 0x80, AppendToEnd = 0x400, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int CurrentFolder = -100, EmptyPath = 0x1000, NoFollow = 0x100, TypeOnly = 1;

    // The one flag whose number depends on the processor.
    private static readonly int s_noFollow = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    /// <summary>Opens what is there now, cutting nothing off yet: the caller looks at it first. A pipe that nobody writes to does not block.</summary>
    /// <param name="shown">The path for messages.</param>
    /// <param name="path">The path, free of links.</param>
    /// <param name="mode">Whether it is made.</param>
    /// <param name="access">To read, to write or both.</param>
    public static SafeFileHandle Open(string shown, string path, FileMode mode, FileAccess access)
    {
        var flags = CloseOnExec | NonBlocking | s_noFollow | access switch { FileAccess.Read => 0, FileAccess.Write => WriteOnly, _ => ReadWrite } | mode switch
        {
            FileMode.CreateNew => Create | Exclusive,
            FileMode.Create or FileMode.OpenOrCreate => Create,
            FileMode.Append => Create | AppendToEnd,
            _ => 0,
        };
        int descriptor;
        while ((descriptor = open(path, flags, 0x1A4 /* rw-r--r-- */)) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            var message = $"'{shown}' cannot be opened: {Marshal.GetPInvokeErrorMessage(errno)}.";
            switch (errno)
            {
                case Eintr:
                    continue;
                case Enoent or Enotdir:
                    throw new FileNotFoundException(message, path);
                case Eacces:
                    throw new UnauthorizedAccessException(message);
                case Eloop:
                    throw new FatalException($"'{shown}' became a link while it was opened.");
                default:
                    throw new IOException(message, errno == Eexist ? unchecked((int)0x80070050) : errno);
            }
        }

        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Where the opened file lies.</summary>
    public static string PathOf(SafeFileHandle handle)
    {
        var link = $"/proc/self/fd/{handle.DangerousGetHandle()}";
        return new FileInfo(link).LinkTarget ?? throw new IOException($"{link} does not say where the file lies.");
    }

    public static FileKind KindOf(SafeFileHandle handle) => KindOf((int)handle.DangerousGetHandle(), "", EmptyPath);

    /// <summary>Of the path itself, not of what a link at its end points to.</summary>
    public static FileKind KindOf(string path) => KindOf(CurrentFolder, path, NoFollow);

    private static FileKind KindOf(int folder, string path, int flags)
    {
        // struct statx is the same on every processor: 256 bytes, the mode at 28.
        var stat = stackalloc byte[256];
        if (statx(folder, path, flags, TypeOnly, stat) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno is Enoent or Enotdir or Eacces ? FileKind.Missing : throw new IOException($"'{path}' cannot be looked at: {Marshal.GetPInvokeErrorMessage(errno)}.", errno);
        }

        return (*(ushort*)(stat + 28) & 0xF000) switch { 0x8000 => FileKind.Regular, 0x4000 => FileKind.Directory, _ => FileKind.Other };
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, byte* result);
}
