using Microsoft.Extensions.Logging;

namespace RestStream.Connect.Plugins;

/// <summary>What a plugin is; Kafka's words in <c>type</c>: source, sink, converter, header_converter, transformation, predicate.</summary>
internal enum PluginKind
{
    Source,
    Sink,
    Converter,
    HeaderConverter,
    Transformation,
    Predicate,
}

/// <summary>One class that can be configured. Listing loads nothing.</summary>
internal sealed record PluginDescription(string Class, PluginKind Kind, string? Version, IReadOnlyList<string> Aliases);

/// <summary>
/// The plugins: those built in (converters, transforms, predicates) and those of the plugin folders, one load context each, versions side by side. Safe on any thread.
/// </summary>
internal sealed class PluginCatalog
{
    /// <summary>Reads the manifests of all folders.</summary>
    public static PluginCatalog Open(IReadOnlyList<string> pluginPath, ILogger logger) => throw new NotImplementedException();

    /// <summary>All of them, ordered by kind and class.</summary>
    public IReadOnlyList<PluginDescription> List() => throw new NotImplementedException();

    /// <summary>
    /// The plugin by its class, an alias, its simple name, or that without "Connector"; of several versions the newest that <paramref name="version"/> (exact, or a range as Maven's: <c>[1.0,2.0)</c>) allows.
    /// </summary>
    /// <exception cref="PluginNotFoundException">None, or more than one class of that name; the message is Kafka's.</exception>
    public PluginDescription Find(string name, string? version, params ReadOnlySpan<PluginKind> kinds) => throw new NotImplementedException();

    /// <summary>A new instance; loads the plugin's assembly when it is the first.</summary>
    /// <exception cref="ConnectException">It cannot be loaded or made; the message says what is missing.</exception>
    public T Create<T>(PluginDescription plugin)
        where T : class => throw new NotImplementedException();

    /// <summary>Looks at the plugin folders again. Instances that exist go on with what they are.</summary>
    /// <returns>What came.</returns>
    public IReadOnlyList<PluginDescription> Rescan() => throw new NotImplementedException();
}

/// <summary>No plugin of that name or version.</summary>
internal sealed class PluginNotFoundException(string message) : ConnectException(message);
