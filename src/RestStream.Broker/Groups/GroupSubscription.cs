using System.Text;
using System.Text.RegularExpressions;
using RestStream.Broker.Groups.Formats;

namespace RestStream.Broker.Groups;

/// <summary>What an HTTP member wants to read: topics by name, or all public topics whose whole name matches a pattern.</summary>
internal sealed class GroupSubscription
{
    /// <summary>
    /// A pattern travels in the subscription's user data behind this, so that the log remembers it. Other clients' leaders read user data for an earlier assignment,
    /// find none in it and go on; ours take owned partitions from the fields that Kafka made for them.
    /// </summary>
    private const string PatternMark = "pattern:";

    private readonly Regex? _pattern;

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: the pattern is no regular expression.</exception>
    public GroupSubscription(IReadOnlyList<string> topics, string? pattern)
    {
        Topics = pattern is null ? [.. topics.Distinct(StringComparer.Ordinal)] : [];
        Pattern = pattern;
        if (pattern is null)
            return;
        try
        {
            _pattern = new Regex($"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new BrokerException(ErrorCode.InvalidRequest, $"The topic pattern is no regular expression that can be used: {e.Message}", e) { Subject = "topic_pattern" };
        }
    }

    public static GroupSubscription None { get; } = new([], null);

    public IReadOnlyList<string> Topics { get; }

    public string? Pattern { get; }

    public bool IsEmpty => Pattern is null && Topics.Count == 0;

    public bool Covers(string topic) => _pattern?.IsMatch(topic) ?? Topics.Contains(topic);

    public bool Equals(GroupSubscription other) => Pattern == other.Pattern && Topics.ToHashSet(StringComparer.Ordinal).SetEquals(other.Topics);

    /// <summary>The names that it stands for now.</summary>
    public IReadOnlyList<string> Resolve(IReadOnlyCollection<string> publicTopics) => _pattern is null ? Topics : [.. publicTopics.Where(t => _pattern.IsMatch(t))];

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
