using System.Collections;
using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>Maps without a schema. Nearly all have text as keys and are a <c>Dictionary&lt;string, object?&gt;</c>; any other IDictionary works too.</summary>
internal static class Maps
{
    /// <summary>A map of its own with the same entries, for a field to be added to.</summary>
    public static IDictionary Copy(IDictionary map)
    {
        if (map is Dictionary<string, object?> usual)
            return new Dictionary<string, object?>(usual);
        var copy = new Dictionary<object, object?>(map.Count);
        foreach (DictionaryEntry entry in map)
            copy[entry.Key] = entry.Value;
        return copy;
    }

    /// <summary>A key as the name of a field.</summary>
    /// <exception cref="DataException">It is no text.</exception>
    public static string Name(object key, string purpose) =>
        key as string ?? (key is NullKey ? "null" : throw new DataException($"Only text is supported as the name of a field for [{purpose}], found: {Requirements.TypeName(key)}"));
}
