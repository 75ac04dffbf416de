namespace RestStream.Connect.Converters;

/// <summary>
/// Things that were made of bytes, found again without making anything of the bytes. Full, it starts anew: cheaper per look-up than to remember what was used last, and as good where everything fits.
/// </summary>
internal sealed class BytesCache<T>(int capacity)
    where T : class
{
    private readonly Dictionary<byte[], T> _entries = new(BytesComparer.Instance);

    public bool TryGet(ReadOnlySpan<byte> bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? value) => _entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(bytes, out value);

    public void Add(ReadOnlySpan<byte> bytes, T value)
    {
        if (capacity == 0)
            return;
        if (_entries.Count >= capacity)
            _entries.Clear();
        _entries[bytes.ToArray()] = value;
    }

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            // Seeded per process: nobody outside can choose bytes that meet.
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
