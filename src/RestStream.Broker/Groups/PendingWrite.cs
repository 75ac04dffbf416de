namespace RestStream.Broker.Groups;

/// <summary>
/// A batch of records on the way to the log. Its effects come when it is durable and everything that the group decided before it has had its own: the order of effects is that of the log,
/// so that a restart finds what was seen. All of it under the group's lock.
/// </summary>
internal abstract class PendingWrite
{
    private readonly TaskCompletionSource<BrokerException?> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BrokerException? _refusal;

    /// <summary>The log has answered.</summary>
    public bool Answered { get; private set; }

    /// <summary>Completes when the effects are there; with the refusal when there are none.</summary>
    public Task<BrokerException?> Settled => _settled.Task;

    public void Answer(BrokerException? refusal)
    {
        _refusal = refusal;
        Answered = true;
    }

    public void Settle()
    {
        if (_refusal is null)
            Apply();
        else
            Fail(_refusal);
        _settled.SetResult(_refusal);
    }

    /// <summary>The records are durable.</summary>
    protected abstract void Apply();

    /// <summary>They were not taken: nothing changes.</summary>
    protected abstract void Fail(BrokerException refusal);
}

/// <summary>A write whose effects are few and rare enough for two delegates.</summary>
internal sealed class GroupWrite(Action applied, Action<BrokerException>? failed = null) : PendingWrite
{
    protected override void Apply() => applied();

    protected override void Fail(BrokerException refusal) => failed?.Invoke(refusal);
}
