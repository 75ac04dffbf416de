using System.Text.RegularExpressions;
using RestStream.Broker.Groups.Patterns;

namespace RestStream.Connect.Transforms.Patterns;

/// <summary>
/// A regular expression of Java's dialect over names of topics. Runs in time proportional to the name where the pattern allows; where it looks around, refers back or gives nothing back, under a limit.
/// </summary>
internal sealed class JavaRegex
{
    /// <summary>As for patterns of consumer groups; long enough for a list of some dozens of topics.</summary>
    private const int MaxLength = 2048;

    /// <summary>Names are short: what takes so long tries out a number of ways that grows without bound.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(100);

    private readonly string _text;
    private readonly TranslatedPattern _pattern;
    private readonly Regex _whole;
    private readonly Regex _anywhere;

    private JavaRegex(string text, TranslatedPattern pattern)
    {
        var options = RegexOptions.CultureInvariant | (pattern.NeedsBacktracking ? RegexOptions.None : RegexOptions.NonBacktracking);
        var limit = pattern.NeedsBacktracking ? s_limit : Regex.InfiniteMatchTimeout;
        (_text, _pattern) = (text, pattern);
        _whole = new Regex($@"\A(?:{pattern.Text})\z", options, limit);
        _anywhere = new Regex(pattern.Text, options, limit);
    }

    public int GroupCount => _pattern.GroupCount;

    /// <summary>The numbers of the groups that have a name.</summary>
    public IReadOnlyDictionary<string, int> GroupNames => _pattern.Names;

    /// <exception cref="FormatException">It is no pattern, or one that means something which cannot be said here; the message says where.</exception>
    public static JavaRegex Parse(string text)
    {
        if (text.Length > MaxLength)
            throw new FormatException($"it has {text.Length} characters, {MaxLength} are allowed");
        return new JavaRegex(text, JavaPattern.Translate(text, captures: true));
    }

    /// <summary>Whether the whole name matches.</summary>
    /// <exception cref="ConnectException">It takes too long to tell.</exception>
    public bool Matches(string name)
    {
        try
        {
            return _whole.IsMatch(name);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw TooSlow(name, e);
        }
    }

    /// <summary>The name with the first place that matches, which need not be all of it, replaced; the name itself when there is none.</summary>
    /// <exception cref="ConnectException">It takes too long to tell.</exception>
    public string ReplaceFirst(string name, JavaReplacement replacement)
    {
        try
        {
            var match = _anywhere.Match(name);
            return match.Success ? string.Concat(name.AsSpan(0, match.Index), replacement.For(match), name.AsSpan(match.Index + match.Length)) : name;
        }
        catch (RegexMatchTimeoutException e)
        {
            throw TooSlow(name, e);
        }
    }

    private ConnectException TooSlow(string name, RegexMatchTimeoutException e) =>
        new($"The regular expression '{_text}' takes more than {s_limit.TotalMilliseconds} ms to match the topic '{name}'. Write it without repetitions inside repetitions.", e);
}
