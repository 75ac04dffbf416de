using System.Collections;

namespace RestStream.Connect.Data;

/// <summary>Equality of values as Kafka's classes have it: bytes, lists and maps by what they hold.</summary>
internal static class DeepValue
{
    public static bool Equal(object? a, object? b) => (a, b) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        (byte[] x, byte[] y) => x.AsSpan().SequenceEqual(y),
        (IDictionary x, IDictionary y) => x.Count == y.Count && Entries(x).All(e => y.Contains(e.Key) && Equal(e.Value, y[e.Key])),
        (IList x, IList y) => x.Count == y.Count && Enumerable.Range(0, x.Count).All(i => Equal(x[i], y[i])),
        _ => a.Equals(b),
    };

    public static int Hash(object? value) => value switch
    {
        null => 0,
        byte[] bytes => HashBytes(bytes),
        IDictionary map => map.Count,
        IList list => list.Cast<object?>().Aggregate(1, (hash, item) => HashCode.Combine(hash, Hash(item))),
        _ => value.GetHashCode(),
    };

    /// <summary>The entries of any map. <c>Cast&lt;DictionaryEntry&gt;</c> would not do: it asks IEnumerable, and a generic dictionary answers that with KeyValuePairs.</summary>
    public static IEnumerable<DictionaryEntry> Entries(IDictionary map)
    {
        foreach (DictionaryEntry entry in map)
            yield return entry;
    }

    private static int HashBytes(byte[] bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}
