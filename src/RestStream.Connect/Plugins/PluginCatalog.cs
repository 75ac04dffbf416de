using System.Collections.Frozen;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace RestStream.Connect.Plugins;

/// <summary>One class that can be configured. Listing loads nothing.</summary>
internal sealed record PluginDescription(string Class, PluginKind Kind, string? Version, IReadOnlyList<string> Aliases);

/// <summary>A plugin folder that cannot be used, or only in part, and why.</summary>
internal sealed record PluginProblem(string Folder, string Message);

/// <summary>
/// The plugins: those built in (converters, transforms, predicates) and those of the plugin folders, one load context each, versions side by side. Safe on any thread.
/// A name in a configuration is only ever looked up here: it never becomes a type name, an assembly name or a path.
/// A folder that is broken is a <see cref="Problems">problem</see> and a warning in the log, and harms no other.
/// </summary>
internal sealed class PluginCatalog
{
    private readonly IReadOnlyList<string> _pluginPath;
    private readonly ILogger _logger;
    private readonly Lock _rescanning = new();
    private volatile Snapshot _current = Snapshot.BuiltIn;

    private PluginCatalog(IReadOnlyList<string> pluginPath, ILogger logger)
    {
        _pluginPath = pluginPath;
        _logger = logger;
    }

    /// <summary>What is wrong with the plugin folders now; for health.</summary>
    public IReadOnlyList<PluginProblem> Problems => _current.Problems;

    /// <summary>Reads the manifests of all folders below those of <paramref name="pluginPath"/>: <c>name/plugin.json</c> and <c>name/version/plugin.json</c>. A folder that does not exist holds no plugins.</summary>
    public static PluginCatalog Open(IReadOnlyList<string> pluginPath, ILogger logger)
    {
        var catalog = new PluginCatalog([.. pluginPath.Select(Path.GetFullPath).Distinct()], logger);
        catalog.Rescan();
        return catalog;
    }

    /// <summary>All of them, ordered by kind, class and version.</summary>
    public IReadOnlyList<PluginDescription> List() => _current.Descriptions;

    /// <summary>
    /// The plugin by its class, an alias, its simple name, or that without "Connector" (for other kinds without theirs: <c>Json</c>); of several versions the newest that <paramref name="version"/> allows:
    /// one version, or a range as Maven's (<c>[1.0,2.0)</c>); null or <c>latest</c>: the newest.
    /// </summary>
    /// <param name="name">As somebody configured it.</param>
    /// <param name="version">As somebody configured it.</param>
    /// <param name="kinds">What is wanted; none: anything.</param>
    /// <exception cref="PluginNotFoundException">None, or more than one class of that name; the message is Kafka's.</exception>
    public PluginDescription Find(string name, string? version, params ReadOnlySpan<PluginKind> kinds)
    {
        var range = VersionRange.Parse(version);
        var snapshot = _current;
        var wanted = kinds.ToArray();
        var candidates = wanted.Length == 0 ? snapshot.Descriptions : [.. snapshot.Descriptions.Where(plugin => wanted.Contains(plugin.Kind))];
        var matches = Match(candidates, name);
        if (matches.Count == 0)
            throw NotFound(name, wanted, candidates, Match(snapshot.Descriptions, name));
        if (matches.Select(plugin => plugin.Class).Distinct().Skip(1).Any())
        {
            var noun = IsConnector(wanted) ? "connector" : "plugin";
            throw new PluginNotFoundException($"More than one {noun} matches alias {name}. Please use full package and class name instead. Classes found: {Classes(matches)}");
        }

        // Ordered by version within class and kind; a class of two kinds (converter and header converter) is one plugin.
        return matches.LastOrDefault(plugin => plugin.Kind == matches[0].Kind && range?.Allows(new PluginVersion(plugin.Version!)) != false)
            ?? throw new PluginNotFoundException(
                $"Plugin {matches[0].Class} not found that matches the version range {range}, available versions: [{string.Join(", ", matches.Select(plugin => plugin.Version).Distinct())}]");
    }

    /// <summary>A new instance; loads the plugin's assembly when it is the first.</summary>
    /// <exception cref="ConnectException">It cannot be loaded or made; the message says what is missing.</exception>
    public T Create<T>(PluginDescription plugin)
        where T : class
    {
        if (!_current.Plugins.TryGetValue(Key(plugin), out var entry))
            throw new PluginNotFoundException($"Plugin {plugin.Class} {plugin.Version} is no longer there.");

        var type = entry.Type ?? entry.Folder!.Load(entry.TypeName!);
        if (!typeof(T).IsAssignableFrom(type) || PluginKinds.Of(type) != plugin.Kind)
            throw new ConnectException($"Class {plugin.Class} ({type.FullName}) is no {plugin.Kind.Word()} for this worker: its manifest is wrong, or it was built against another connector API.");
        try
        {
            return (T)Activator.CreateInstance(type, nonPublic: true)!;
        }
        catch (TargetInvocationException e)
        {
            throw new ConnectException($"Class {plugin.Class} {plugin.Version} cannot be made, its constructor failed: {Reason(e.InnerException!)}", e.InnerException);
        }
        catch (Exception e) when (e is MemberAccessException or IOException or BadImageFormatException or TypeLoadException)
        {
            throw new ConnectException($"Class {plugin.Class} {plugin.Version} cannot be made: {Reason(e)}", e);
        }
    }

