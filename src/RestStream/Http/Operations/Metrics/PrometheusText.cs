using System.Globalization;
using System.Text;

namespace RestStream.Http.Operations.Metrics;

/// <summary>The Prometheus text format, version 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary><c>reststream.records.in</c> with unit <c>s</c> becomes <c>reststream_records_in_seconds</c>; counters end in <c>_total</c>.</summary>
    public static string Name(string instrument, string? unit, MetricKind kind)
    {
        var name = Sanitize(instrument);
        var suffix = unit switch { "s" => "_seconds", "ms" => "_milliseconds", "By" => "_bytes", _ => "" };
        if (!name.EndsWith(suffix, StringComparison.Ordinal))
            name += suffix;
        return kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    /// <summary>Sorted by name, so that one set of labels has one text: <c>partition="0",topic="a"</c>. Empty and null values are left out, as the format says.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var sorted = labels.ToArray();
        Array.Sort(sorted, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        var text = new StringBuilder();
        foreach (var (key, value) in sorted)
        {
            if (Value(value) is not { Length: > 0 } label)
                continue;
            text.Append(text.Length == 0 ? "" : ",").Append(Sanitize(key)).Append("=\"");
            Escape(label, quotes: true, text);
            text.Append('"');
        }

        return text.ToString();
    }

    public static void Write(StringBuilder text, MetricFamily family, IReadOnlyList<MetricSeries> series)
    {
        if (series.Count == 0)
            return;
        text.Append("# HELP ").Append(family.Name).Append(' ');
        Escape(family.Help, quotes: false, text);
        text.Append("\n# TYPE ").Append(family.Name).Append(' ').Append(Type(family.Kind)).Append('\n');
        foreach (var one in series)
        {
            if (family.Kind == MetricKind.Histogram)
                Histogram(text, family, one);
            else
                Sample(text, family.Name, one.Labels, Number(one.Value));
        }
    }

    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static void Histogram(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        // The count is the sum of the buckets, not a number of its own: a value recorded in between cannot make them disagree.
        var count = 0L;
        var buckets = series.Buckets();
        var comma = series.Labels.Length == 0 ? "" : ",";
        for (var i = 0; i < buckets.Length; i++)
        {
            count += buckets[i];
            var bound = i < family.Bounds!.Length ? Number(family.Bounds[i]) : "+Inf";
            Sample(text, family.Name + "_bucket", $"{series.Labels}{comma}le=\"{bound}\"", Number(count));
        }

        Sample(text, family.Name + "_sum", series.Labels, Number(series.Value));
        Sample(text, family.Name + "_count", series.Labels, Number(count));
    }

    private static void Sample(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(value).Append('\n');
    }

    private static string Type(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        _ => "histogram",
    };

    private static string? Value(object? label) => label switch
    {
        null => null,
        string text => text,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => label.ToString(),
    };

    private static string Sanitize(string name)
    {
        var clean = string.Create(name.Length, name, static (into, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                into[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_';
        });
        return clean.Length > 0 && char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    private static void Escape(string value, bool quotes, StringBuilder into)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '\\' => into.Append(@"\\"),
                '\n' => into.Append(@"\n"),
                '"' when quotes => into.Append("\\\""),
                _ => into.Append(c),
            };
        }
    }
}
