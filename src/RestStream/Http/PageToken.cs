using System.Buffers.Text;
using System.Text;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;

namespace RestStream.Http;

/// <summary>How lists of topics and groups are paged: a token is the last name of the page before, written so that nobody builds one.</summary>
internal static class PageToken
{
    /// <summary>Entries on a page when the request names no number.</summary>
    public const int DefaultPage = 100;

    /// <summary>The most it may name.</summary>
    public const int LargestPage = 1000;

    public static string Format(string lastName) => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(lastName));

    /// <summary>The name behind which the page begins; null = from the start.</summary>
    /// <exception cref="HttpError">400.</exception>
    public static string? Parse(string? token)
    {
        if (string.IsNullOrEmpty(token))
            return null;
        try
        {
            var name = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(token));
            if (TopicNames.FindProblem(name) is null)
                return name;
        }
        catch (FormatException)
        {
            // Falls through to the refusal.
        }

        throw HttpError.BadParameter("page_token", "page_token is not one that an answer gave. Begin without it.");
    }
}
