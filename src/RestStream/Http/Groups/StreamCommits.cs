using RestStream.Broker.Groups;

namespace RestStream.Http.Groups;

/// <summary>
/// The commits of a stream with <c>commit=auto</c>: what was written to the connection is committed when the next batch or heartbeat goes out, never before, so that
/// a client that was cut off may see records twice but misses none that was still in the server. What was in the network is given again when the member comes back with its last event's id
/// while the partitions are still its own: it goes back there (<see cref="StreamRequest.Done"/>). One commit is under way at a time; while it is, records go on.
/// With another kind of commit nothing happens here. Not thread safe but for <see cref="EndAsync"/>.
/// </summary>
internal sealed class StreamCommits(IGroupConsumer consumer, bool enabled)
{
    private readonly Lock _lock = new();
    private bool _ended;
    private long[] _sent = [];
    private long[] _committed = [];
    private Task<IReadOnlyList<RefusedCommit>> _last = Task.FromResult<IReadOnlyList<RefusedCommit>>([]);

    /// <summary>Another feed: nothing of it was sent yet.</summary>
    public void Begin(GroupFeed feed)
    {
        _sent = feed.Next.ToArray();
        _committed = feed.Next.ToArray();
    }

    /// <summary>Everything that was written is out.</summary>
    public void Sent(GroupFeed feed) => feed.Next.CopyTo(_sent);

    /// <summary>Begins to commit what is out, unless a commit is under way; the next one takes it then.</summary>
    /// <exception cref="Broker.BrokerException">The last commit failed.</exception>
    public void Start(GroupFeed feed)
    {
        if (!enabled)
            return;
        lock (_lock)
        {
            if (_ended || !_last.IsCompleted)
                return;

            // Refused: the partition has another owner, who begins where the last commit was. Nothing is to be done here.
            _ = _last.GetAwaiter().GetResult();
            var offsets = new List<OffsetCommit>();
            for (var slot = 0; slot < _sent.Length; slot++)
            {
                if (_sent[slot] == _committed[slot])
                    continue;
                offsets.Add(new OffsetCommit(feed.Slots[slot], _sent[slot]));
                _committed[slot] = _sent[slot];
            }

            if (offsets.Count > 0)
                _last = consumer.CommitAsync(offsets, feed.Generation, CancellationToken.None);
        }
    }

    /// <summary>Commits everything that is out, and waits for it.</summary>
    public async Task FinishAsync(GroupFeed feed)
    {
        await _last;
        Start(feed);
        await _last;
    }

    /// <summary>Nothing more is committed. Completes when what was under way is over, however it ended. On any thread, at any time.</summary>
    public async Task EndAsync()
    {
        Task last;
        lock (_lock)
        {
            _ended = true;
            last = _last;
        }

        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
