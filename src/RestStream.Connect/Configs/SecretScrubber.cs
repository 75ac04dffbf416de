using System.Text.Encodings.Web;
using System.Text.RegularExpressions;

namespace RestStream.Connect.Configs;

/// <summary>
/// Takes the secrets of one connector out of texts that its code wrote (messages, traces, log lines): as they are, percent-encoded and as they stand in JSON. Immutable, safe on any thread; made when a connector or
/// task starts, since only then references are resolved.
/// </summary>
internal sealed class SecretScrubber
{
    // Shorter ones would tear words of every text to pieces: they are only taken out where they stand alone.
    private const int ShortestInsideWords = 4;

    private readonly Regex? _secrets;

    private SecretScrubber(IEnumerable<string> secrets)
    {
        // Longest first: a secret that begins another one must not leave the rest of it behind.
        var forms = secrets.Where(s => s.Length > 0).SelectMany(Forms).Distinct().OrderByDescending(s => s.Length).Select(Pattern).ToList();
        if (forms.Count > 0)
            _secrets = new Regex(string.Join('|', forms), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }

    /// <summary>Knows no secrets of a connector; passwords in URLs are taken out all the same.</summary>
    public static SecretScrubber None { get; } = new([]);

    /// <summary>For one connector or task.</summary>
    /// <param name="config">Its configuration as written.</param>
    /// <param name="resolved">The same, references replaced (<see cref="ConfigReferences.Resolve(IReadOnlyDictionary{string, string}, ICollection{string})"/>).</param>
    /// <param name="replacements">What the references were replaced by.</param>
    /// <param name="secretKeys">The keys whose values are secret (<see cref="ConnectorValidation.SecretKeys"/>).</param>
    public static SecretScrubber For(
        IReadOnlyDictionary<string, string> config, IReadOnlyDictionary<string, string> resolved, IEnumerable<string> replacements, IReadOnlySet<string> secretKeys)
    {
        // A reference in an ordinary setting may be a secret or the number of tasks: a short one is no secret worth making every text unreadable for.
        var fromReferences = replacements.Where(value => value.Length >= ShortestInsideWords);
        var passwords = config.Concat(resolved).Where(e => secretKeys.Contains(e.Key)).Select(e => e.Value.Trim()).Where(value => value is not ("" or Secrets.Hidden));
        return new SecretScrubber([.. fromReferences, .. passwords, .. config.Concat(resolved).SelectMany(e => Secrets.InUrls(e.Value))]);
    }

    /// <summary>The text with <c>[hidden]</c> in the place of secrets.</summary>
    public string Scrub(string text) => Secrets.MaskUrls(_secrets is null ? text : _secrets.Replace(text, Secrets.Hidden));

    private static IEnumerable<string> Forms(string secret)
    {
        yield return secret;
        yield return Uri.EscapeDataString(secret);
        yield return JavaScriptEncoder.Default.Encode(secret);
        yield return JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(secret);
        // A secret of several lines (a key in PEM) may be quoted line by line.
        foreach (var line in secret.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 8))
            yield return line;
    }

    private static string Pattern(string secret) => secret.Length >= ShortestInsideWords ? Regex.Escape(secret) : $@"(?<![\w]){Regex.Escape(secret)}(?![\w])";
}