    /// <summary>Looks at the plugin folders again. Instances that exist go on with what they are; a folder whose files changed is loaded anew for the next instance.</summary>
    /// <returns>What came, and what changed.</returns>
    public IReadOnlyList<PluginDescription> Rescan()
    {
        lock (_rescanning)
        {
            var before = _current;
            var after = Snapshot.Read(_pluginPath, before);
            _current = after;
            foreach (var problem in after.Problems.Except(before.Problems))
                _logger.PluginFolderBroken(problem.Folder, problem.Message);
            var came = after.Descriptions.Where(plugin => !before.Plugins.TryGetValue(Key(plugin), out var known) || known.Folder != after.Plugins[Key(plugin)].Folder).ToList();
            foreach (var folder in came.Select(plugin => after.Plugins[Key(plugin)].Folder).OfType<PluginFolder>().Distinct())
                _logger.PluginFound(folder.Manifest.Name, folder.Manifest.Version, folder.FullPath);
            return came;
        }
    }

    /// <summary>Why an assembly was not loaded says the exception of the load context inside the runtime's.</summary>
    private static string Reason(Exception error) => error is FileLoadException { InnerException: FileLoadException inner } ? inner.Message : error.Message;

    private static List<PluginDescription> Match(IReadOnlyList<PluginDescription> plugins, string name)
    {
        var byClass = plugins.Where(plugin => plugin.Class == name).ToList();
        if (byClass.Count > 0)
            return byClass;
        return [.. plugins.Where(plugin => plugin.Aliases.Contains(name) || SimpleName(plugin) == name || name + plugin.Kind.JavaName() == SimpleName(plugin))];
    }

    private static PluginNotFoundException NotFound(string name, PluginKind[] wanted, IReadOnlyList<PluginDescription> candidates, List<PluginDescription> ofOtherKinds)
    {
        if (IsConnector(wanted))
            return new PluginNotFoundException($"Failed to find any class that implements Connector and which name matches {name}, available connectors are: {Classes(candidates)}");
        if (wanted.Length > 0 && ofOtherKinds.Count > 0)
            return new PluginNotFoundException($"Class {ofOtherKinds[0].Class} does not implement the {wanted[0].JavaName()} interface");
        var nested = candidates.Where(plugin => plugin.Class.StartsWith(name + '$', StringComparison.Ordinal)).ToList();
        if (nested.Count > 0)
            return new PluginNotFoundException($"This class is abstract and cannot be created. Did you mean {Classes(nested)}?");
        return new PluginNotFoundException($"Class {name} could not be found.");
    }

    private static bool IsConnector(PluginKind[] kinds) => kinds.Length > 0 && kinds.All(kind => kind is PluginKind.Source or PluginKind.Sink);

    private static string Classes(IEnumerable<PluginDescription> plugins) => string.Join(", ", plugins.Select(plugin => plugin.Class).Distinct());

    private static string SimpleName(PluginDescription plugin) => plugin.Class[(plugin.Class.LastIndexOf('.') + 1)..];

    private static (string Class, PluginKind Kind, string? Version) Key(PluginDescription plugin) => (plugin.Class, plugin.Kind, plugin.Version);

    /// <summary>Where a plugin comes from: a type of this assembly, or a type name in a folder.</summary>
    private sealed record Entry(PluginDescription Description, Type? Type, PluginFolder? Folder, string? TypeName);

    /// <summary>The catalog at one time; never changed.</summary>
    private sealed class Snapshot
    {
        public static readonly Snapshot BuiltIn = new(BuiltInPlugins.All.Select(plugin => new Entry(plugin.Description, plugin.Type, null, null)), []);

        private Snapshot(IEnumerable<Entry> entries, IReadOnlyList<PluginProblem> problems)
        {
            Plugins = entries.ToFrozenDictionary(entry => Key(entry.Description));
            Problems = problems;
            Descriptions =
            [
                .. Plugins.Values.Select(entry => entry.Description)
                    .OrderBy(plugin => plugin.Kind).ThenBy(plugin => plugin.Class, StringComparer.Ordinal).ThenBy(plugin => new PluginVersion(plugin.Version!)),
            ];
        }

        public FrozenDictionary<(string Class, PluginKind Kind, string? Version), Entry> Plugins { get; }

        public IReadOnlyList<PluginDescription> Descriptions { get; }

        public IReadOnlyList<PluginProblem> Problems { get; }

        /// <summary>Folders that are as they were in <paramref name="before"/> stay the same objects, with what they loaded.</summary>
        public static Snapshot Read(IReadOnlyList<string> pluginPath, Snapshot before)
        {
            var known = before.Plugins.Values.Select(entry => entry.Folder).OfType<PluginFolder>().DistinctBy(folder => folder.FullPath).ToDictionary(folder => folder.FullPath);
            var entries = BuiltIn.Plugins.Values.ToDictionary(entry => Key(entry.Description));
            var problems = new List<PluginProblem>();
            foreach (var folder in PluginFolders.Read(pluginPath, problems))
            {
                var same = known.TryGetValue(folder.FullPath, out var old) && old.Fingerprint == folder.Fingerprint ? old : folder;
                foreach (var plugin in folder.Manifest.Classes)
                {
                    var entry = new Entry(new PluginDescription(plugin.Class, plugin.Kind, folder.Manifest.Version, plugin.Aliases), null, same, plugin.Type);
                    if (!entries.TryAdd(Key(entry.Description), entry))
                        problems.Add(new PluginProblem(folder.FullPath, $"{plugin.Class} {folder.Manifest.Version} is there already, from {entries[Key(entry.Description)].Folder?.FullPath ?? "the program itself"}; this one is passed over."));
                }
            }

            return new Snapshot(entries.Values, problems);
        }
    }
}

/// <summary>No plugin of that name or version.</summary>
internal sealed class PluginNotFoundException(string message) : ConnectException(message);
