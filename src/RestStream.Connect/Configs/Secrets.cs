using System.Text.RegularExpressions;
using RestStream.Connect.Config;

namespace RestStream.Connect.Configs;

/// <summary>
/// Keeps secrets out of everything that is shown. Secret are: the values of PASSWORD settings (<see cref="ConnectorValidation.SecretKeys"/>), passwords inside URLs wherever they stand, and what references
/// were replaced by (<see cref="SecretScrubber"/>). Every answer with a configuration in it goes through <see cref="Mask"/>, every text that a plugin wrote through a <see cref="SecretScrubber"/>.
/// </summary>
internal static partial class Secrets
{
    /// <summary>What stands in the place of a secret.</summary>
    public const string Hidden = ConfigSecret.Mask;

    /// <summary>The configuration as it may be shown: values of <paramref name="secretKeys"/>, and passwords in URLs of other values, are <see cref="Hidden"/>.</summary>
    public static Dictionary<string, string> Mask(IReadOnlyDictionary<string, string> config, IReadOnlySet<string> secretKeys) =>
        config.ToDictionary(e => e.Key, e => secretKeys.Contains(e.Key) ? Hidden : MaskUrls(e.Value));

    /// <summary>
    /// What a client sends back after it read a masked configuration, with the stored values in the places of masks. Only a value that was sent back just as it was shown is put back: in a URL whose host was
    /// changed the mask stays, so that nobody can have a stored password sent elsewhere by changing the address around it.
    /// </summary>
    /// <param name="sent">What came; null removes a key (PATCH).</param>
    /// <param name="stored">The configuration as stored; empty for a new connector.</param>
    /// <param name="secretKeys">Of the stored configuration.</param>
    public static Dictionary<string, string?> Restore(IReadOnlyDictionary<string, string?> sent, IReadOnlyDictionary<string, string> stored, IReadOnlySet<string> secretKeys)
    {
        var masked = Mask(stored, secretKeys);
        return sent.ToDictionary(e => e.Key, e => e.Value is { } value && value.Contains(Hidden, StringComparison.Ordinal) && masked.GetValueOrDefault(e.Key) == value ? stored[e.Key] : e.Value);
    }

    /// <summary>Whether a key that no definition knows looks like a secret: better a mask too many than a password in an answer.</summary>
    public static bool LooksSecret(string key) => SecretName().IsMatch(key);

    /// <summary>The text without the passwords of URLs and connection strings in it: user information (<c>//user:password@</c>) and parameters named like a password (<c>?token=</c>, <c>;Password=</c>).</summary>
    public static string MaskUrls(string text)
    {
        text = UserInformation().Replace(text, m => m.Groups["front"].Value + Hidden + "@");
        return SecretParameter().Replace(text, m => m.Groups["front"].Value + Hidden);
    }

    /// <summary>The passwords in the URLs and connection strings of a text.</summary>
    public static IEnumerable<string> InUrls(string text) => UserInformation().Matches(text).Concat(SecretParameter().Matches(text)).Select(m => m.Groups["secret"].Value);

    // Segments of a key: "ssl.keystore.password", "sasl.jaas.config", "aws.secret.access.key"; not "key.converter" or "token.endpoint.url".
    [GeneratedRegex("(^|[._-])(password|passwd|passphrase|secret|secrets|jaas|credential|credentials)([._-]|$)|(^|[._-])(api|access|private|account)[._-]?key$|(^|[._-])token$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SecretName();

    // The last @ before the path, query or end: a password may hold one itself. Without a colon the whole user information may be a token, so it is hidden too.
    [GeneratedRegex(@"(?<front>://([^\s/?#:@]*:)?)(?<secret>[^\s/?#]+)@", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex UserInformation();

    [GeneratedRegex(@"(?<front>(^|[?&;\s])(password|passwd|pwd|secret|token|access_token|api_?key|sslpassword)=)(?<secret>[^\s&;#]+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SecretParameter();
}
