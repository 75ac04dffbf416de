using Key = (string Topic, int Partition);

namespace RestStream.TestKit.History;

/// <summary>
/// Judges what clients saw against what a log owes them: every acknowledged record is there, once, unchanged, at its offset, in order, and what was read stays.
/// Knows nothing of the server. Offsets are taken to be dense: topics under test are not compacted.
/// </summary>
public sealed class HistoryChecker
{
    private readonly IReadOnlyList<HistoryEntry> _entries;
    private readonly IReadOnlyDictionary<Key, long> _logStarts;
    private readonly List<Anomaly> _anomalies = [];

    private readonly Dictionary<string, (HistoryEntry Entry, HistoryRecord Record)> _sent = new(StringComparer.Ordinal);
    private readonly Dictionary<(Key, long), string> _idAt = [];
    private readonly Dictionary<string, (Key, long)> _placeOf = new(StringComparer.Ordinal);
    private readonly Dictionary<Key, Evidence> _evidence = [];
    private readonly HashSet<string> _finally = new(StringComparer.Ordinal);

    private HistoryChecker(IReadOnlyList<HistoryEntry> entries, IReadOnlyDictionary<Key, long> logStarts)
    {
        _entries = [.. entries.OrderBy(e => e.Start)];
        _logStarts = logStarts;
    }

    /// <param name="entries">In any order. Lost and phantom records are looked for only when there is a <see cref="HistoryEntry.Final"/> poll.</param>
    /// <param name="logStarts">First offset that still has to be there, of partitions that were truncated or under retention.</param>
    /// <exception cref="ArgumentException">The history itself is wrong: one id was sent twice.</exception>
    public static CheckReport Check(IReadOnlyList<HistoryEntry> entries, IReadOnlyDictionary<Key, long>? logStarts = null) =>
        new HistoryChecker(entries, logStarts ?? new Dictionary<Key, long>()).Run();

    private CheckReport Run()
    {
        foreach (var entry in _entries.Where(e => e.Operation == Operation.Send))
            TakeSend(entry);
        foreach (var entry in Polls)
            TakePoll(entry);
        foreach (var evidence in _evidence.Values)
            evidence.Sort();
        CheckSendOrder();
        CheckPollOrder();
        CheckStaleReads();
        if (_entries.Any(e => e.Final))
            CheckWhatIsThereInTheEnd();

        return Report();
    }

    private IEnumerable<HistoryEntry> Polls => _entries.Where(e => e is { Operation: Operation.Poll, Outcome: Outcome.Ok });

    private void TakeSend(HistoryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            if (!_sent.TryAdd(record.Id, (entry, record)))
                throw new ArgumentException($"'{record.Id}' was sent twice; the checker needs unique ids.", nameof(entry));
            if (entry.Outcome == Outcome.Ok)
                TakePlace(record, $"acknowledged to {entry.Process}");
        }

