using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace RestStream.Storage.Files;

/// <summary>The real disk: file handles of .NET, flushes by P/Invoke (the .NET ones swallow errors on Linux).</summary>
public sealed class LinuxFileSystem : IFileSystem
{
    public IFile Open(string path, bool create)
    {
        var handle = File.OpenHandle(
            path, create ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        return new LinuxFile(handle, path);
    }

    public IFile OpenToKeep(string path, bool create)
    {
        Descriptors.CheckFileLeft(path);
        return Open(path, create);
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public long FileLength(string path) => new FileInfo(path).Length;

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public IReadOnlyList<string> List(string directory)
    {
        var names = new List<string>();
        foreach (var path in Directory.EnumerateFileSystemEntries(directory))
            names.Add(Path.GetFileName(path));
        return names;
    }

    public void Rename(string from, string to) => Libc.RenamePath(from, to);

    public void DeleteFile(string path) => File.Delete(path);

    public void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    public void FlushDirectory(string path) => Libc.SyncDirectory(path);

    public long FreeBytes(string path) => new DriveInfo(path).AvailableFreeSpace;

    public IDisposable Lock(string path)
    {
        // FileShare.None takes an exclusive flock; any other sharing takes a shared one that keeps nobody out.
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException error) when (error.HResult == Libc.WouldBlock)
        {
            throw new IOException($"process {Holder(path)} holds '{path}'", error);
        }

        try
        {
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The process id that <see cref="Lock"/> left in the file. .NET's own open would ask for a lock too, and not get it.</summary>
    private static string Holder(string path)
    {
        using var handle = Libc.OpenToRead(path);
        Span<byte> text = stackalloc byte[20];
        return System.Text.Encoding.ASCII.GetString(text[..RandomAccess.Read(handle, text, 0)]).Trim();
    }

    private sealed class LinuxFile(SafeFileHandle handle, string path) : IFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> destination, long position)
        {
            var done = 0;
            while (done < destination.Length)
            {
                var read = RandomAccess.Read(handle, destination[done..], position + done);
                if (read == 0)
                    break;
                done += read;
            }
            return done;
        }

        public void Write(ReadOnlySpan<byte> source, long position) => RandomAccess.Write(handle, source, position);

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> sources, long position)
        {
            if (sources.Count == 1)
                RandomAccess.Write(handle, sources[0].Span, position);
            else
                GatherWrite.Write(handle, sources, position, path);
        }

        public void Flush() => Libc.DataSync(handle, path);

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void Reserve(long length)
        {
            var from = Length;
            if (length > from)
                Libc.Reserve(handle, from, length - from, path);
        }

        public void Dispose() => handle.Dispose();
    }
}
