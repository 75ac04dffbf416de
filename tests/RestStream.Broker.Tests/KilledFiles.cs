using RestStream.Storage.Files;

namespace RestStream.Broker.Tests;

/// <summary>
/// The real disk of a process that is killed at its n-th change of it: that one is done by half when it is a write, not at all otherwise, and everything after fails.
/// What was written before stays, as it does in the page cache.
/// </summary>
internal sealed class KilledFiles(IFileSystem disk) : IFileSystem
{
    private long _changes;
    private long _killAt = long.MaxValue;

    /// <summary>Changes since <see cref="KillAt"/> was last called, or since the start.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>The n-th change from now on kills; 1 is the next.</summary>
    public void KillAt(long change)
    {
        Interlocked.Exchange(ref _changes, 0);
        Interlocked.Exchange(ref _killAt, change);
    }

    public IFile Open(string path, bool create)
    {
        if (create && !disk.FileExists(path))
            Change();
        return new KilledFile(this, disk.Open(path, create));
    }

    public bool FileExists(string path) => disk.FileExists(path);
    public bool DirectoryExists(string path) => disk.DirectoryExists(path);
    public long FileLength(string path) => disk.FileLength(path);
    public IReadOnlyList<string> List(string directory) => disk.List(directory);
    public long FreeBytes(string path) => disk.FreeBytes(path);
    public IDisposable Lock(string path) => disk.Lock(path);

    public void CreateDirectory(string path)
    {
        if (!disk.DirectoryExists(path))
            Change();
        disk.CreateDirectory(path);
    }

    public void Rename(string from, string to)
    {
        Change();
        disk.Rename(from, to);
    }

    public void DeleteFile(string path)
    {
        Change();
        disk.DeleteFile(path);
    }

    public void DeleteDirectory(string path)
    {
        Change();
        disk.DeleteDirectory(path);
    }

    public void FlushDirectory(string path)
    {
        Change();
        disk.FlushDirectory(path);
    }

    private void Change(Action? half = null)
    {
        var change = Interlocked.Increment(ref _changes);
        var killAt = Interlocked.Read(ref _killAt);
        if (change < killAt)
            return;
        if (change == killAt)
            half?.Invoke();
        throw new IOException("The process was killed.");
    }

    private sealed class KilledFile(KilledFiles owner, IFile file) : IFile
    {
        public long Length => file.Length;

        public int Read(Span<byte> destination, long position) => file.Read(destination, position);

        public void Write(ReadOnlySpan<byte> source, long position)
        {
            var half = source[..(source.Length / 2)].ToArray();
            owner.Change(() => file.Write(half, position));
            file.Write(source, position);
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> sources, long position)
        {
            owner.Change(() =>
            {
                var all = sources.SelectMany(s => s.ToArray()).ToArray();
                file.Write(all.AsSpan(0, all.Length / 2), position);
            });
            file.Write(sources, position);
        }

        public void Flush()
        {
            owner.Change();
            file.Flush();
        }

        public void SetLength(long length)
        {
            owner.Change();
            file.SetLength(length);
        }

        public void Reserve(long length)
        {
            owner.Change();
            file.Reserve(length);
        }

        public void Dispose() => file.Dispose();
    }
}
