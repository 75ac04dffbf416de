using RestStream.Storage.Files;

namespace RestStream.TestKit.Disks;

/// <summary>What the simulated disk is about to do.</summary>
public enum DiskOperationKind { Create, Write, SetLength, Reserve, Flush, Rename, Delete, CreateDirectory, FlushDirectory }

/// <summary>Operation <paramref name="Number"/> (from 1) of a disk.</summary>
public readonly record struct DiskOperation(long Number, DiskOperationKind Kind, string Path);

/// <summary>The machine stopped. Every operation from here on fails with it; look at <see cref="SimulatedDisk.Reboot"/> or <see cref="SimulatedDisk.Restart"/>.</summary>
public sealed class SimulatedCrash() : Exception("The simulated machine has crashed.");

/// <summary>
/// A disk in memory that forgets what was not flushed. File content is durable after <see cref="IFile.Flush"/>, a name (creation, rename, deletion) after
/// <see cref="FlushDirectory"/> of its directory. A power cut keeps any subset of the unflushed sectors, torn at 512 bytes, any of the lengths a file had since its
/// flush, and of each directory's unflushed name changes the first few in order. Everything that is left to chance comes from a seed.
/// Thread safe: one operation at a time.
/// </summary>
public sealed partial class SimulatedDisk : IFileSystem
{
    /// <summary>Unit in which the page cache writes back.</summary>
    public const int SectorBytes = 4096;

    /// <summary>Unit that a disk writes whole or not at all.</summary>
    public const int AtomicBytes = 512;

    private readonly Lock _lock = new();
    private readonly DirectoryNode _root;
    private readonly HashSet<string> _locks = [];
    private long _crashAt = long.MaxValue;
    private int _crashSeed;

    public SimulatedDisk() : this(new DirectoryNode()) { }

    private SimulatedDisk(DirectoryNode root) => _root = root;

    /// <summary>Operations that change something or make it durable, so far.</summary>
    public long Operations { get; private set; }

    /// <summary>Bytes the disk holds; writing and reserving beyond fails as on a full disk.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>Runs before each operation and may throw in its place. A flush that fails leaves its pages marked clean although they never reached the disk, as Linux does.</summary>
    public Action<DiskOperation>? Before { get; set; }

    /// <summary>Stops the machine at the n-th operation from the start. A write that is hit may have happened in part.</summary>
    public void CrashAt(long operation, int seed = 0) => (_crashAt, _crashSeed) = (operation, seed);

    /// <summary>The disk after the power was cut now.</summary>
    public SimulatedDisk Reboot(int seed)
    {
        lock (_lock)
            return new SimulatedDisk(_root.AfterPowerCut(new Random(seed))) { CapacityBytes = CapacityBytes };
    }

    /// <summary>The disk as the next process finds it after a kill -9: the page cache is still there, and still not durable.</summary>
    public SimulatedDisk Restart()
    {
        lock (_lock)
            return new SimulatedDisk((DirectoryNode)_root.Clone()) { CapacityBytes = CapacityBytes };
    }

    public IFile Open(string path, bool create)
    {
        lock (_lock)
        {
            var (parent, name) = Parent(path);
            if (!parent.Current.TryGetValue(name, out var node))
            {
                if (!create)
                    throw new FileNotFoundException($"There is no '{path}' on the simulated disk.", path);
                Begin(DiskOperationKind.Create, path);
                node = new FileNode();
                parent.Change((name, node));
            }
            if (node is not FileNode file)
                throw new UnauthorizedAccessException($"'{path}' is a directory.");
            return new SimulatedFile(this, file, path);
        }
    }

    public bool FileExists(string path)
    {
        lock (_lock)
            return Find(path) is FileNode;
    }

    public bool DirectoryExists(string path)
    {
        lock (_lock)
            return Find(path) is DirectoryNode;
    }

    public long FileLength(string path)
    {
        lock (_lock)
            return (Find(path) as FileNode ?? throw new FileNotFoundException($"There is no '{path}' on the simulated disk.", path)).Length;
    }

    public void CreateDirectory(string path)
    {
        lock (_lock)
        {
            var directory = _root;
            foreach (var name in Names(path))
            {
                if (!directory.Current.TryGetValue(name, out var child))
                {
                    Begin(DiskOperationKind.CreateDirectory, path);
                    directory.Change((name, child = new DirectoryNode()));
                }
                directory = child as DirectoryNode ?? throw new IOException($"'{path}' leads through a file.");
            }
        }
    }

