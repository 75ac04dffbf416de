using System.Globalization;

namespace RestStream.Connect.Stores;

/// <summary>
/// Whether two maps name the same source partition. Kafka compares the JSON that its converter makes, so there the order of fields counts, by accident of the map's class. Here it does not: whatever Kafka finds
/// is found, and a plugin that builds its map in another order after an update still is. Integers are equal by value whatever their type; 1 and 1.0 differ, as in JSON.
/// </summary>
internal sealed class SourcePartitionComparer : IEqualityComparer<IReadOnlyDictionary<string, object?>>
{
    public static SourcePartitionComparer Instance { get; } = new();

    public bool Equals(IReadOnlyDictionary<string, object?>? x, IReadOnlyDictionary<string, object?>? y)
    {
        if (ReferenceEquals(x, y))
            return true;
        if (x is null || y is null || x.Count != y.Count)
            return false;
        foreach (var (name, value) in x)
        {
            if (!y.TryGetValue(name, out var other) || !SameValue(Normal(value), Normal(other)))
                return false;
        }

        return true;
    }

    public int GetHashCode(IReadOnlyDictionary<string, object?> map)
    {
        var hash = map.Count;
        foreach (var (name, value) in map)
        {
            // A sum, because the order does not count.
            hash += HashCode.Combine(name, value is string or bool ? value.GetHashCode() : Normal(value) is { } plain and (long or double or string) ? plain.GetHashCode() : 0);
        }

        return hash;
    }

    private static bool SameValue(object? x, object? y) => (x, y) switch
    {
        (IReadOnlyDictionary<string, object?> a, IReadOnlyDictionary<string, object?> b) => Instance.Equals(a, b),
        (IEnumerable<object?> a, IEnumerable<object?> b) => a.Select(Normal).SequenceEqual(b.Select(Normal)),
        _ => Equals(x, y),
    };

    /// <summary>The value as it comes back from the log.</summary>
    private static object? Normal(object? value) => value switch
    {
        string or bool or long or double or null => value,
        sbyte or short or int or byte or ushort or uint => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        float number => (double)number,
        byte[] bytes => Convert.ToBase64String(bytes),
        _ => value,
    };
}
