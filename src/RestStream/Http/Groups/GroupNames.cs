using RestStream.Broker;
using RestStream.Http.Connect;
using RestStream.Http.Errors;

namespace RestStream.Http.Groups;

/// <summary>
/// Names of groups and members: the same characters as a topic's, so that they can stand in paths, log lines and headers. The group of a sink connector has the connector's name in it, which may be any text; percent-encoded it can
/// be looked at, reset and deleted like others.
/// </summary>
internal static class GroupNames
{
    private const int MaxLength = 249;

    /// <summary>Null when the text may be a name, else what is wrong. Never repeats it: it may hold anything.</summary>
    public static string? FindProblem(string text, string what)
    {
        var good = text.Length is > 0 and <= MaxLength && text is not ("." or "..");
        foreach (var c in text)
            good &= char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
        return good ? null : $"A {what} name has 1 to {MaxLength} of the characters A-Z a-z 0-9 . _ - and is not '.' or '..'.";
    }

    /// <exception cref="HttpError">422.</exception>
    public static string Group(string text) => FindProblem(text, "group") is { } problem ? throw HttpError.Invalid("group", problem) : text;

    /// <summary>The name, decoded, of a group that is there, or that may be there.</summary>
    /// <exception cref="HttpError">422.</exception>
    public static string Known(string segment, IBroker broker)
    {
        _ = PathName.TryParse(segment, out var name);
        if (FindProblem(name.Value, "group") is not { } problem)
            return name.Value;
        try
        {
            return broker.DescribeGroup(name.Value).Group;
        }
        catch (BrokerException e) when (e.Code is ErrorCode.GroupIdNotFound or ErrorCode.InvalidGroupId)
        {
            throw HttpError.Invalid("group", problem);
        }
    }

    /// <exception cref="HttpError">422.</exception>
    public static string Member(string text) => FindProblem(text, "member") is { } problem ? throw HttpError.Invalid("member", problem) : text;

    /// <summary>For a client that named itself nothing.</summary>
    public static string MadeUpMember() => $"m-{Guid.NewGuid():N}";
}