    public IReadOnlyList<string> List(string directory)
    {
        lock (_lock)
            return [.. Directory(directory).Current.Keys];
    }

    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            var (source, oldName) = Parent(from);
            var (target, newName) = Parent(to);
            if (!source.Current.TryGetValue(oldName, out var node))
                throw new FileNotFoundException($"There is no '{from}' on the simulated disk.", from);
            Begin(DiskOperationKind.Rename, to);
            if (source != target)
                throw new NotSupportedException("The simulated disk renames within a directory only.");
            source.Change((oldName, null), (newName, node));
        }
    }

    public void DeleteFile(string path) => Delete(path);

    public void DeleteDirectory(string path) => Delete(path);

    public void FlushDirectory(string path)
    {
        lock (_lock)
        {
            var directory = Directory(path);
            Begin(DiskOperationKind.FlushDirectory, path);
            directory.Flush();
        }
    }

    public long FreeBytes(string path)
    {
        lock (_lock)
            return CapacityBytes == long.MaxValue ? long.MaxValue / 2 : Math.Max(0, CapacityBytes - _root.AllocatedBytes);
    }

    public IDisposable Lock(string path)
    {
        lock (_lock)
        {
            if (!_locks.Add(path))
                throw new IOException($"'{path}' is locked.");
            return new HeldLock(this, path);
        }
    }

    private void Delete(string path)
    {
        lock (_lock)
        {
            var (parent, name) = Parent(path);
            if (!parent.Current.ContainsKey(name))
                return;
            Begin(DiskOperationKind.Delete, path);
            parent.Change((name, null));
        }
    }

    private void Begin(DiskOperationKind kind, string path)
    {
        Operations++;
        if (Operations >= _crashAt)
            throw new SimulatedCrash();
        Before?.Invoke(new DiskOperation(Operations, kind, path));
    }

    private Node? Find(string path)
    {
        Node? node = _root;
        foreach (var name in Names(path))
            node = node is DirectoryNode directory && directory.Current.TryGetValue(name, out var child) ? child : null;
        return node;
    }

    private DirectoryNode Directory(string path) =>
        Find(path) as DirectoryNode ?? throw new DirectoryNotFoundException($"There is no directory '{path}' on the simulated disk.");

    private (DirectoryNode Parent, string Name) Parent(string path) => (Directory(Path.GetDirectoryName(path)!), Path.GetFileName(path));

    private static string[] Names(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    private sealed class HeldLock(SimulatedDisk disk, string path) : IDisposable
    {
        public void Dispose()
        {
            lock (disk._lock)
                disk._locks.Remove(path);
        }
    }

    private sealed class SimulatedFile(SimulatedDisk disk, FileNode node, string path) : IFile
    {
        private bool _closed;

        public long Length
        {
            get
            {
                lock (disk._lock)
                {
                    ObjectDisposedException.ThrowIf(_closed, this);
                    return node.Length;
                }
            }
        }

        public int Read(Span<byte> destination, long position)
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                return node.Read(destination, position);
            }
        }

        public void Write(ReadOnlySpan<byte> source, long position)
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                try
                {
                    disk.Begin(DiskOperationKind.Write, path);
                }
                catch (SimulatedCrash) when (disk.Operations == disk._crashAt)
                {
                    node.Write(source[..new Random(disk._crashSeed).Next(source.Length + 1)], position);
                    throw;
                }
                var room = disk.RoomFor(node, position + source.Length);
                if (room < position + source.Length)
                {
                    node.Write(source[..(int)Math.Max(0, room - position)], position);
                    throw DiskErrors.Full($"No space left for '{path}' on the simulated disk.");
                }
                node.Write(source, position);
            }
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> sources, long position)
        {
            // One operation, as pwritev is one call.
            var whole = new byte[sources.Sum(source => source.Length)];
            var at = 0;
            foreach (var source in sources)
            {
                source.Span.CopyTo(whole.AsSpan(at));
                at += source.Length;
            }
            Write(whole, position);
        }

        public void Flush()
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                try
                {
                    disk.Begin(DiskOperationKind.Flush, path);
                }
                catch (IOException)
                {
                    node.LoseUnflushed();
                    throw;
                }
                node.Flush();
            }
        }

        public void SetLength(long length)
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                disk.Begin(DiskOperationKind.SetLength, path);
                node.SetLength(length);
            }
        }

        public void Reserve(long length)
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                disk.Begin(DiskOperationKind.Reserve, path);
                if (disk.RoomFor(node, length) < length)
                    throw DiskErrors.Full($"No space left to reserve for '{path}' on the simulated disk.");
                node.Reserved = Math.Max(node.Reserved, length);
            }
        }

        public void Dispose()
        {
            lock (disk._lock)
                _closed = true;
        }
    }

    /// <summary>How long the file can get, at most what is asked.</summary>
    private long RoomFor(FileNode node, long wanted)
    {
        if (CapacityBytes == long.MaxValue || FileNode.RoundUp(wanted) <= node.AllocatedBytes)
            return wanted;
        var free = CapacityBytes - _root.AllocatedBytes;
        return Math.Min(wanted, node.AllocatedBytes + Math.Max(0, free));
    }
}
