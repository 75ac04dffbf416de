namespace RestStream.Broker.Groups;

/// <summary>
/// A batch of records on the way to the log. Its effects come when it is durable and everything that the group decided before it has had its own: the order of effects is that of the log,
/// so that a restart finds what was seen. All of it under the group's lock, unless it says otherwise.
/// </summary>
internal abstract class PendingWrite : IThreadPoolWorkItem
{
    // Whoever waits goes on at once, on the thread that announces.
    private readonly TaskCompletionSource<BrokerException?> _settled = new();
    private BrokerException? _refusal;
    private volatile bool _answered;

    /// <summary>The log has answered.</summary>
    public bool Answered => _answered;

    /// <summary>Completes when the effects are there; with the refusal when there are none.</summary>
    public Task<BrokerException?> Settled => _settled.Task;

    /// <summary>The log's answer; on any thread, without the lock.</summary>
    public void Answer(BrokerException? refusal)
    {
        _refusal = refusal;
        _answered = true;
    }

    public void Settle()
    {
        if (_refusal is null)
            Apply();
        else
            Fail(_refusal);
    }

    /// <summary>Tells whoever waits. After the lock is let go: it may run their code.</summary>
    public void Announce() => _settled.SetResult(_refusal);

    /// <summary>The one that was settled before this one in the same go, and is still to be announced.</summary>
    public PendingWrite? SettledBefore { get; set; }

    void IThreadPoolWorkItem.Execute() => Announce();

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
