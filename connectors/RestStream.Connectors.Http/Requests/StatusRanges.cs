using System.Globalization;

namespace RestStream.Connectors.Http.Requests;

/// <summary>HTTP statuses as they are configured: <c>200-299,304</c>; castorm's <c>200..299</c> is understood too.</summary>
internal sealed class StatusRanges
{
    private readonly List<(int From, int To)> _ranges = [];

    /// <exception cref="FormatException">No list of statuses.</exception>
    public StatusRanges(IEnumerable<string> texts)
    {
        foreach (var text in texts)
        {
            var ends = text.Split(text.Contains("..", StringComparison.Ordinal) ? ".." : "-", 2);
            if (!Parse(ends[0], out var from) || !Parse(ends[^1], out var to) || from > to)
                throw new FormatException($"'{text}' is no HTTP status and no range of them. Write 404 or 500-599.");
            _ranges.Add((from, to));
        }
    }

    public bool Contains(int status) => _ranges.Exists(r => status >= r.From && status <= r.To);

    private static bool Parse(string text, out int status) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out status) && status is >= 100 and <= 599;
}
