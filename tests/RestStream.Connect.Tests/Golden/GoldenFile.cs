using System.Collections.Concurrent;
using System.Text.Json;

namespace RestStream.Connect.Tests.Golden;

/// <summary>A file of what Kafka's own classes answered (<c>golden/connect/*.json</c>, described in <c>golden/README.md</c>).</summary>
internal sealed class GoldenFile
{
    private static readonly ConcurrentDictionary<string, GoldenFile> s_files = new();
    private readonly Dictionary<string, GoldenCase> _byId;

    private GoldenFile(string name)
    {
        using var stream = File.OpenRead(Path.Combine(Locations.Golden, "connect", name));
        Cases = [.. JsonDocument.Parse(stream).RootElement.GetProperty("cases").EnumerateArray().Select(c => new GoldenCase(c))];
        _byId = Cases.ToDictionary(c => c.Id);
    }

    public IReadOnlyList<GoldenCase> Cases { get; }

    public GoldenCase this[string id] => _byId[id];

    /// <summary>The file of that name, such as <c>values.json</c>. Read once.</summary>
    public static GoldenFile Open(string name) => s_files.GetOrAdd(name, n => new GoldenFile(n));

    /// <summary>The ids of the cases, or of some of them, as data of a theory.</summary>
    public TheoryData<string> Ids(Func<GoldenCase, bool>? wanted = null) => [.. Cases.Where(wanted ?? (_ => true)).Select(c => c.Id)];
}
