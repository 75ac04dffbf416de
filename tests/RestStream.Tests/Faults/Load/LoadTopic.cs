namespace RestStream.Tests.Faults.Load;

/// <summary>A topic under load.</summary>
internal sealed record LoadTopic(string Name, int Partitions, IReadOnlyDictionary<string, string> Configs)
{
    /// <summary>
    /// One of each kind that takes another way through the log: plain, small segments that roll all the time, compressed, and acknowledged from the page cache
    /// (which a killed process does not lose).
    /// </summary>
    public static IReadOnlyList<LoadTopic> Mixed { get; } =
    [
        new("plain", 1, new Dictionary<string, string>()),
        new("many", 8, new Dictionary<string, string>()),
        new("rolling", 3, new Dictionary<string, string> { ["segment.bytes"] = "65536", ["index.interval.bytes"] = "512" }),
        new("packed", 2, new Dictionary<string, string> { ["compression.type"] = "lz4" }),
        new("cached", 2, new Dictionary<string, string> { ["reststream.durability"] = "os" }),
        new("interval", 2, new Dictionary<string, string> { ["reststream.durability"] = "interval", ["flush.ms"] = "50" }),
    ];

    /// <summary>Those whose acknowledgements stand for a flush.</summary>
    public static IReadOnlyList<LoadTopic> Durable { get; } = [.. Mixed.Where(t => !t.Configs.ContainsKey("reststream.durability"))];
}
