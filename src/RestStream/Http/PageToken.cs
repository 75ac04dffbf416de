using System.Buffers.Text;
using System.Text;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;

namespace RestStream.Http;

/// <summary>How lists of topics and groups are paged: a token is the last name of the page before, written so that nobody builds one.</summary>
internal static class PageToken
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Entries on a page when the request names no number.</summary>
    public const int DefaultPage = 100;

    /// <summary>The most it may name.</summary>
    public const int LargestPage = 1000;

    public static string Format(string lastName) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(lastName));

    /// <summary>The topic behind which the page begins; null = from the start.</summary>
    /// <exception cref="HttpError">400.</exception>
    public static string? Parse(string? token) => ParseAny(token) is { } name && TopicNames.FindProblem(name) is not null ? throw Foreign() : ParseAny(token);

    /// <summary>The same where names are any text.</summary>
    /// <exception cref="HttpError">400.</exception>
    public static string? ParseAny(string? token)
    {
        if (string.IsNullOrEmpty(token))
            return null;
        try
        {
            return s_strict.GetString(Base64Url.DecodeFromChars(token));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            throw Foreign();
        }
    }

    private static HttpError Foreign() => HttpError.BadParameter("page_token", "page_token is not one that an answer gave. Begin without it.");
}
