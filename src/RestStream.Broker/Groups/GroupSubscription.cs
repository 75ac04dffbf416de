using System.Text;
using RestStream.Broker.Groups.Formats;
using RestStream.Broker.Groups.Patterns;

namespace RestStream.Broker.Groups;

/// <summary>What an HTTP member wants to read: topics by name, or all public topics whose whole name matches a pattern.</summary>
internal sealed class GroupSubscription
{
    /// <summary>
    /// A pattern travels in the subscription's user data behind this, so that the log remembers it. Other clients' leaders read user data for an earlier assignment,
    /// find none in it and go on; ours take owned partitions from the fields that Kafka made for them.
    /// </summary>
    private const string PatternMark = "pattern:";

    private readonly TopicPattern? _pattern;

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: the pattern cannot be used.</exception>
    public GroupSubscription(IReadOnlyList<string> topics, string? pattern)
    {
        Topics = pattern is null ? [.. topics.Distinct(StringComparer.Ordinal)] : [];
        _pattern = pattern is null ? null : TopicPattern.Parse(pattern);
    }

    public static GroupSubscription None { get; } = new([], null);

    public IReadOnlyList<string> Topics { get; }

    public string? Pattern => _pattern?.Text;

    public bool IsEmpty => Pattern is null && Topics.Count == 0;

    /// <summary>The same wish in the same words.</summary>
    public bool Says(IReadOnlyList<string> topics, string? pattern) => Pattern == pattern && (pattern is not null || Topics.SequenceEqual(topics));

    public bool Equals(GroupSubscription other) => Pattern == other.Pattern && Topics.ToHashSet(StringComparer.Ordinal).SetEquals(other.Topics);

    /// <summary>Whether a topic of this name belongs to it.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: the pattern takes too long.</exception>
    public bool Covers(string topic) => _pattern?.Matches(topic) ?? Topics.Contains(topic);

    /// <summary>The names that it stands for now.</summary>
    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: the pattern takes too long.</exception>
    public IReadOnlyList<string> Resolve(IReadOnlyCollection<string> publicTopics) => _pattern is null ? Topics : [.. publicTopics.Where(_pattern.Matches)];

    public byte[]? ToUserData() => Pattern is null ? null : Encoding.UTF8.GetBytes(PatternMark + Pattern);

    /// <summary>What a stored subscription says; without a pattern when there is none, or it can no longer be used.</summary>
    public static GroupSubscription From(ConsumerSubscription stored)
    {
        if (stored.UserData is { } data && Encoding.UTF8.GetString(data) is { } text && text.StartsWith(PatternMark, StringComparison.Ordinal))
        {
            try
            {
                return new GroupSubscription([], text[PatternMark.Length..]);
            }
            catch (BrokerException)
            {
                // Written by a version that knew more; its topics of then are the best that is left.
            }
        }

        return new GroupSubscription(stored.Topics, null);
    }
}
