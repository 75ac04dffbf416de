using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Http.Groups;
using RestStream.Settings;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>
/// A consumer instance of REST Proxy v2: a name, a subscription that is on disk, and positions in memory, which begin at what the group has committed. It has no thread, no socket and no
/// timer. Its calls take turns at <see cref="_gate"/>; a poll that waits lets the others in, and is woken when what it waits for has changed.
/// The group knows it by its name (a static member), so that it is the same member again after a silence or a restart of the server.
/// </summary>
internal sealed partial class ConsumerInstance(
    string group, string name, InstanceConfig config, IBroker broker, InstanceStore store, GroupMemberOptions members, TimeProvider clock, ILogger logger, CancellationToken stopping)
{
    private readonly Lock _useLock = new();
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>The next offset wanted of each partition that was read, or seeked in. What this holds is what a commit of everything stores.</summary>
    private readonly Dictionary<TopicPartition, long> _positions = [];

    /// <summary>What of it is stored already, as far as this instance knows.</summary>
    private readonly Dictionary<TopicPartition, long> _stored = [];

    private IGroupConsumer? _membership;
    private GroupAssignment _assignment = GroupAssignment.None;

    /// <summary>Ends the wait of the poll that is aside just now.</summary>
    private CancellationTokenSource? _aside;
    private int _polls;

    /// <summary>The newest poll, as long as it waits: nobody was handed what it holds.</summary>
    private PolledRecords? _waiting;
    private bool _closed;
    private bool _loaded;

    /// <summary>The log has it already that auto-commits are refused.</summary>
    private bool _refusalLogged;

    private int _calls;
    private bool _expired;
    private long _lastUsed = clock.GetTimestamp();

    public string Group { get; } = group;
    public string Name { get; } = name;
    public InstanceConfig Config { get; } = config;

    /// <summary>The product whose client made it.</summary>
    public Profile Profile { get; } = Profile.Get(config.Profile);

    public Subscription Subscription { get; private set; } = Subscription.None;

    /// <summary>What it reads now: its own choice, or its part of the group's partitions as of its last poll.</summary>
    public IReadOnlyList<TopicPartition> Assigned => Subscription.IsShared ? _assignment.Partitions : Subscription.Partitions;

    /// <summary>A call begins; false when the instance has just expired.</summary>
    public bool TryEnter()
    {
        lock (_useLock)
        {
            if (_expired)
                return false;
            _calls++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_useLock)
        {
            _calls--;
            _lastUsed = clock.GetTimestamp();
        }
    }

    /// <summary>How much longer it may be idle; zero when its time was up, and then nobody can enter any more.</summary>
    public TimeSpan IdleTimeLeft(TimeSpan timeout)
    {
        lock (_useLock)
        {
            if (_calls > 0)
                return timeout;
            var left = timeout - clock.GetElapsedTime(_lastUsed);
            if (left > TimeSpan.Zero)
                return left;
            _expired = true;
            return TimeSpan.Zero;
        }
    }

    /// <summary>It could not be taken away after all: the next look tries again.</summary>
    public void Revive()
    {
        lock (_useLock)
            _expired = false;
    }

    /// <summary>A sign of life to the group for the length of a call.</summary>
    public IDisposable? KeepAlive() => _membership?.KeepAlive();

    /// <summary>Takes up what was on disk. Nothing is sent to the group before the next poll.</summary>
    public void Restore(Subscription subscription)
    {
        Subscription = subscription;
        _loaded = true;
        if (subscription.IsShared)
            _membership = Join(subscription);
    }

    /// <summary>Writes the new instance to disk.</summary>
    public Task SaveAsync() => store.SaveAsync(Group, Name, InstanceRecord.From(Config, Subscription));

    /// <summary>Reads these topics, or those that match the pattern, from the next poll on; nothing any more when there are none.</summary>
    public async Task SubscribeAsync(IReadOnlyList<string> topics, string? pattern)
    {
        await EnterGateAsync();
        try
        {
            var wanted = new Subscription { Topics = [.. topics.Distinct()], Pattern = pattern };
            if (Subscription.Partitions.Count > 0 || (Subscription.Topics.Count > 0 && pattern is not null) || (Subscription.Pattern is not null && topics.Count > 0))
                throw OtherSubscription();
            if (wanted.IsNone)
            {
                await ForgetSubscriptionAsync();
                return;
            }

            var membership = _membership ?? Join(wanted);
            await store.SaveAsync(Group, Name, InstanceRecord.From(Config, wanted));
            if (_membership is not null)
                membership.Subscribe(wanted.Topics, wanted.Pattern);
            (_membership, Subscription) = (membership, wanted);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>v1: a poll of a topic subscribes to it.</summary>
    public async Task SubscribeToAsync(string topic)
    {
        if (Subscription.IsNone || (Subscription.Topics.Count > 0 && !Subscription.Topics.Contains(topic)))
            await SubscribeAsync([.. Subscription.Topics, topic], pattern: null);
    }

    /// <summary>Reads these partitions, without regard to other members of the group.</summary>
    public async Task AssignAsync(IReadOnlyList<TopicPartition> partitions)
    {
        await EnterGateAsync();
        try
        {
            if (Subscription.IsShared)
                throw OtherSubscription();
            if (partitions.Count == 0)
            {
                await ForgetSubscriptionAsync();
                return;
            }

            var wanted = new Subscription { Partitions = [.. partitions.Distinct()] };
            await AutoCommitAsync(last: true);
            await store.SaveAsync(Group, Name, InstanceRecord.From(Config, wanted));
            Subscription = wanted;
            Keep(wanted.Partitions);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task UnsubscribeAsync()
    {
        await EnterGateAsync();
        try
        {
            await ForgetSubscriptionAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes the instance away for good; with auto-commit, when a client asks for it, what it read last counts as done.</summary>
    public async Task CloseAsync(bool commit)
    {
        await EnterGateAsync();
        try
        {
            if (commit)
                await AutoCommitAsync(last: true);
            await store.RemoveAsync(Group, Name);
            _closed = true;
            if (_membership is not null)
                await _membership.LeaveAsync();
            _membership = null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes the gate and, unless the call changes nothing that it waits for, wakes a poll that waits; it goes on when the gate is free.</summary>
    /// <exception cref="HttpError">The instance was deleted meanwhile.</exception>
    private async Task EnterGateAsync(bool wake = true)
    {
        await _gate.WaitAsync();
        if (!_closed)
        {
            if (wake && _aside is { } aside)
                await aside.CancelAsync();
            return;
        }

        _gate.Release();
        throw NotFound(Profile, Group, Name);
    }

    public static HttpError NotFound(Profile profile, string group, string name) => profile.Refuse(
        Fault.InstanceNotFound,
        $"Group '{group}' has no consumer instance of that name ({name.Length} characters). It was deleted, or nobody called it for too long. Create it with POST /consumers/{group}.");

    private HttpError OtherSubscription() => Profile.Refuse(
        Fault.OtherSubscription, "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive. DELETE the subscription first.");

    private IGroupConsumer Join(Subscription subscription) => broker.JoinGroup(new GroupJoin
    {
        Group = Group,
        InstanceId = Name,
        Topics = subscription.Topics,
        TopicPattern = subscription.Pattern,
        Assignors = Assignors.Offered(asked: null, members.Assignor),
        SessionTimeout = members.SessionTimeout,
        RebalanceTimeout = members.RebalanceTimeout,
        ClientId = Profile.Name.ToString().ToLowerInvariant(),
        ClientHost = Config.ClientHost,
    });

    private async Task ForgetSubscriptionAsync()
    {
        if (Subscription.IsNone)
            return;
        await AutoCommitAsync(last: true);
        await store.SaveAsync(Group, Name, InstanceRecord.From(Config, Subscription.None));
        if (_membership is not null)
            await _membership.LeaveAsync();
        (_membership, _assignment, Subscription) = (null, GroupAssignment.None, Subscription.None);
        Keep([]);
    }

    /// <summary>
    /// Forgets the positions of all other partitions, and of those where somebody else has committed meanwhile. Where nobody has, the position is still the right one, even if the
    /// partition was another member's for a while: everything before it was handed out here, and everything after it is not done.
    /// </summary>
    private void Keep(IReadOnlyList<TopicPartition> partitions)
    {
        foreach (var partition in _positions.Keys.ToArray())
        {
            if (partitions.Contains(partition) && IsUntouched(partition))
                continue;
            _positions.Remove(partition);
            _stored.Remove(partition);
        }
    }
}
