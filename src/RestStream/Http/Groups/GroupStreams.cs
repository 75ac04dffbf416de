using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Hosting;

namespace RestStream.Http.Groups;

/// <summary>
/// The open streams by group and member. A second one of the same member takes over; after a cut the member keeps its partitions for a grace and leaves when it did not
/// come back by then. Safe on any thread.
/// </summary>
internal sealed class GroupStreams(TimeProvider clock, ILogger<GroupStreams> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Group, string Member), Seat> _seats = [];

    /// <summary>Members whose stream was cut and who may still come back.</summary>
    public int InGrace
    {
        get
        {
            lock (_lock)
                return _seats.Count(s => s.Value.Grace is not null);
        }
    }

    /// <summary>The stream is the member's only one from now on. Completes when the one before it, if there is one, commits nothing more.</summary>
    public Task EnterAsync(string group, string member, GroupStream stream)
    {
        GroupStream? replaced;
        lock (_lock)
        {
            replaced = Free(group, member)?.Stream;
            _seats[(group, member)] = new Seat { Stream = stream };
        }

        return replaced?.TakenOverAsync() ?? Task.CompletedTask;
    }

    /// <summary>The stream was cut: the member leaves when <paramref name="grace"/> is over, unless it is back before.</summary>
    public void Cut(string group, string member, GroupStream stream, IGroupConsumer consumer, TimeSpan grace)
    {
        lock (_lock)
        {
            if (!Vacate(group, member, stream))
                return;
            var seat = new Seat();
            _seats[(group, member)] = seat;
            seat.Grace = clock.CreateTimer(_ => GraceOver(group, member, seat, consumer), null, grace, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The stream ended and its member stays as it is.</summary>
    public void Leave(string group, string member, GroupStream stream)
    {
        lock (_lock)
            Vacate(group, member, stream);
    }

    /// <summary>The member polls or acks: it is back from a cut.</summary>
    public void Returned(string group, string member)
    {
        lock (_lock)
        {
            if (_seats.TryGetValue((group, member), out var seat) && seat.Grace is not null)
                Free(group, member);
        }
    }

    /// <summary>Something of the member was committed: its stream may send more.</summary>
    public void Acked(string group, string member)
    {
        lock (_lock)
        {
            if (_seats.TryGetValue((group, member), out var seat))
                seat.Stream?.Acked();
        }
    }

    /// <summary>Ends the member's stream, if it has one.</summary>
    public void End(string group, string member, string reason)
    {
        GroupStream? ended;
        lock (_lock)
            ended = Free(group, member)?.Stream;
        ended?.End(reason);
    }

    private bool Vacate(string group, string member, GroupStream stream) =>
        _seats.TryGetValue((group, member), out var seat) && seat.Stream == stream && _seats.Remove((group, member));

    private Seat? Free(string group, string member)
    {
        if (_seats.Remove((group, member), out var seat))
            seat.Grace?.Dispose();
        return seat;
    }

    private void GraceOver(string group, string member, Seat seat, IGroupConsumer consumer)
    {
        lock (_lock)
        {
            // It may have come back while this call was on its way.
            if (_seats.GetValueOrDefault((group, member)) != seat)
                return;
            Free(group, member);
        }

        _ = LeaveAsync(group, member, consumer);
    }

    private async Task LeaveAsync(string group, string member, IGroupConsumer consumer)
    {
        try
        {
            await consumer.LeaveAsync();
        }
        catch (BrokerException refusal)
        {
            // Its session ends it, later.
            logger.MemberNotRemoved(group, member, refusal.Message);
        }
    }

    /// <summary>Who has the member's place: a stream, or nobody until the grace is over.</summary>
    private sealed class Seat
    {
        public GroupStream? Stream { get; init; }
        public ITimer? Grace { get; set; }
    }
}
