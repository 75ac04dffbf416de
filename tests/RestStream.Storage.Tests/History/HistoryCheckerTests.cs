using RestStream.TestKit;
using RestStream.TestKit.History;

namespace RestStream.Storage.Tests.History;

/// <summary>The judge is judged: it finds nothing in a right history, and each thing it looks for when that is planted in one. Without this, green means nothing.</summary>
public class HistoryCheckerTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 10)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_right_history_has_no_anomaly(int seed)
    {
        var report = HistoryChecker.Check(new SimulatedRun(seed).Entries);

        Assert.True(report.IsClean, report.ToString());
        Assert.True(report is { AcknowledgedRecords: > 100, RecordsRead: > 100, UnansweredButThere: > 0, RefusedRecords: > 0 }, report.ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_acknowledged_record_that_is_gone_is_found(int seed) => Plant(seed, AnomalyKind.LostMiddle, run =>
    {
        var lost = run.AcknowledgedSend().Records[0];

        ForgetEverywhere(run, r => r.Id == lost.Id);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_lost_tail_is_found(int seed) => Plant(seed, AnomalyKind.LostPostfix, run =>
    {
        var lost = run.AcknowledgedSend().Records[0];

        ForgetEverywhere(run, r => r.Partition == lost.Partition && r.Offset >= lost.Offset);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_lost_beginning_is_found(int seed) => Plant(seed, AnomalyKind.LostPrefix, run =>
    {
        var first = run.AcknowledgedSend().Records[0];

        ForgetEverywhere(run, r => r.Partition == first.Partition && r.Offset <= first.Offset);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_at_two_offsets_is_found(int seed) => Plant(seed, AnomalyKind.Duplicate, run =>
    {
        var final = run.FinalPoll(0);

        run.Replace(final, final with { Records = [.. final.Records, final.Records[5] with { Offset = final.Records.Count }] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Two_records_at_one_offset_are_found(int seed) => Plant(seed, AnomalyKind.InconsistentOffsets, run =>
    {
        var final = run.FinalPoll(1);

        run.Replace(final, final with { Records = [.. final.Records.Select((r, i) => i == 4 ? final.Records[7] with { Offset = 4 } : r)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_acknowledged_offset_that_holds_another_record_is_found(int seed) => Plant(seed, AnomalyKind.InconsistentOffsets, run =>
    {
        var send = run.AcknowledgedSend();

        run.Replace(send, send with { Records = [.. send.Records.Select(r => r with { Offset = r.Offset + 1 })] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_reader_that_goes_back_is_found(int seed) => Plant(seed, AnomalyKind.NonmonotonicPoll, run =>
    {
        var first = run.PollOf("r1", 2);
        var second = run.PollOf("r1", 1, skip: 1);

        run.Replace(second, second with { Records = [first.Records[^1], .. second.Records] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_that_a_reader_was_not_given_is_found(int seed) => Plant(seed, AnomalyKind.PollSkip, run =>
    {
        var second = run.PollOf("r2", 2, skip: 1);

        run.Replace(second, second with { Records = [.. second.Records.Skip(1)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_hole_before_the_first_record_of_a_reader_is_found(int seed) => Plant(seed, AnomalyKind.PollSkip, run =>
    {
        var first = run.PollOf("r0", 2);

        run.Replace(first, first with { Records = [.. first.Records.Skip(1)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_hole_inside_one_poll_is_found(int seed) => Plant(seed, AnomalyKind.InternalPollSkip, run =>
    {
        var poll = run.PollOf("r0", 3);

        run.Replace(poll, poll with { Records = [poll.Records[0], .. poll.Records.Skip(2)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Wrong_order_inside_one_poll_is_found(int seed) => Plant(seed, AnomalyKind.InternalNonmonotonicPoll, run =>
    {
        var poll = run.PollOf("r1", 3);

        run.Replace(poll, poll with { Records = [poll.Records[1], poll.Records[0], .. poll.Records.Skip(2)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_send_below_what_was_known_before_it_is_found(int seed) => Plant(seed, AnomalyKind.NonmonotonicSend, run =>
    {
        var send = run.AcknowledgedSend();

        run.Replace(send, send with { Start = run.Entries[^1].End + 1, End = run.Entries[^1].End + 2 });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Records_between_those_of_one_send_are_found(int seed) => Plant(seed, AnomalyKind.InternalSendSkip, run =>
    {
        var send = run.AcknowledgedSend(records: 2);

        run.Replace(send, send with { Records = [send.Records[0], .. send.Records.Skip(1).Select(r => r with { Offset = r.Offset + 1 })] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_unanswered_send_that_is_torn_apart_in_the_log_is_found(int seed) => Plant(seed, AnomalyKind.InternalSendSkip, run =>
    {
        // As if an unanswered send had been of two records, with others in between.
        var one = run.AcknowledgedSend();
        var other = run.Entries.First(e => e.Outcome == Outcome.Ok && e.Operation == Operation.Send && e.Records[0].Partition == one.Records[0].Partition && e.Records[0].Offset > one.Records[^1].Offset + 1);
        run.Entries.Remove(other);
        run.Replace(one, one with { Outcome = Outcome.Info, Records = [.. one.Records.Concat(other.Records).Select(r => r with { Partition = -1, Offset = -1 })] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_that_nobody_sent_is_found(int seed) => Plant(seed, AnomalyKind.Unexpected, run =>
    {
        var final = run.FinalPoll(2);

        run.Replace(final, final with { Records = [.. final.Records, new("t", 2, final.Records.Count, "ghost-1", 1)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_whose_send_was_refused_is_found(int seed) => Plant(seed, AnomalyKind.Unexpected, run =>
    {
        var send = run.AcknowledgedSend();

        run.Replace(send, send with { Outcome = Outcome.Fail });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_that_was_read_and_is_gone_is_found(int seed) => Plant(seed, AnomalyKind.PhantomRead, run =>
    {
        // Unanswered, so that only the reader is a witness.
        var read = run.PollOf("r0", 2).Records[0];
        var send = run.Entries.Single(e => e.Operation == Operation.Send && e.Records.Any(r => r.Id == read.Id));
        run.Replace(send, send with { Outcome = Outcome.Info });

        ForgetInTheEnd(run, r => r.Id == read.Id);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_unanswered_batch_that_is_there_in_part_is_found(int seed) => Plant(seed, AnomalyKind.TornBatch, run =>
    {
        var send = run.AcknowledgedSend(records: 2);
        run.Replace(send, send with { Outcome = Outcome.Info, Records = [.. send.Records.Select(r => r with { Offset = -1 })] });

        ForgetEverywhere(run, r => r.Id == send.Records[^1].Id);
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_end_that_lies_behind_what_was_acknowledged_is_found(int seed) => Plant(seed, AnomalyKind.StaleRead, run =>
    {
        var poll = run.Entries.Last(e => e is { Operation: Operation.Poll, Final: false } && e.From[0].Offset > 0);

        run.Replace(poll, poll with { Records = [], AtEnd = [poll.From[0] with { Offset = poll.From[0].Offset - 1 }] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Changed_bytes_are_found(int seed) => Plant(seed, AnomalyKind.Changed, run =>
    {
        var poll = run.PollOf("r1", 1);

        run.Replace(poll, poll with { Records = [poll.Records[0] with { Hash = poll.Records[0].Hash ^ 1 }, .. poll.Records.Skip(1)] });
    });

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_record_in_another_partition_than_it_was_sent_to_is_found(int seed) => Plant(seed, AnomalyKind.Changed, run =>
    {
        var final = run.FinalPoll(0);

        run.Replace(final, final with { Records = [.. final.Records.Select(r => r with { Partition = 7 })] });
    });

    [Fact]
    public void Records_below_the_log_start_may_be_gone()
    {
        var run = new SimulatedRun(seed: 1);
        ForgetInTheEnd(run, r => r is { Partition: 0, Offset: < 20 });
        run.Replace(run.FinalPoll(0), run.FinalPoll(0) with { From = [new("t", 0, 20)] });

        Assert.False(HistoryChecker.Check(run.Entries).IsClean);
        var report = HistoryChecker.Check(run.Entries, new Dictionary<(string, int), long> { [("t", 0)] = 20 });
        Assert.True(report.IsClean, report.ToString());
    }

    [Fact]
    public void A_history_that_sends_one_id_twice_is_refused()
    {
        var run = new SimulatedRun(seed: 1);
        run.Entries.Add(run.AcknowledgedSend() with { Start = 1 });

        Assert.Throws<ArgumentException>(() => HistoryChecker.Check(run.Entries));
    }

    [Fact]
    public void A_saved_history_gives_the_same_verdict()
    {
        using var folder = new TempFolder();
        var history = new ClientHistory();
        foreach (var entry in new SimulatedRun(seed: 3).Entries)
            history.Add(entry);

        history.Save(folder["history.jsonl"]);

        var loaded = ClientHistory.Load(folder["history.jsonl"]);
        Assert.Equal(HistoryChecker.Check(history.Entries).ToString(), HistoryChecker.Check(loaded.Entries).ToString());
        Assert.Equal(history.Entries.Count, loaded.Entries.Count);
    }

    private static void Plant(int seed, AnomalyKind expected, Action<SimulatedRun> plant)
    {
        var run = new SimulatedRun(seed);
        plant(run);

        var report = HistoryChecker.Check(run.Entries);

        Assert.True(report.Anomalies.Any(a => a.Kind == expected), $"Seed {seed}: {expected} was planted. {report}");
    }

    private static void ForgetEverywhere(SimulatedRun run, Func<HistoryRecord, bool> forgotten) => Forget(run, forgotten, _ => true);

    private static void ForgetInTheEnd(SimulatedRun run, Func<HistoryRecord, bool> forgotten) => Forget(run, forgotten, e => e.Final);

    private static void Forget(SimulatedRun run, Func<HistoryRecord, bool> forgotten, Func<HistoryEntry, bool> where)
    {
        foreach (var poll in run.Entries.Where(e => e.Operation == Operation.Poll && where(e)).ToArray())
            run.Replace(poll, poll with { Records = [.. poll.Records.Where(r => !forgotten(r))] });
    }
}
