namespace RestStream.Connectors.Datagen;

/// <summary>
/// Random numbers of one record (SplitMix64): begun anew for each from seed, task and number of the record, so that record n is the same whether or not those before it were made, in every version of .NET.
/// </summary>
internal sealed class Draw
{
    private ulong _state;

    /// <summary>The number of the record, from 0.</summary>
    public long Iteration { get; private set; }

    public void Begin(long seed, int task, long iteration)
    {
        Iteration = iteration;
        _state = Mix((ulong)seed + ((ulong)task * 0xD1B54A32D192ED03)) ^ ((ulong)iteration * 0x8CB92BA72F3D8DD7);
    }

    /// <summary>A number from and to these.</summary>
    public long Between(long min, long max) => min + (long)(((UInt128)Next() * (ulong)(max - min + 1)) >> 64);

    public int Between(int min, int max) => (int)Between((long)min, max);

    /// <summary>A number from the first to below the second.</summary>
    public double Between(double min, double max) => min + ((Next() >> 11) * (1.0 / (1ul << 53)) * (max - min));

    public T Of<T>(T[] pool) => pool[Between(0, pool.Length - 1)];

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);
}
