using System.Globalization;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;

namespace RestStream.Http.Records;

/// <summary>The next offset wanted of one partition. <paramref name="Topic"/> is null where the cursor leaves it to the URL.</summary>
internal readonly record struct CursorItem(string? Topic, int Partition, long Offset);

/// <summary>
/// A place in one or several partitions, as text: <c>0:43,1:7</c>, over several topics <c>orders/0:43,bills/0:9</c>. A first item <c>@k3f9a1</c> names the incarnation
/// of the topics (<see cref="Incarnation"/>), so that an old cursor is not taken for a place in a topic that was deleted and made again.
/// The same text is a page's <c>cursor</c>, an event's <c>id</c> and <c>Last-Event-ID</c>. Written by <see cref="CursorWriter"/>.
/// </summary>
internal sealed record Cursor(string? Incarnation, IReadOnlyList<CursorItem> Items)
{
    /// <summary>More partitions than one reader may follow; the text would not fit into a URL or header anyway.</summary>
    public const int MaxItems = 10_000;

    /// <exception cref="HttpError">400 naming <paramref name="parameter"/> and what is wrong. Nothing is forgiven: a cursor is a machine's text, a wrong place loses records.</exception>
    public static Cursor Parse(string text, string parameter)
    {
        string? incarnation = null;
        var items = new List<CursorItem>();
        var seen = new HashSet<(string?, int)>();
        var rest = text.AsSpan();
        for (var first = true; ; first = false)
        {
            var comma = rest.IndexOf(',');
            var item = comma < 0 ? rest : rest[..comma];
            if (first && item is ['@', .. var name])
            {
                if (name.Length != Records.Incarnation.Length || name.ContainsAnyExcept(Records.Incarnation.Alphabet))
                    throw Bad(parameter, "its first item is not an incarnation such as @k3f9a1");
                incarnation = name.ToString();
                if (comma < 0)
                    throw Bad(parameter, "it names no partition");
            }
            else
            {
                var parsed = ParseItem(item, parameter);
                if (items.Count == MaxItems)
                    throw Bad(parameter, $"it has more than {MaxItems} items");
                if (items.Count > 0 && items[0].Topic is null != parsed.Topic is null)
                    throw Bad(parameter, "some of its items name a topic and some do not");
                if (!seen.Add((parsed.Topic, parsed.Partition)))
                    throw Bad(parameter, $"it names partition {parsed.Partition} twice");
                items.Add(parsed);
            }

            if (comma < 0)
                return new Cursor(incarnation, items);
            rest = rest[(comma + 1)..];
        }
    }

    private static CursorItem ParseItem(ReadOnlySpan<char> item, string parameter)
    {
        string? topic = null;
        var slash = item.IndexOf('/');
        if (slash >= 0)
        {
            topic = item[..slash].ToString();
            if (TopicNames.FindProblem(topic) is { } problem)
                throw Bad(parameter, $"it names a topic that cannot be: {problem}");
            item = item[(slash + 1)..];
        }

        var colon = item.IndexOf(':');
        if (colon < 0 || !TryNumber(item[..colon], int.MaxValue, out var partition) || !TryNumber(item[(colon + 1)..], long.MaxValue, out var offset))
            throw Bad(parameter, "an item is not <partition>:<next offset>");
        return new CursorItem(topic, (int)partition, offset);
    }

    /// <summary>Digits only, no sign, no blank, no leading zero.</summary>
    private static bool TryNumber(ReadOnlySpan<char> text, long max, out long value)
    {
        value = -1;
        return (text is "0" || text is [not '0', ..]) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= max;
    }

    private static HttpError Bad(string parameter, string problem) =>
        HttpError.BadParameter(parameter, $"{parameter} is not a cursor: {problem}. A cursor looks like 0:43,1:7, or orders/0:43,bills/0:9. Use one that an answer gave you.");
}

/// <summary>Six characters that differ, in all likelihood, when one of the topics was deleted and made again.</summary>
internal static class Incarnation
{
    public const int Length = 6;
    public const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>Of the topics of a cursor, each once, in the order in which the cursor names them first.</summary>
    public static string Of(IEnumerable<Guid> topicIds)
    {
        // FNV-1a over the ids: stable across processes, which string.GetHashCode is not.
        var hash = 14695981039346656037UL;
        Span<byte> id = stackalloc byte[16];
        foreach (var topicId in topicIds)
        {
            topicId.TryWriteBytes(id, bigEndian: true, out _);
            foreach (var b in id)
                hash = (hash ^ b) * 1099511628211UL;
        }

        Span<char> text = stackalloc char[Length];
        for (var i = 0; i < Length; i++, hash /= 36)
            text[i] = Alphabet[(int)(hash % 36)];
        return text.ToString();
    }
}
