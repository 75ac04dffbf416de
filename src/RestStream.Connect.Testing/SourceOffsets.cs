using System.Globalization;

namespace RestStream.Connect.Testing;

/// <summary>Stored source offsets, with what a store of JSON does to them: integers come back as <see cref="long"/>, and nothing but strings, numbers, booleans and null may be in them.</summary>
internal sealed class SourceOffsets
{
    private readonly Dictionary<string, (IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?> Offset)> _offsets = [];

    public IReadOnlyList<(IReadOnlyDictionary<string, object?> Partition, IReadOnlyDictionary<string, object?> Offset)> All => [.. _offsets.Values];

    public IReadOnlyDictionary<string, object?>? Find(IReadOnlyDictionary<string, object?> partition) => _offsets.TryGetValue(KeyOf(Stored(partition)), out var found) ? found.Offset : null;

    public void Store(IReadOnlyDictionary<string, object?> partition, IReadOnlyDictionary<string, object?> offset)
    {
        var stored = Stored(partition);
        _offsets[KeyOf(stored)] = (stored, Stored(offset));
    }

    private static string KeyOf(Dictionary<string, object?> partition) =>
        string.Join('\n', partition.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key}={e.Value?.GetType().Name}:{Convert.ToString(e.Value, CultureInfo.InvariantCulture)}"));

    private static Dictionary<string, object?> Stored(IReadOnlyDictionary<string, object?> map) => map.ToDictionary(e => e.Key, e => e.Value switch
    {
        null or string or bool or long or double => e.Value,
        sbyte or byte or short or ushort or int or uint => Convert.ToInt64(e.Value, CultureInfo.InvariantCulture),
        float number => (double)number,
        var other => throw new ConnectException($"'{e.Key}' of a source partition or offset is a {other.GetType().Name}. Only strings, numbers, booleans and null can be stored."),
    });
}
