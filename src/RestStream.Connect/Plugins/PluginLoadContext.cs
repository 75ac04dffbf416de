using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace RestStream.Connect.Plugins;

/// <summary>
/// Where the code of one plugin folder lives. It shares the connector API and the framework with the worker and nothing else: its dependencies come from its own folder, in its own versions, and what only the worker's
/// program has is not there for it. That keeps versions apart; it is no protection from hostile code.
/// </summary>
internal sealed class PluginLoadContext : AssemblyLoadContext
{
    private static readonly string _api = typeof(Connector).Assembly.GetName().Name!;
    private static readonly HashSet<string> _ofTheProgram = AssembliesOfTheProgram();

    // A collectible context that nobody holds is unloaded by its finalizer, while objects of its types live on: they would find no assembly that they need for the first time. So each lives as long as its code.
    private static readonly ConditionalWeakTable<Assembly, PluginLoadContext> _alive = [];

    private readonly string _folder;
    private readonly AssemblyDependencyResolver _resolver;
    private readonly Dictionary<string, Assembly> _loaded = [];

    /// <exception cref="InvalidOperationException">The .deps.json beside the assembly cannot be read.</exception>
    public PluginLoadContext(string assemblyPath)
        : base(assemblyPath, isCollectible: true)
    {
        _folder = Path.GetDirectoryName(assemblyPath)!;
        _resolver = new AssemblyDependencyResolver(assemblyPath);
    }

    /// <summary>
    /// Loads from memory: a file that is mapped must not be written, and a plugin folder is copied over while its old code runs (the process would die of SIGBUS).
    /// </summary>
    public Assembly LoadFile(string path)
    {
        // The runtime asks on several threads at once, and refuses to load the same bytes twice.
        lock (_loaded)
        {
            if (_loaded.TryGetValue(path, out var known))
                return known;
            using var assembly = new MemoryStream(File.ReadAllBytes(path));
            var symbols = Path.ChangeExtension(path, ".pdb");
            using var lines = File.Exists(symbols) ? new MemoryStream(File.ReadAllBytes(symbols)) : null;
            var loaded = LoadFromStream(assembly, lines);
            _alive.Add(loaded, this);
            return _loaded[path] = loaded;
        }
    }

    protected override Assembly? Load(AssemblyName name)
    {
        // Null: the worker's own. Even if the folder holds a copy of the API: its types would be others.
        if (name.Name == _api)
            return null;
        if (_resolver.ResolveAssemblyToPath(name) is { } path)
            return LoadFile(path);

        // A FileNotFoundException would be passed over, and the program's own assembly taken.
        if (name.Name is not null && _ofTheProgram.Contains(name.Name))
            throw new FileLoadException($"Assembly {name} is not in the plugin folder {_folder}. Copy it there with the plugin (dotnet publish, or EnableDynamicLoading=true, does).");
        return null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : nint.Zero;

    /// <summary>What the runtime would find beside the program. In a self-contained program the framework lies there too and cannot be told apart: all of it is shared then.</summary>
    private static HashSet<string> AssembliesOfTheProgram()
    {
        var own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        var trusted = ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "").Split(Path.PathSeparator);
        var selfContained = Path.GetDirectoryName(typeof(object).Assembly.Location) == own;
        return selfContained ? [] : [.. trusted.Where(path => Path.GetDirectoryName(path) == own).Select(path => Path.GetFileNameWithoutExtension(path)!)];
    }
}
