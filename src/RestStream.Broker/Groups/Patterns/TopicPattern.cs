using System.Text.RegularExpressions;

namespace RestStream.Broker.Groups.Patterns;

/// <summary>
/// The topics of a group by a regular expression of Java's dialect that the whole name must match, as Kafka's <c>subscribe(Pattern)</c> has it. Safe on any thread.
/// <para>Patterns come from strangers: they run in time proportional to the name, or, where they look around or refer back and so cannot, under a limit that ends them.</para>
/// </summary>
internal sealed class TopicPattern
{
    /// <summary>Longest pattern taken; long enough for a list of some dozens of topics.</summary>
    public const int MaxLength = 2048;

    /// <summary>
    /// A name has at most 249 characters: what takes so long tries out a number of ways that grows without bound. It is measured by the wall clock, so it must outlast a pause of a
    /// busy machine; and what needs no limit has none.
    /// </summary>
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(1);

    private readonly Regex _regex;

    /// <summary>Once a pattern was too slow nobody waits for it again.</summary>
    private volatile bool _tooSlow;

    private TopicPattern(string text, Regex regex)
    {
        Text = text;
        _regex = regex;
    }

    /// <summary>The pattern as it was given.</summary>
    public string Text { get; }

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: not a pattern, or one that means something which cannot be said here; the message says where.</exception>
    public static TopicPattern Parse(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw Refusal($"has {pattern.Length} characters, {MaxLength} are allowed");
        TranslatedPattern translated;
        try
        {
            translated = JavaPattern.Translate(pattern, captures: false);
        }
        catch (FormatException e)
        {
            throw Refusal($"cannot be used: {e.Message}");
        }
        var whole = @"\A(?:" + translated.Text + @")\z";
        return new TopicPattern(pattern, translated.NeedsBacktracking
            ? new Regex(whole, RegexOptions.CultureInvariant, MatchTimeout)
            : new Regex(whole, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Regex.InfiniteMatchTimeout));
    }

    /// <exception cref="BrokerException"><see cref="ErrorCode.InvalidRequest"/>: it takes too long to tell, now or before.</exception>
    public bool Matches(string topic)
    {
        try
        {
            if (!_tooSlow)
                return _regex.IsMatch(topic);
        }
        catch (RegexMatchTimeoutException)
        {
            _tooSlow = true;
        }
        throw Refusal("takes too long to match; write it without repetitions inside repetitions");
    }

    private static BrokerException Refusal(string problem) => new(ErrorCode.InvalidRequest, $"The topic pattern {problem}.") { Subject = "topic_pattern" };
}
