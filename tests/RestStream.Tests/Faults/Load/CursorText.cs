using System.Globalization;
using RestStream.TestKit.History;

namespace RestStream.Tests.Faults.Load;

/// <summary>Reads <c>@k3f9a1,0:43,1:7</c> of one topic.</summary>
internal static class CursorText
{
    public static IReadOnlyList<HistoryPosition> Positions(string topic, string cursor) =>
    [
        .. cursor.Split(',').Where(item => !item.StartsWith('@')).Select(item => item[(item.IndexOf('/') + 1)..].Split(':')).Select(
            parts => new HistoryPosition(topic, int.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture))),
    ];
}