        if (entry.Outcome != Outcome.Ok)
            return;
        foreach (var part in ByPartition(entry.Records))
        {
            AddEvidence(part.Key, entry.End, part.Max(r => r.Offset));
            foreach (var (before, after) in part.Zip(part.Skip(1)))
            {
                if (after.Offset != before.Offset + 1)
                    Found(AnomalyKind.InternalSendSkip, after, $"{after.Id} follows {before.Id} at {before.Offset} in one send of {entry.Process}");
            }
        }
    }

    private void TakePoll(HistoryEntry entry)
    {
        foreach (var record in entry.Records)
        {
            if (!_sent.TryGetValue(record.Id, out var sent))
                Found(AnomalyKind.Unexpected, record, $"{entry.Process} read '{record.Id}', which nobody sent");
            else if (sent.Entry.Outcome == Outcome.Fail)
                Found(AnomalyKind.Unexpected, record, $"{entry.Process} read '{record.Id}', whose send was refused");
            else if (sent.Record.Hash != record.Hash)
                Found(AnomalyKind.Changed, record, $"{entry.Process} read '{record.Id}' with other bytes than {sent.Entry.Process} sent");
            else if (sent.Record.Topic != record.Topic || (sent.Record.Partition >= 0 && sent.Record.Partition != record.Partition))
                Found(AnomalyKind.Changed, record, $"'{record.Id}' was sent to {sent.Record.Topic}-{sent.Record.Partition}");

            TakePlace(record, $"read by {entry.Process}");
            if (entry.Final)
                _finally.Add(record.Id);
        }

        foreach (var part in ByPartition(entry.Records))
        {
            AddEvidence(part.Key, entry.End, part.Max(r => r.Offset));
            foreach (var (before, after) in part.Zip(part.Skip(1)))
            {
                if (after.Offset <= before.Offset)
                    Found(AnomalyKind.InternalNonmonotonicPoll, after, $"{entry.Process} was given {after.Offset} after {before.Offset} in one poll");
                else if (after.Offset > before.Offset + 1)
                    Found(AnomalyKind.InternalPollSkip, after, $"{entry.Process} was given {after.Offset} right after {before.Offset} in one poll");
            }
        }
    }

    /// <summary>Every offset has one record and every record one offset, whoever says so and however often.</summary>
    private void TakePlace(HistoryRecord record, string how)
    {
        var place = (KeyOf(record), record.Offset);
        if (!_idAt.TryAdd(place, record.Id) && _idAt[place] != record.Id)
            Found(AnomalyKind.InconsistentOffsets, record, $"'{record.Id}' ({how}) where '{_idAt[place]}' was seen before");
        if (!_placeOf.TryAdd(record.Id, place) && _placeOf[record.Id] != place)
        {
            var (key, offset) = _placeOf[record.Id];
            Found(AnomalyKind.Duplicate, record, $"'{record.Id}' ({how}) was seen at {key.Topic}-{key.Partition}@{offset} too");
        }
    }

    /// <summary>A send that began when an offset was already known must get a higher one. Covers the order of one process too.</summary>
    private void CheckSendOrder()
    {
        foreach (var entry in _entries.Where(e => e is { Operation: Operation.Send, Outcome: Outcome.Ok }))
        {
            foreach (var part in ByPartition(entry.Records))
            {
                var first = part.First();
                if (_evidence[part.Key].HighestBefore(entry.Start) is var known && known >= first.Offset)
                    Found(AnomalyKind.NonmonotonicSend, first, $"{entry.Process} got {first.Offset} after {known} was known");
            }
        }
    }

    /// <summary>From poll to poll a process goes on exactly where it was.</summary>
    private void CheckPollOrder()
    {
        foreach (var process in Polls.GroupBy(e => e.Process))
        {
            var next = new Dictionary<Key, long>();
            foreach (var entry in process)
            {
                foreach (var from in entry.From)
                    next.TryAdd((from.Topic, from.Partition), from.Offset);
                foreach (var part in ByPartition(entry.Records))
                {
                    var first = part.First();
                    if (next.TryGetValue(part.Key, out var expected))
                    {
                        if (first.Offset < expected)
                            Found(AnomalyKind.NonmonotonicPoll, first, $"{entry.Process} stood at {expected} and was given {first.Offset}");
                        else if (first.Offset > expected)
                            Found(AnomalyKind.PollSkip, first, $"{entry.Process} stood at {expected} and was given {first.Offset}");
                    }
                    next[part.Key] = part.Last().Offset + 1;
                }
            }
        }
    }

    private void CheckStaleReads()
    {
        foreach (var entry in Polls)
        {
            foreach (var end in entry.AtEnd)
            {
                if (_evidence.TryGetValue((end.Topic, end.Partition), out var evidence)
                    && evidence.HighestBefore(entry.Start) is var known && known >= end.Offset)
                {
                    _anomalies.Add(new(AnomalyKind.StaleRead, end.Topic, end.Partition, end.Offset,
                        $"{entry.Process} was told that this is the end, but {known} was known before it asked"));
                }
            }
        }
    }

    private void CheckWhatIsThereInTheEnd()
    {
        var there = _entries.Where(e => e.Final).SelectMany(e => e.Records).GroupBy(KeyOf)
            .ToDictionary(g => g.Key, g => (First: g.Min(r => r.Offset), Last: g.Max(r => r.Offset)));

        foreach (var entry in _entries)
        {
            foreach (var record in entry.Records.Where(r => !_finally.Contains(r.Id) && entry.Outcome == Outcome.Ok && r.Offset >= LogStart(r)))
            {
                if (entry.Operation == Operation.Poll)
                    Found(AnomalyKind.PhantomRead, record, $"{entry.Process} read '{record.Id}', which is gone");
                else
                    Found(KindOfLoss(there, record), record, $"'{record.Id}' was acknowledged to {entry.Process} and is gone");
            }

            if (entry.Operation == Operation.Send)
                CheckWhole(entry);
        }
    }

    private static AnomalyKind KindOfLoss(Dictionary<Key, (long First, long Last)> there, HistoryRecord record) =>
        !there.TryGetValue(KeyOf(record), out var span) || record.Offset > span.Last ? AnomalyKind.LostPostfix
        : record.Offset < span.First ? AnomalyKind.LostPrefix
        : AnomalyKind.LostMiddle;

    /// <summary>
    /// The records of one send for one partition are there together or not at all. Where the client does not know the partitions (unanswered, chosen by the server),
    /// the ones that are there must at least stand side by side.
    /// </summary>
    private void CheckWhole(HistoryEntry entry)
    {
        foreach (var part in ByPartition(entry.Records))
        {
            var there = part.Where(r => _finally.Contains(r.Id) && _placeOf[r.Id].Item2 >= LogStart(r)).ToArray();
            if (there.Length == 0)
                continue;
            if (part.Key.Partition >= 0 && there.Length < part.Count() && LogStart(there[0]) == 0)
                Found(AnomalyKind.TornBatch, there[0], $"{there.Length} of {part.Count()} records of one send of {entry.Process} are there");

            foreach (var run in there.Select(r => (Record: r, Place: _placeOf[r.Id])).GroupBy(r => r.Place.Item1))
            {
                foreach (var (before, after) in run.Zip(run.Skip(1)))
                {
                    if (after.Place.Item2 != before.Place.Item2 + 1)
                        Found(AnomalyKind.InternalSendSkip, after.Record, $"at {after.Place.Item2}, after {before.Place.Item2} of the same send of {entry.Process}");
                }
            }
        }
    }

    private CheckReport Report()
    {
        var sends = _entries.Where(e => e.Operation == Operation.Send).ToArray();
        int Records(Outcome outcome) => sends.Where(e => e.Outcome == outcome).Sum(e => e.Records.Count);
        return new CheckReport(_anomalies)
        {
            Sends = sends.Length,
            AcknowledgedRecords = Records(Outcome.Ok),
            RefusedRecords = Records(Outcome.Fail),
            UnansweredRecords = Records(Outcome.Info),
            UnansweredButThere = sends.Where(e => e.Outcome == Outcome.Info).SelectMany(e => e.Records).Count(r => _finally.Contains(r.Id)),
            Polls = Polls.Count(),
            RecordsRead = Polls.Sum(e => e.Records.Count),
        };
    }

    private static IEnumerable<IGrouping<Key, HistoryRecord>> ByPartition(IReadOnlyList<HistoryRecord> records) => records.GroupBy(KeyOf);

    private static Key KeyOf(HistoryRecord record) => (record.Topic, record.Partition);

    private long LogStart(HistoryRecord record) => _logStarts.GetValueOrDefault(KeyOf(record));

    private void AddEvidence(Key key, long time, long offset)
    {
        if (!_evidence.TryGetValue(key, out var evidence))
            _evidence[key] = evidence = new Evidence();
        evidence.Add(time, offset);
    }

    private void Found(AnomalyKind kind, HistoryRecord record, string detail) =>
        _anomalies.Add(new(kind, record.Topic, record.Partition, record.Offset, detail));

    /// <summary>Since when somebody knew that a partition holds an offset.</summary>
    private sealed class Evidence
    {
        private readonly List<(long Time, long Offset)> _known = [];

        public void Add(long time, long offset) => _known.Add((time, offset));

        /// <summary>Orders by time and makes each offset the highest so far.</summary>
        public void Sort()
        {
            _known.Sort();
            for (var i = 1; i < _known.Count; i++)
                _known[i] = (_known[i].Time, Math.Max(_known[i].Offset, _known[i - 1].Offset));
        }

        /// <summary>The highest offset known strictly before that time; -1 when none.</summary>
        public long HighestBefore(long time)
        {
            var index = _known.BinarySearch((time, long.MinValue));
            index = index < 0 ? ~index : index;
            return index == 0 ? -1 : _known[index - 1].Offset;
        }
    }
}
