using RestStream.TestKit.History;

namespace RestStream.Storage.Tests.History;

/// <summary>The judge of groups is judged: nothing is found in a right history, and each thing it looks for when that is planted in one.</summary>
public class GroupHistoryCheckerTests
{
    private const string Topic = "t";

    private readonly List<HistoryEntry> _sends = [];
    private readonly List<GroupEntry> _calls = [];
    private long _now;

    /// <summary>Two members with a partition each, a rebalance after which one has both, and everything committed.</summary>
    public GroupHistoryCheckerTests()
    {
        for (var offset = 0; offset < 6; offset++)
        {
            foreach (var partition in new[] { 0, 1 })
                _sends.Add(new HistoryEntry(Tick(), Tick(), "w", Operation.Send, Outcome.Ok, [Record(partition, offset)]));
        }

        Call("m0", 1, [0], records: [(0, 0), (0, 1)]);
        Call("m1", 1, [1], records: [(1, 0), (1, 1), (1, 2)]);
        Call("m0", 1, [0], acked: [(0, 2)], records: [(0, 2), (0, 3)]);
        Call("m1", 1, [1], acked: [(1, 3)], outcome: Outcome.Info);
        Call("m0", 2, [0, 1], acked: [(0, 4)], records: [(0, 4), (0, 5), (1, 3), (1, 4), (1, 5)]);
        Call("m0", 2, [0, 1], acked: [(0, 6), (1, 6)]);
    }

    [Fact]
    public void A_right_history_has_no_anomaly() => Assert.True(Check().IsClean, Check().ToString());

    [Fact]
    public void A_commit_without_an_answer_may_have_been_taken_or_not()
    {
        Replace(4, _calls[4] with { Records = [.. _calls[4].Records.Take(2), .. Enumerable.Range(0, 6).Select(o => Record(1, o))] });

        Assert.True(Check().IsClean, Check().ToString());
    }

    [Fact]
    public void Two_owners_in_one_generation_are_found()
    {
        Replace(1, _calls[1] with { Owned = [(Topic, 0), (Topic, 1)] });

        Finds(AnomalyKind.DoubleOwner);
    }

    [Fact]
    public void A_member_that_is_served_in_an_old_generation_is_found()
    {
        Call("m1", 1, [1]);

        Finds(AnomalyKind.StaleGeneration);
    }

    [Fact]
    public void A_record_below_an_acknowledged_commit_is_found()
    {
        Call("m0", 2, [0, 1], records: [(0, 5)]);

        Finds(AnomalyKind.CommitRegress);
    }

    [Fact]
    public void A_member_that_begins_beyond_all_commits_is_found()
    {
        Replace(4, _calls[4] with { Records = [.. _calls[4].Records.Where(r => r is not { Partition: 1, Offset: 3 })] });

        Finds(AnomalyKind.PollSkip);
    }

    [Fact]
    public void A_hole_inside_an_answer_is_found()
    {
        Replace(1, _calls[1] with { Records = [Record(1, 0), Record(1, 2)] });

        Finds(AnomalyKind.InternalPollSkip);
    }

    [Fact]
    public void A_record_that_nobody_got_is_found()
    {
        _sends.Add(new HistoryEntry(Tick(), Tick(), "w", Operation.Send, Outcome.Ok, [Record(1, 6)]));

        Finds(AnomalyKind.NotDelivered);
    }

    private CheckReport Check() => GroupHistoryChecker.Check(_sends, _calls, drained: true);

    private void Finds(AnomalyKind kind) => Assert.Contains(Check().Anomalies, a => a.Kind == kind);

    private long Tick() => ++_now;

    private static HistoryRecord Record(int partition, long offset) => new(Topic, partition, offset, $"{partition}-{offset}", 1);

    private void Call(
        string member, int generation, int[] owned, (int Partition, long Offset)[]? acked = null, (int Partition, long Offset)[]? records = null, Outcome outcome = Outcome.Ok) =>
        _calls.Add(new GroupEntry(Tick(), Tick(), member, outcome)
        {
            Generation = generation,
            Owned = [.. owned.Select(p => (Topic, p))],
            Acked = [.. (acked ?? []).Select(a => new HistoryPosition(Topic, a.Partition, a.Offset))],
            Records = [.. (records ?? []).Select(r => Record(r.Partition, r.Offset))],
        });

    private void Replace(int index, GroupEntry entry) => _calls[index] = entry;
}
