using System.Text;

namespace RestStream.TestKit.History;

/// <summary>What must never happen (Jepsen's names where it has them).</summary>
public enum AnomalyKind
{
    /// <summary>An acknowledged record is gone, all of them below the first that is there.</summary>
    LostPrefix,

    /// <summary>An acknowledged record is gone between others.</summary>
    LostMiddle,

    /// <summary>An acknowledged record is gone above the last that is there.</summary>
    LostPostfix,

    /// <summary>One record at two places, though nobody sent it twice.</summary>
    Duplicate,

    /// <summary>Two records seen for one offset, by readers or by acknowledgements.</summary>
    InconsistentOffsets,

    /// <summary>A reader went back.</summary>
    NonmonotonicPoll,

    /// <summary>A reader was not given records between two polls.</summary>
    PollSkip,

    /// <summary>Offsets of one poll do not grow.</summary>
    InternalNonmonotonicPoll,

    /// <summary>A hole inside one poll.</summary>
    InternalPollSkip,

    /// <summary>A send that began after another was acknowledged (or read) got a lower offset.</summary>
    NonmonotonicSend,

    /// <summary>The records of one send do not stand side by side in their partition.</summary>
    InternalSendSkip,

    /// <summary>A record was read that nobody sent, or whose send was refused (G1a).</summary>
    Unexpected,

    /// <summary>A record was read and is gone later.</summary>
    PhantomRead,

    /// <summary>Only a part of one send's records for one partition is there.</summary>
    TornBatch,

    /// <summary>The server called a partition read to its end although more had been acknowledged or read before.</summary>
    StaleRead,

    /// <summary>Key, value, headers, timestamp, topic or partition are not what was sent.</summary>
    Changed,

    /// <summary>Two members of a group owned a partition in one generation.</summary>
    DoubleOwner,

    /// <summary>A member was served in an old generation although a newer one had been seen.</summary>
    StaleGeneration,

    /// <summary>A record below an acknowledged commit was handed out again.</summary>
    CommitRegress,

    /// <summary>An acknowledged record reached no member of the group, which had committed everything.</summary>
    NotDelivered,
}

/// <summary>One finding. <paramref name="Offset"/> is -1 where there is none.</summary>
public sealed record Anomaly(AnomalyKind Kind, string Topic, int Partition, long Offset, string Detail)
{
    public override string ToString() => $"{Kind} {Topic}-{Partition}@{Offset}: {Detail}";
}

/// <summary>The verdict over one history, and how much it was based on.</summary>
public sealed record CheckReport(IReadOnlyList<Anomaly> Anomalies)
{
    public int Sends { get; init; }
    public int AcknowledgedRecords { get; init; }

    /// <summary>Records whose send has no answer, and how many of them turned out to be there.</summary>
    public int UnansweredRecords { get; init; }
    public int UnansweredButThere { get; init; }
    public int RefusedRecords { get; init; }
    public int Polls { get; init; }
    public int RecordsRead { get; init; }

    public bool IsClean => Anomalies.Count == 0;

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(
            $"{Sends} sends: {AcknowledgedRecords} records acknowledged, {RefusedRecords} refused, {UnansweredRecords} unanswered ({UnansweredButThere} of them there). "
            + $"{Polls} polls saw {RecordsRead} records. {(IsClean ? "No anomaly." : $"{Anomalies.Count} ANOMALIES:")}");
        foreach (var kind in Anomalies.GroupBy(a => a.Kind))
        {
            text.AppendLine($"  {kind.Key} x {kind.Count()}");
            foreach (var anomaly in kind.Take(5))
                text.AppendLine($"    {anomaly}");
        }
        return text.ToString();
    }
}
