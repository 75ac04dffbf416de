using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Records;

namespace RestStream.Http.Groups;

/// <summary>Who reads as a member of a group, and what: the part that polls and streams have in common.</summary>
internal sealed record GroupMembership
{
    public required string Group { get; init; }
    public required string Member { get; init; }
    public required IReadOnlyList<string> Topics { get; init; }
    public string? TopicPattern { get; init; }
    public required TimeSpan SessionTimeout { get; init; }
    public required TimeSpan RebalanceTimeout { get; init; }
    public required IReadOnlyList<string> Assignors { get; init; }

    /// <summary>Where nothing is committed: begin at the end, not at the log's start.</summary>
    public bool FromLatest { get; init; }
    public required RecordJson Encoder { get; init; }

    /// <summary>The member's place in the group: the one it has, or a new one.</summary>
    public IGroupConsumer Join(IBroker broker, HttpContext context) => broker.JoinGroup(new GroupJoin
    {
        Group = Group,
        InstanceId = Member,
        Topics = Topics,
        TopicPattern = TopicPattern,
        Assignors = Assignors,
        SessionTimeout = SessionTimeout,
        RebalanceTimeout = RebalanceTimeout,
        ClientHost = $"/{context.Connection.RemoteIpAddress}",
    });

    /// <summary>Topics that were asked for and do not exist. They may come to be, and then are read; a typing error should not have to be guessed.</summary>
    public IReadOnlyList<string> UnknownTopics(IBroker broker)
    {
        foreach (var topic in Topics)
        {
            if (!broker.TryGetIntake(topic, out _))
                return [.. Topics.Where(t => !broker.TryGetIntake(t, out _))];
        }

        return [];
    }
}
