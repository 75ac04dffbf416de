using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace RestStream.Connectors.Http.Source;

/// <summary>
/// Where in a round of pages we are, inside the offset. Its parts (timestamp, key, ...) stay those of the round's start until the round ends: elements of all its pages are compared with them, in whatever order they come, and
/// every page is asked for with them. The furthest place that was seen stands beside them under <c>next.</c> and takes their place in the end. In the middle of a page it is counted which elements were taken, with a hash of
/// them: when the page is not as it was, it is read from its beginning once more.
/// </summary>
internal static class PagePlace
{
    private const string Next = "next.", Taken = "taken", TakenHash = "taken_hash";

    /// <summary>The element was seen in this round.</summary>
    public static void Advance(Dictionary<string, object?> offset, IReadOnlyList<(string Name, object? Value)> parts)
    {
        if (OffsetOrder.Compare(parts, Furthest(offset)) < 0)
            return;
        foreach (var (name, value) in parts)
        {
            if (value is not null)
                offset[Next + name] = value;
        }
    }

    /// <summary>So many elements of the page are taken.</summary>
    public static void Take(Dictionary<string, object?> offset, int count, IncrementalHash hash)
    {
        offset[Taken] = (long)count;
        offset[TakenHash] = Text(hash);
    }

    /// <summary>The page is read to its end.</summary>
    public static void EndPage(Dictionary<string, object?> offset)
    {
        offset.Remove(Taken);
        offset.Remove(TakenHash);
    }

    /// <summary>The last page is read: the next round begins behind all that was seen.</summary>
    public static void EndRound(Dictionary<string, object?> offset)
    {
        foreach (var (name, value) in Furthest(offset))
        {
            offset.Remove(Next + name);
            offset[name] = value;
        }
    }

    /// <summary>How many of the elements were taken already.</summary>
    public static int AlreadyTaken(IReadOnlyDictionary<string, object?> offset, List<JsonElement> elements)
    {
        if (offset.GetValueOrDefault(Taken) is not { } value)
            return 0;
        var count = Convert.ToInt64(value, CultureInfo.InvariantCulture);
        if (count > elements.Count)
            return 0;
        using var hash = NewHash();
        for (var i = 0; i < count; i++)
            Add(hash, elements[i]);
        return Text(hash) == offset.GetValueOrDefault(TakenHash) as string ? (int)count : 0;
    }

    public static IncrementalHash NewHash() => IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public static void Add(IncrementalHash hash, JsonElement element)
    {
        hash.AppendData(JsonMarshal.GetRawUtf8Value(element));
        hash.AppendData("\n"u8);
    }

    private static Dictionary<string, object?> Furthest(Dictionary<string, object?> offset) =>
        offset.Where(o => o.Key.StartsWith(Next, StringComparison.Ordinal)).ToDictionary(o => o.Key[Next.Length..], o => o.Value);

    private static string Text(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetCurrentHash().AsSpan(0, 8));
}
