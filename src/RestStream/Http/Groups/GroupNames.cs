using RestStream.Http.Errors;

namespace RestStream.Http.Groups;

/// <summary>Names of groups and members: the same characters as a topic's, so that they can stand in paths, log lines and headers.</summary>
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

    /// <exception cref="HttpError">422.</exception>
    public static string Member(string text) => FindProblem(text, "member") is { } problem ? throw HttpError.Invalid("member", problem) : text;

    /// <summary>For a client that named itself nothing.</summary>
    public static string MadeUpMember() => $"m-{Guid.NewGuid():N}";
}
