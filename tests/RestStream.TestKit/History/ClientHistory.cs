using System.Diagnostics;
using System.Text.Json;

namespace RestStream.TestKit.History;

/// <summary>What all clients of a run did and saw. Safe to add to from many threads; saved as one JSON object a line, so that a verdict can be looked into later.</summary>
public sealed class ClientHistory
{
    private readonly Lock _lock = new();
    private readonly List<HistoryEntry> _entries = [];

    /// <summary>Monotonic nanoseconds, for <see cref="HistoryEntry.Start"/> and <see cref="HistoryEntry.End"/>.</summary>
    public static long Now => Stopwatch.GetTimestamp() * (1_000_000_000 / Stopwatch.Frequency);

    public IReadOnlyList<HistoryEntry> Entries { get { lock (_lock) return [.. _entries]; } }

    public void Add(HistoryEntry entry)
    {
        lock (_lock)
            _entries.Add(entry);
    }

    public void Save(string path)
    {
        using var writer = File.CreateText(path);
        foreach (var entry in Entries)
            writer.WriteLine(JsonSerializer.Serialize(entry));
    }

    public static ClientHistory Load(string path)
    {
        var history = new ClientHistory();
        foreach (var line in File.ReadLines(path))
            history.Add(JsonSerializer.Deserialize<HistoryEntry>(line) ?? throw new JsonException("A line of the history is null."));
        return history;
    }
}
