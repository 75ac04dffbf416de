namespace RestStream.Connect.Tasks;

/// <summary>What a source said about transactions during its last poll. The task calls it in its poll, the loop reads it behind the poll: never at once.</summary>
internal sealed class TransactionBoundaries : ITransactionBoundaries
{
    private readonly HashSet<SourceRecord> _ends = new(ReferenceEqualityComparer.Instance);
    private bool _committed;
    private bool _aborted;

    public void Commit() => _committed = true;

    public void CommitAfter(SourceRecord record) => _ends.Add(record);

    public void Abort() => _aborted = true;

    public bool EndsAfter(SourceRecord record) => _ends.Count > 0 && _ends.Contains(record);

    /// <summary>What holds for the poll as a whole; forgets everything.</summary>
    public (bool Committed, bool Aborted) Take()
    {
        var said = (_committed, _aborted);
        (_committed, _aborted) = (false, false);
        _ends.Clear();
        return said;
    }
}
