using System.Text;
using RestStream.Connect.Model;
using static RestStream.Connect.Stores.ConfigRecords;

namespace RestStream.Connect.Stores;

/// <summary>The configuration topic while it is read: its records in order, and what they come to.</summary>
internal sealed class ConfigReading(SecretSeal seal, Action<string> ignored)
{
    private readonly Dictionary<string, Found> _found = new(StringComparer.Ordinal);

    /// <summary>Settings of connectors that were sealed with another key.</summary>
    public IEnumerable<(string Connector, IReadOnlyList<string> Settings)> Lost => _found.Where(f => f.Value is { Config: not null, Lost.Count: > 0 }).Select(f => (f.Key, f.Value.Lost));

    public void Apply(RecordPlace place, RawRecord record)
    {
        var key = Encoding.UTF8.GetString(record.Key);
        var value = record.CopyValue();
        try
        {
            if (key.StartsWith(TargetStatePrefix, StringComparison.Ordinal))
                Of(key[TargetStatePrefix.Length..]).Target = value is null ? TargetState.Started : ReadTargetState(value.Value);
            else if (key.StartsWith(ConnectorPrefix, StringComparison.Ordinal))
                ApplyConnector(key[ConnectorPrefix.Length..], value);
            else if (key.StartsWith(CommitPrefix, StringComparison.Ordinal))
                ApplyCommit(key[CommitPrefix.Length..], value);
            else if (IsOfNoConcern(key))
                return;
            else if (key.StartsWith(TaskPrefix, StringComparison.Ordinal) && TrySplitTask(key.AsSpan(TaskPrefix.Length), out var connector, out var task))
                ApplyTask(connector, task, value);
            else
                ignored($"nobody knows what the key '{key}' is");
        }
        catch (FormatException e)
        {
            ignored($"the value of '{key}' is not understood: {e.Message}");
        }
    }

    public IEnumerable<(string Name, StoredConnector Connector)> Connectors()
    {
        foreach (var (name, found) in _found)
        {
            if (found.Config is null)
                continue;

            // After compaction configurations of tasks may be missing; then none count, and the connector is asked for them anew.
            var complete = Enumerable.Range(0, found.TaskCount).All(found.Committed.ContainsKey);
            List<IReadOnlyDictionary<string, string>> tasks = complete ? [.. Enumerable.Range(0, found.TaskCount).Select(i => found.Committed[i])] : [];
            yield return (name, new StoredConnector(found.Config, found.Target, tasks, found.Committed.Count == 0 ? 0 : found.Committed.Keys.Max() + 1));
        }
    }

    private void ApplyConnector(string name, ReadOnlyMemory<byte>? value)
    {
        if (value is null)
        {
            // The target state has a tombstone of its own; compaction may have put either first.
            var found = Of(name);
            found.Config = null;
            found.TaskCount = 0;
            found.Committed.Clear();
            found.Deferred.Clear();
            return;
        }

        (Of(name).Config, Of(name).Lost) = seal.Open(name, ReadProperties(value.Value));
    }

    private void ApplyTask(string connector, int task, ReadOnlyMemory<byte>? value)
    {
        var found = Of(connector);
        if (value is not null)
        {
            found.Deferred[task] = seal.Open(connector, ReadProperties(value.Value)).Config;
            return;
        }

        found.Deferred.Remove(task);
        found.Committed.Remove(task);
    }

    private void ApplyCommit(string connector, ReadOnlyMemory<byte>? value)
    {
        var found = Of(connector);
        if (value is null)
        {
            found.TaskCount = 0;
            return;
        }

        // Of a connector that is deleted, Kafka leaves tasks behind.
        found.TaskCount = found.Config is null ? 0 : ReadCommit(value.Value);
        foreach (var (task, config) in found.Config is null ? [] : found.Deferred)
            found.Committed[task] = config;
        found.Deferred.Clear();
    }

    private Found Of(string connector)
    {
        if (!_found.TryGetValue(connector, out var found))
            _found.Add(connector, found = new Found());
        return found;
    }

    private sealed class Found
    {
        public Dictionary<string, string>? Config { get; set; }
        public IReadOnlyList<string> Lost { get; set; } = [];
        public TargetState Target { get; set; } = TargetState.Started;
        public int TaskCount { get; set; }
        public Dictionary<int, IReadOnlyDictionary<string, string>> Committed { get; } = [];
        public Dictionary<int, IReadOnlyDictionary<string, string>> Deferred { get; } = [];
    }
}
