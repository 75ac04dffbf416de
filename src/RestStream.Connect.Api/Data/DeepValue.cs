using System.Collections;

namespace RestStream.Connect.Data;

/// <summary>Equality of values as Kafka's classes have it: bytes, lists and maps by what they hold. As a comparer for maps whose keys may be such.</summary>
internal sealed class DeepValue : IEqualityComparer<object>
{
    public static readonly DeepValue Comparer = new();

    private DeepValue()
    {
    }

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

    /// <summary>A map of our own kind with these entries: Dictionary&lt;string, object?&gt; when all keys are text, else Dictionary&lt;object, object?&gt;. Of equal keys the last counts.</summary>
    public static IDictionary Map(IReadOnlyList<KeyValuePair<object, object?>> entries)
    {
        if (entries.All(e => e.Key is string))
        {
            var byText = new Dictionary<string, object?>(entries.Count);
            foreach (var (key, value) in entries)
                byText[(string)key] = value;
            return byText;
        }

        var map = new Dictionary<object, object?>(entries.Count, Comparer);
        foreach (var (key, value) in entries)
            map[key] = value;
        return map;
    }

    bool IEqualityComparer<object>.Equals(object? x, object? y) => Equal(x, y);

    int IEqualityComparer<object>.GetHashCode(object obj) => Hash(obj);

    private static int HashBytes(byte[] bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }
}
