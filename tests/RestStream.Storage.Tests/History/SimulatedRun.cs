using RestStream.TestKit.History;

namespace RestStream.Storage.Tests.History;

/// <summary>
/// A history as clients of a perfect server would write it, from a seed: several partitions, sends of several records, refused and unanswered ones, readers that poll
/// in pieces, crashes, and a full read in the end.
/// </summary>
internal sealed class SimulatedRun
{
    private const string Topic = "t";
    private const int Partitions = 3;

    private readonly Random _random;
    private readonly List<HistoryRecord>[] _logs = [.. Enumerable.Range(0, Partitions).Select(_ => new List<HistoryRecord>())];
    private readonly Dictionary<string, int> _positions = [];
    private long _now;
    private int _count;

    public SimulatedRun(int seed)
    {
        _random = new Random(seed);
        for (var step = 0; step < 300; step++)
        {
            if (_random.Next(3) == 0)
                Poll($"r{_random.Next(3)}");
            else
                Send($"w{_random.Next(4)}");
        }
        for (var partition = 0; partition < Partitions; partition++)
            Entries.Add(Read("final", partition, 0, _logs[partition].Count) with { Final = true });
    }

    public List<HistoryEntry> Entries { get; } = [];

    /// <summary>An acknowledged send of at least so many records that is neither the first nor the last of its partition.</summary>
    public HistoryEntry AcknowledgedSend(int records = 1) => Entries.Skip(40).First(e =>
        e is { Operation: Operation.Send, Outcome: Outcome.Ok } && e.Records.Count >= records && e.Records[0].Offset > 10
        && e.Records[^1].Offset < _logs[e.Records[0].Partition].Count - 10);

    /// <summary>The n-th poll of a reader that was given at least so many records.</summary>
    public HistoryEntry PollOf(string process, int records, int skip = 0) =>
        Entries.Where(e => e.Operation == Operation.Poll && e.Process == process && e.Records.Count >= records).Skip(skip).First();

    public HistoryEntry FinalPoll(int partition) => Entries.Single(e => e.Final && e.Records[0].Partition == partition);

    public void Replace(HistoryEntry old, HistoryEntry replacement) => Entries[Entries.IndexOf(old)] = replacement;

    private void Send(string process)
    {
        var partition = _random.Next(Partitions);
        var outcome = _random.Next(10) switch { 0 => Outcome.Fail, 1 => Outcome.Info, _ => Outcome.Ok };
        var written = outcome == Outcome.Ok || (outcome == Outcome.Info && _random.Next(2) == 0);
        var records = new List<HistoryRecord>();
        for (var i = _random.Next(1, 6); i > 0; i--)
        {
            var record = new HistoryRecord(Topic, partition, -1, $"{process}-{_count++}", (ulong)_random.NextInt64());
            if (written)
                _logs[partition].Add(record with { Offset = _logs[partition].Count });
            records.Add(outcome == Outcome.Ok ? _logs[partition][^1] : record);
        }
        Entries.Add(new(_now += 10, _now += 10, process, Operation.Send, outcome, records));
    }

    private void Poll(string process)
    {
        var partition = process[^1] - '0';
        var position = _positions.GetValueOrDefault(process);
        var entry = Read(process, partition, position, _random.Next(1, 40));
        _positions[process] = position + entry.Records.Count;
        Entries.Add(entry);
    }

    private HistoryEntry Read(string process, int partition, int from, int count)
    {
        var records = _logs[partition].Skip(from).Take(count).ToArray();
        var end = from + records.Length;
        return new(_now += 10, _now += 10, process, Operation.Poll, Outcome.Ok, records)
        {
            From = [new(Topic, partition, from)],
            AtEnd = end == _logs[partition].Count ? [new(Topic, partition, end)] : [],
        };
    }
}
