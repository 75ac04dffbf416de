using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace RestStream.Connectors.Shared;

/// <summary>What a connector needs of the system that .NET does not offer, or whose errors it swallows. A failure is an <see cref="IOException"/> whose HResult is errno.</summary>
internal static unsafe partial class Posix
{
    private const int Enoent = 2, Eintr = 4, Enotdir = 20, Enospc = 28, Edquot = 122;
    private const int ReadOnlyCloseOnExec = 0x80000;
    private const int CurrentFolder = -100, EmptyPath = 0x1000, NoFollow = 0x100;
    private const uint BasicAndBirth = 0xFFF;

    /// <summary>Whether a write failed because there is no room: the same write may succeed later.</summary>
    public static bool IsDiskFull(IOException error) => error.HResult is Enospc or Edquot || (error.HResult & 0xFFFF) is Enospc or Edquot;

    /// <summary>Makes content and length of a file durable (fdatasync; FileStream.Flush(true) hides errors on Linux). After a failure what was written since the last call is to be taken as lost.</summary>
    public static void Sync(SafeFileHandle file, string path)
    {
        while (fdatasync(file) != 0)
            ThrowUnlessInterrupted("Flushing", path);
    }

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    public static void SyncFolder(string path)
    {
        int descriptor;
        while ((descriptor = open(path, ReadOnlyCloseOnExec)) < 0)
            ThrowUnlessInterrupted("Opening the folder", path);
        using var folder = new SafeFileHandle(descriptor, ownsHandle: true);
        while (fsync(folder) != 0)
            ThrowUnlessInterrupted("Flushing the folder", path);
    }

    /// <summary>What is known of an open file.</summary>
    public static FileFacts Facts(SafeFileHandle file, string path)
    {
        Statx found;
        while (statx(file, "", EmptyPath, BasicAndBirth, &found) != 0)
            ThrowUnlessInterrupted("Looking at", path);
        return found.ToFacts();
    }

    /// <summary>What is known of the file or folder at a path; null when there is nothing. A link in the last place is looked at itself, not what it points to.</summary>
    public static FileFacts? FindFacts(string path)
    {
        Statx found;
        while (statx(CurrentFolder, path, NoFollow, BasicAndBirth, &found) != 0)
        {
            if (Marshal.GetLastPInvokeError() is Enoent or Enotdir)
                return null;
            ThrowUnlessInterrupted("Looking at", path);
        }

        return found.ToFacts();
    }

    private static void ThrowUnlessInterrupted(string what, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Eintr)
            throw new IOException($"{what} '{path}' failed: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno}).", errno);
    }

    // struct statx of linux/stat.h: the one stat structure that is the same on every processor.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(80)]
        public long BirthSeconds;

        [FieldOffset(88)]
        public uint BirthNanoseconds;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;

        // The device is no part of the identity: its number may change with each mount.
        // File systems that keep no time of birth answer 0 for it: there the inode alone must do.
        public readonly FileFacts ToFacts() => new(
            $"{Inode:x}-{BirthSeconds:x}.{BirthNanoseconds:x}", (long)Size, (ModifiedSeconds * 1000) + (ModifiedNanoseconds / 1_000_000), ModifiedNanoseconds, (Mode & 0xF000) == 0x8000, ((ulong)DeviceMajor << 32) | DeviceMinor);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle folder);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, Statx* found);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(SafeFileHandle file, string path, int flags, uint mask, Statx* found);
}

/// <summary>What the file system says of a file.</summary>
/// <param name="Identity">Inode and time of birth: stays with the file when it is renamed, and is another one for a new file with the old name, even where the inode is used again.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedMilliseconds">Last change of the content, milliseconds since the epoch.</param>
/// <param name="ModifiedNanoseconds">The part of that time below a second: tells two changes within a millisecond apart.</param>
/// <param name="IsFile">An ordinary file: no folder, link, pipe or device.</param>
/// <param name="Device">The file system it is on, as long as that stays mounted.</param>
internal readonly record struct FileFacts(string Identity, long Size, long ModifiedMilliseconds, uint ModifiedNanoseconds, bool IsFile, ulong Device)
{
    /// <summary>Whether the content is the same as it was, as far as the file system tells.</summary>
    public bool SameContent(FileFacts other) =>
        Identity == other.Identity && Size == other.Size && ModifiedMilliseconds == other.ModifiedMilliseconds && ModifiedNanoseconds == other.ModifiedNanoseconds;
}
