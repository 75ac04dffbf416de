using System.Text;
using System.Text.RegularExpressions;

namespace RestStream.Connect.Configs;

/// <summary>What a provider has for some keys of a path; keys that it does not have, or whose value is null, are left out.</summary>
internal delegate IReadOnlyDictionary<string, string?> ReferenceProvider(string path, IReadOnlySet<string> keys);

/// <summary>
/// Replaces <c>${env:NAME}</c>, <c>${file:/path:key}</c> and <c>${dir:/path:key}</c> (Kafka's ConfigTransformer). Only when a task or connector starts, and for validation; nothing resolved is ever stored or shown.
/// A value is not resolved again, and references do not nest.
/// </summary>
internal sealed partial class ConfigReferences(IReadOnlyDictionary<string, ReferenceProvider> providers)
{
    public ConfigReferences(ConnectOptions options)
        : this(ReferenceProviders.Create(options))
    {
    }

    /// <summary>The same configuration with references replaced. What cannot be found stays as it is written.</summary>
    /// <exception cref="ConnectException">A file cannot be read or is not allowed.</exception>
    public IReadOnlyDictionary<string, string> Resolve(IReadOnlyDictionary<string, string> config) => Resolve(config, []);

    /// <summary>The same; what references were replaced by is added to <paramref name="replacements"/>, for the <see cref="SecretScrubber"/>.</summary>
    /// <exception cref="ConnectException">A file cannot be read or is not allowed.</exception>
    public IReadOnlyDictionary<string, string> Resolve(IReadOnlyDictionary<string, string> config, ICollection<string> replacements)
    {
        // All keys of a path are asked for at once: a file is read once, and all its keys are of one moment.
        var wanted = config.Values.SelectMany(value => Reference().Matches(value)).Select(Parts).Where(r => providers.ContainsKey(r.Provider)).ToLookup(r => (r.Provider, r.Path), r => r.Key);
        var found = wanted.ToDictionary(group => group.Key, group => providers[group.Key.Provider](group.Key.Path, group.ToHashSet()));
        return config.ToDictionary(e => e.Key, e => Reference().Replace(e.Value, m =>
        {
            var (provider, path, key) = Parts(m);
            if (!found.TryGetValue((provider, path), out var values) || values.GetValueOrDefault(key) is not { } value)
                return m.Value;
            replacements.Add(value);
            return value;
        }));
    }

    /// <summary>The references in a text, as written.</summary>
    public static IReadOnlyList<string> In(string value) => [.. Reference().Matches(value).Select(m => m.Value)];

    private static (string Provider, string Path, string Key) Parts(Match m) => (m.Groups["provider"].Value, m.Groups["path"].Value, m.Groups["key"].Value);

    // Kafka's pattern.
    [GeneratedRegex(@"\$\{(?<provider>[^}]*?):((?<path>[^}]*?):)?(?<key>[^}]*?)\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();
}

/// <summary>The providers that a worker has.</summary>
internal static class ReferenceProviders
{
    // A file of settings or of one secret; anything larger is a mistake.
    private const int MaxBytes = 1 << 20;

    public static IReadOnlyDictionary<string, ReferenceProvider> Create(ConnectOptions options)
    {
        var variables = new Regex($"^(?:{options.SecretVariables})\\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        var files = new FileRoots(options.SecretPaths, [], ConnectOptions.Section + ":SecretPaths");
        return new Dictionary<string, ReferenceProvider>
        {
            ["env"] = (path, keys) => path.Length == 0
                ? keys.Where(key => variables.IsMatch(key)).ToDictionary(key => key, Environment.GetEnvironmentVariable)
                : throw new ConnectException($"References to environment variables have no path: write ${{env:NAME}}, not ${{env:{path}:NAME}}."),
            ["file"] = (path, keys) =>
            {
                if (path.Length == 0)
                    return new Dictionary<string, string?>();
                var all = PropertiesFile.Parse(Read(files, path, $"Could not read properties from file {path}"));
                return keys.Where(all.ContainsKey).ToDictionary(key => key, key => (string?)all[key]);
            },
            ["dir"] = (path, keys) =>
            {
                if (path.Length == 0)
                    return new Dictionary<string, string?>();
                var folder = files.Resolve(path);
                return keys.Where(key => key.Length > 0 && File.Exists(Path.Combine(folder, key)))
                    .ToDictionary(key => key, key => (string?)Read(files, Path.Combine(folder, key), $"Could not read file {key} of {path}"));
            },
        };
    }

    private static string Read(FileRoots files, string path, string failure)
    {
        try
        {
            using var stream = files.Open(path, FileMode.Open, FileAccess.Read);
            if (stream.Length > MaxBytes)
                throw new ConnectException($"{failure}: it has {stream.Length} bytes, more than {MaxBytes}.");
            using var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false);
            return reader.ReadToEnd();
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new ConnectException($"{failure}: {unreadable.Message}", unreadable);
        }
    }
}
