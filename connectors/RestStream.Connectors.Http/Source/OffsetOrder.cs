using System.Globalization;
using RestStream.Connect.Data;

namespace RestStream.Connectors.Http.Source;

/// <summary>Which of two places comes first: by their parts named timestamp, and where those are equal, key. Numbers and times are compared as such, everything else as text.</summary>
internal static class OffsetOrder
{
    private static readonly string[] s_parts = ["timestamp", "key"];

    /// <summary>Above 0: the element comes behind the offset, or nothing says that it does not; 0: it is at the same place; below 0: before it.</summary>
    public static int Compare(IReadOnlyList<(string Name, object? Value)> parts, IReadOnlyDictionary<string, object?> offset)
    {
        foreach (var name in s_parts)
        {
            if (Find(parts, name) is not { } value || offset.GetValueOrDefault(name) is not { } last)
                continue;
            var order = Compare(value, last);
            if (order != 0 || name == "key" || Find(parts, "key") is null)
                return order;
        }

        return 1;
    }

    private static object? Find(IReadOnlyList<(string Name, object? Value)> parts, string name)
    {
        foreach (var part in parts)
        {
            if (part.Name == name)
                return part.Value;
        }

        return null;
    }

    private static int Compare(object value, object last)
    {
        if (AsNumber(value) is { } a && AsNumber(last) is { } b)
            return a.CompareTo(b);
        var (left, right) = (Values.ToText(value), Values.ToText(last));
        return DateTimeOffset.TryParse(left, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var x) && DateTimeOffset.TryParse(right, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var y)
            ? x.CompareTo(y)
            : string.CompareOrdinal(left, right);
    }

    private static decimal? AsNumber(object? value) => value switch
    {
        long whole => whole,
        double number when Math.Abs(number) < 1e28 => (decimal)number,
        string text when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };
}
