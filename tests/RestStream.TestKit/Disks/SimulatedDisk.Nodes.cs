namespace RestStream.TestKit.Disks;

public sealed partial class SimulatedDisk
{
    private abstract class Node
    {
        public abstract long AllocatedBytes { get; }

        /// <summary>An independent copy, unflushed parts included. <paramref name="copies"/> keeps a file under two names one file.</summary>
        public abstract Node Clone(Dictionary<Node, Node> copies);

        public Node Clone() => Clone([]);

        public abstract Node AfterPowerCut(Random chance, Dictionary<Node, Node> copies);
    }

    private sealed class DirectoryNode : Node
    {
        // Changes since the last flush, oldest first. A rename is one change of two names.
        private readonly List<(string Name, Node? Node)[]> _unflushed = [];
        private Dictionary<string, Node> _durable = [];

        public Dictionary<string, Node> Current { get; private init; } = [];

        public override long AllocatedBytes => Current.Values.Sum(node => node.AllocatedBytes);

        public void Change(params (string Name, Node? Node)[] change)
        {
            Apply(Current, change);
            _unflushed.Add(change);
        }

        public void Flush()
        {
            _durable = new(Current);
            _unflushed.Clear();
        }

        public DirectoryNode AfterPowerCut(Random chance) => (DirectoryNode)AfterPowerCut(chance, []);

        public override Node AfterPowerCut(Random chance, Dictionary<Node, Node> copies)
        {
            if (copies.TryGetValue(this, out var known))
                return known;
            var names = new Dictionary<string, Node>(_durable);
            foreach (var change in _unflushed.Take(chance.Next(_unflushed.Count + 1)))
                Apply(names, change);
            var after = new DirectoryNode { Current = [] };
            copies[this] = after;
            foreach (var (name, node) in names.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                after.Current[name] = node.AfterPowerCut(chance, copies);
            after.Flush();
            return after;
        }

        public override Node Clone(Dictionary<Node, Node> copies)
        {
            if (copies.TryGetValue(this, out var known))
                return known;
            var copy = new DirectoryNode { Current = [] };
            copies[this] = copy;
            foreach (var (name, node) in Current)
                copy.Current[name] = node.Clone(copies);
            foreach (var (name, node) in _durable)
                copy._durable[name] = node.Clone(copies);
            foreach (var change in _unflushed)
                copy._unflushed.Add([.. change.Select(step => (step.Name, step.Node?.Clone(copies)))]);
            return copy;
        }

        private static void Apply(Dictionary<string, Node> names, (string Name, Node? Node)[] change)
        {
            foreach (var (name, node) in change)
            {
                if (node is null)
                    names.Remove(name);
                else
                    names[name] = node;
            }
        }
    }

    private sealed class FileNode : Node
    {
        // What the sectors that were written since the last flush hold on the disk.
        private readonly Dictionary<long, byte[]> _before = [];

        // The same for sectors whose flush failed: clean for the kernel, old on the disk.
        private readonly Dictionary<long, byte[]> _lost = [];
        private byte[] _content = [];
        private long _durableLength;

        public long Length { get; private set; }

        public long Reserved { get; set; }

        public override long AllocatedBytes => RoundUp(Math.Max(Length, Reserved));

        public static long RoundUp(long bytes) => (bytes + SectorBytes - 1) / SectorBytes * SectorBytes;

        public int Read(Span<byte> destination, long position)
        {
            var count = (int)Math.Clamp(Length - position, 0, destination.Length);
            _content.AsSpan((int)Math.Min(position, Length), count).CopyTo(destination);
            return count;
        }

        public void Write(ReadOnlySpan<byte> source, long position)
        {
            if (source.Length == 0)
                return;
            Grow(position + source.Length);
            // Bytes between the old end and the position are written too: as zeros.
            for (var sector = Math.Min(position, Length) / SectorBytes; sector <= (position + source.Length - 1) / SectorBytes; sector++)
                Dirty(sector);
            source.CopyTo(_content.AsSpan((int)position));
            Length = Math.Max(Length, position + source.Length);
        }

        public void SetLength(long length)
        {
            if (length < Length)
            {
                for (var sector = length / SectorBytes; sector * SectorBytes < Length; sector++)
                    Dirty(sector);
                _content.AsSpan((int)length, (int)(Length - length)).Clear();
            }
            Grow(length);
            Length = length;
            Reserved = 0;
        }

        public void Flush()
        {
            foreach (var sector in _before.Keys)
                _lost.Remove(sector);
            _before.Clear();
            _durableLength = Length;
        }

        public void LoseUnflushed()
        {
            foreach (var (sector, bytes) in _before)
                _lost.TryAdd(sector, bytes);
            _before.Clear();
        }

        public override Node AfterPowerCut(Random chance, Dictionary<Node, Node> copies)
        {
            if (copies.TryGetValue(this, out var known))
                return known;
            var after = new FileNode { _content = (byte[])_content.Clone() };
            copies[this] = after;
            foreach (var (sector, bytes) in _lost)
                after.Put(sector, bytes, 0, SectorBytes);
            foreach (var (sector, bytes) in _before.OrderBy(entry => entry.Key))
            {
                var fate = chance.Next(3);
                for (var from = 0; from < SectorBytes; from += AtomicBytes)
                {
                    if (fate == 0 || (fate == 2 && chance.Next(2) == 0))
                        after.Put(sector, bytes, from, AtomicBytes);
                }
            }
            after.Length = Math.Min(after._content.Length, chance.Next(3) switch
            {
                0 => _durableLength,
                1 => Length,
                _ => chance.NextInt64(Math.Min(_durableLength, Length), Math.Max(_durableLength, Length) + 1),
            });
            after._content.AsSpan((int)after.Length).Clear();
            after._durableLength = after.Length;
            return after;
        }

        public override Node Clone(Dictionary<Node, Node> copies)
        {
            if (copies.TryGetValue(this, out var known))
                return known;
            var copy = new FileNode { _content = (byte[])_content.Clone(), Length = Length, _durableLength = _durableLength, Reserved = Reserved };
            foreach (var (sector, bytes) in _before)
                copy._before.Add(sector, bytes);
            foreach (var (sector, bytes) in _lost)
                copy._lost.Add(sector, bytes);
            copies[this] = copy;
            return copy;
        }

        private void Dirty(long sector)
        {
            if (_before.ContainsKey(sector))
                return;
            // A sector whose flush failed still has on the disk what it had before that flush.
            var bytes = new byte[SectorBytes];
            if (_lost.TryGetValue(sector, out var lost))
                lost.CopyTo(bytes, 0);
            else
                Read(bytes, sector * SectorBytes);
            _before.Add(sector, bytes);
        }

        private void Put(long sector, byte[] bytes, int from, int count)
        {
            var at = sector * SectorBytes + from;
            if (at < _content.Length)
                bytes.AsSpan(from, (int)Math.Min(count, _content.Length - at)).CopyTo(_content.AsSpan((int)at));
        }

        private void Grow(long length)
        {
            if (length > _content.Length)
                Array.Resize(ref _content, (int)Math.Max(length, Math.Max(SectorBytes, _content.Length * 2L)));
        }
    }
}
