namespace RestStream.Connect.Plugins;

/// <summary>
/// Which versions of a plugin a configuration allows, as Maven writes it: <c>[1.0,2.0)</c>, <c>(,2.0]</c>, <c>[1.0]</c>, several with commas between them. A bare version means exactly that one, as in Kafka.
/// </summary>
internal sealed class VersionRange
{
    private readonly List<Restriction> _restrictions = [];

    private VersionRange()
    {
    }

    /// <summary>Reads a range; null for null and for <c>latest</c>: any version, the newest first.</summary>
    /// <exception cref="PluginNotFoundException">It is none; the message is Maven's, as Kafka shows it.</exception>
    public static VersionRange? Parse(string? text)
    {
        text = text?.Trim();
        if (text is null or "latest")
            return null;

        var range = new VersionRange();
        var rest = text;
        while (rest.StartsWith('[') || rest.StartsWith('('))
        {
            var end = rest.IndexOfAny([')', ']']);
            if (end < 0)
                throw new PluginNotFoundException($"Unbounded range: {text}");
            var next = Restriction.Parse(rest[..(end + 1)]);
            if (range._restrictions is [.., { Upper: var before }] && before is not null && (next.Lower is null || next.Lower.CompareTo(before) < 0))
                throw new PluginNotFoundException($"Ranges overlap: {text}");
            range._restrictions.Add(next);
            rest = rest[(end + 1)..].TrimStart();
            if (rest.StartsWith(','))
                rest = rest[1..].TrimStart();
        }

        if (rest.Length > 0 && range._restrictions.Count > 0)
            throw new PluginNotFoundException($"Only fully-qualified sets allowed in multiple set scenario: {text}");
        if (range._restrictions.Count == 0)
            range._restrictions.Add(Restriction.Parse($"[{rest}]"));
        return range;
    }

    public bool Allows(PluginVersion version) => _restrictions.Any(restriction => restriction.Allows(version));

    public override string ToString() => string.Join(',', _restrictions);

    private sealed record Restriction(PluginVersion? Lower, bool LowerInclusive, PluginVersion? Upper, bool UpperInclusive)
    {
        public static Restriction Parse(string text)
        {
            bool lowerInclusive = text[0] == '[', upperInclusive = text[^1] == ']';
            var inner = text[1..^1].Trim();
            var comma = inner.IndexOf(',');
            if (comma < 0)
            {
                if (!lowerInclusive || !upperInclusive)
                    throw new PluginNotFoundException($"Single version must be surrounded by []: {text}");
                var only = new PluginVersion(inner);
                return new Restriction(only, true, only, true);
            }

            var restriction = new Restriction(Bound(inner[..comma]), lowerInclusive, Bound(inner[(comma + 1)..]), upperInclusive);
            var order = restriction.Lower is null || restriction.Upper is null ? -1 : restriction.Lower.CompareTo(restriction.Upper);
            if (order > 0 || (order == 0 && !(lowerInclusive && upperInclusive)))
                throw new PluginNotFoundException($"Range defies version ordering: {text}");
            return restriction;
        }

        public bool Allows(PluginVersion version)
        {
            var above = Lower is null ? 1 : version.CompareTo(Lower);
            var below = Upper is null ? 1 : Upper.CompareTo(version);
            return (above > 0 || (above == 0 && LowerInclusive)) && (below > 0 || (below == 0 && UpperInclusive));
        }

        public override string ToString() => $"{(LowerInclusive ? '[' : '(')}{Lower},{Upper}{(UpperInclusive ? ']' : ')')}";

        private static PluginVersion? Bound(string text) => text.Trim() is { Length: > 0 } version ? new PluginVersion(version) : null;
    }
}
