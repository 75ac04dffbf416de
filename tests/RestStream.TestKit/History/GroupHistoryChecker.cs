using Key = (string Topic, int Partition);

namespace RestStream.TestKit.History;

/// <summary>
/// Judges what the members of one consumer group saw against what a group owes them: every acknowledged record reaches a member, a partition has one owner in a generation,
/// an old generation is over when a newer one was seen, commits do not go back, and nobody is handed records beyond what was committed or handed to himself.
/// Knows nothing of the server. Offsets are taken to be dense from 0, and all commits to be by the members.
/// </summary>
public sealed class GroupHistoryChecker
{
    private readonly IReadOnlyList<GroupEntry> _calls;
    private readonly List<Anomaly> _anomalies = [];

    private GroupHistoryChecker(IReadOnlyList<GroupEntry> calls) => _calls = [.. calls.OrderBy(c => c.Start)];

    /// <param name="sends">The producers' side, as for <see cref="HistoryChecker"/>.</param>
    /// <param name="calls">All calls of all members, in any order.</param>
    /// <param name="drained">The group was let run until it had committed everything: then a record that nobody got is lost.</param>
    public static CheckReport Check(IReadOnlyList<HistoryEntry> sends, IReadOnlyList<GroupEntry> calls, bool drained)
    {
        var checker = new GroupHistoryChecker(calls);
        checker.CheckOwners();
        checker.CheckGenerations();
        checker.CheckCommits();
        checker.CheckOrder();
        if (drained)
            checker.CheckDelivery(sends);
        return checker.Report(sends);
    }

    private IEnumerable<GroupEntry> Answered => _calls.Where(c => c.Outcome == Outcome.Ok);

    private void CheckOwners()
    {
        var owners = new Dictionary<(int Generation, Key), string>();
        foreach (var call in Answered.Where(c => c.Generation >= 0))
        {
            foreach (var key in call.Owned)
            {
                if (!owners.TryAdd((call.Generation, key), call.Member) && owners[(call.Generation, key)] is var other && other != call.Member)
                    Found(AnomalyKind.DoubleOwner, key, -1, $"{call.Member} and {other} in generation {call.Generation}");
            }
        }
    }

    /// <summary>A call that began when a newer generation had been seen already is not answered in an older one.</summary>
    private void CheckGenerations()
    {
        // Whoever owns nothing has no place in any generation yet, and was given nothing.
        var owners = Answered.Where(c => c.Generation >= 0 && c.Owned.Count > 0).ToArray();
        var seen = owners.OrderBy(c => c.End).ToArray();
        var (next, newest) = (0, -1);
        foreach (var call in owners)
        {
            for (; next < seen.Length && seen[next].End < call.Start; next++)
                newest = Math.Max(newest, seen[next].Generation);
            if (call.Generation < newest)
                Found(AnomalyKind.StaleGeneration, call.Owned[0], -1, $"{call.Member} was answered in generation {call.Generation} after {newest} had been seen");
        }
    }

    /// <summary>Below an acknowledged commit nothing is handed out again.</summary>
    private void CheckCommits()
    {
        var commits = Answered.SelectMany(c => c.Acked.Select(a => (c.End, Position: a))).OrderBy(c => c.End).ToArray();
        var committed = new Dictionary<Key, long>();
        var next = 0;
        foreach (var call in Answered)
        {
            for (; next < commits.Length && commits[next].End < call.Start; next++)
            {
                var (_, position) = commits[next];
                var key = (position.Topic, position.Partition);
                committed[key] = Math.Max(position.Offset, committed.GetValueOrDefault(key));
            }

            foreach (var record in call.Records)
            {
                var key = (record.Topic, record.Partition);
                if (committed.TryGetValue(key, out var known) && record.Offset < known)
                    Found(AnomalyKind.CommitRegress, key, record.Offset, $"{call.Member} was handed it although {known} had been committed before it asked");
            }
        }
    }

    /// <summary>Inside one answer a partition has no hole and no repeat; it begins where somebody asked to commit up to, or where this member was.</summary>
    private void CheckOrder()
    {
        // By the start of the call: a commit may be effective before its answer is read.
        var asked = new Dictionary<Key, long>();
        var handed = new Dictionary<(string Member, Key), long>();
        var events = _calls.Select(c => (Time: c.Start, Call: c, Begins: true)).Concat(Answered.Select(c => (Time: c.End, Call: c, Begins: false))).OrderBy(e => e.Time);
        foreach (var (_, call, begins) in events)
        {
            if (begins)
            {
                foreach (var position in call.Acked)
                    asked[(position.Topic, position.Partition)] = Math.Max(position.Offset, asked.GetValueOrDefault((position.Topic, position.Partition)));
                continue;
            }

            foreach (var part in call.Records.GroupBy(r => (r.Topic, r.Partition)))
            {
                foreach (var (before, after) in part.Zip(part.Skip(1)))
                {
                    if (after.Offset != before.Offset + 1)
                    {
                        Found(after.Offset <= before.Offset ? AnomalyKind.InternalNonmonotonicPoll : AnomalyKind.InternalPollSkip, part.Key, after.Offset,
                            $"{call.Member} was handed it right after {before.Offset}");
                    }
                }

                var furthest = Math.Max(asked.GetValueOrDefault(part.Key), handed.GetValueOrDefault((call.Member, part.Key)));
                if (part.First().Offset > furthest)
                    Found(AnomalyKind.PollSkip, part.Key, part.First().Offset, $"{call.Member} was handed it although nobody was beyond {furthest}");
                handed[(call.Member, part.Key)] = part.Last().Offset + 1;
            }
        }
    }

    private void CheckDelivery(IReadOnlyList<HistoryEntry> sends)
    {
        var delivered = Answered.SelectMany(c => c.Records).Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var send in sends.Where(s => s is { Operation: Operation.Send, Outcome: Outcome.Ok }))
        {
            foreach (var record in send.Records.Where(r => !delivered.Contains(r.Id)))
                Found(AnomalyKind.NotDelivered, (record.Topic, record.Partition), record.Offset, $"'{record.Id}' was acknowledged to {send.Process}; no member ever got it");
        }
    }

    private void Found(AnomalyKind kind, Key key, long offset, string detail) => _anomalies.Add(new Anomaly(kind, key.Topic, key.Partition, offset, detail));

    private CheckReport Report(IReadOnlyList<HistoryEntry> sends) => new(_anomalies)
    {
        Sends = sends.Count(s => s.Operation == Operation.Send),
        AcknowledgedRecords = sends.Where(s => s is { Operation: Operation.Send, Outcome: Outcome.Ok }).Sum(s => s.Records.Count),
        Polls = Answered.Count(),
        RecordsRead = Answered.Sum(c => c.Records.Count),
    };
}
