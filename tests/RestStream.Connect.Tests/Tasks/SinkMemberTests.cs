using System.Collections;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Tests.Tasks;

public class SinkMemberTests
{
    [Fact]
    public async Task The_overrides_that_a_sink_reads_are_those_that_validation_takes_for_effective()
    {
        await using var worker = await TestWorker.StartAsync();
        var config = new AskedConfig { ["topics"] = "in" };

        SinkMember.Join(new TaskDefinition(new TaskId("c", 0), PluginKind.Sink, "1", typeof(RememberingSink), config, new ConfigDef(), StartPaused: false), config, worker.Services);

        Assert.Equal(ClientOverrides.Honoured(isSource: false).Order(), config.Asked.Where(key => key.Contains(".override.", StringComparison.Ordinal)).Order());
    }

    /// <summary>A configuration that remembers which keys somebody asked for.</summary>
    private sealed class AskedConfig : IReadOnlyDictionary<string, string>
    {
        private readonly Dictionary<string, string> _values = [];

        public HashSet<string> Asked { get; } = [];

        public int Count => _values.Count;

        public IEnumerable<string> Keys => _values.Keys;

        public IEnumerable<string> Values => _values.Values;

        public string this[string key]
        {
            get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException(key);
            init => _values[key] = value;
        }

        public bool ContainsKey(string key) => TryGetValue(key, out _);

        public bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out string value)
        {
            Asked.Add(key);
            return _values.TryGetValue(key, out value);
        }

        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _values.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
