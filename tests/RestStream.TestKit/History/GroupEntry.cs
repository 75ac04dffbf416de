namespace RestStream.TestKit.History;

/// <summary>
/// One call of one group member, from <paramref name="Start"/> to <paramref name="End"/> (nanoseconds of the clock of <see cref="ClientHistory.Now"/>).
/// A member works on what one call brought before it makes the next; a member that was killed and started again keeps its name.
/// </summary>
/// <param name="Start">Before the request was sent.</param>
/// <param name="End">After the answer was read; for a call without an answer, when that was known.</param>
/// <param name="Member">Its name in the group.</param>
/// <param name="Outcome"><see cref="Outcome.Info"/>: no answer, so what was acknowledged with it may have been taken.</param>
public sealed record GroupEntry(long Start, long End, string Member, Outcome Outcome)
{
    /// <summary>Of the answer; -1 where the protocol does not tell (REST Proxy v2).</summary>
    public int Generation { get; init; } = -1;

    /// <summary>What the member owned by the answer; empty where the protocol does not tell.</summary>
    public IReadOnlyList<(string Topic, int Partition)> Owned { get; init; } = [];

    /// <summary>What the answer brought.</summary>
    public IReadOnlyList<HistoryRecord> Records { get; init; } = [];

    /// <summary>Next offsets that the call asked to commit; taken when the outcome is Ok.</summary>
    public IReadOnlyList<HistoryPosition> Acked { get; init; } = [];
}
