using System.Reflection;

namespace RestStream.Connect.Plugins;

/// <summary>The plugins of this assembly: every class with <see cref="PluginAttribute"/>.</summary>
internal static class BuiltInPlugins
{
    /// <summary>The Kafka version that plugins with Kafka's names are compatible with, and say they are: clients switch features on by it.</summary>
    public const string KafkaVersion = "4.3.1";

    /// <summary>The version of this program, and of the plugins that Kafka does not have.</summary>
    public static string ProductVersion { get; } = typeof(BuiltInPlugins).Assembly.GetName().Version!.ToString(3);

    /// <summary>Found once: they cannot change.</summary>
    public static IReadOnlyList<(PluginDescription Description, Type Type)> All { get; } = [.. typeof(BuiltInPlugins).Assembly.GetTypes().Select(Describe).OfType<(PluginDescription, Type)>()];

    private static (PluginDescription Description, Type Type)? Describe(Type type)
    {
        if (type.GetCustomAttribute<PluginAttribute>() is not { } plugin)
            return null;
        var kind = PluginKinds.Of(type) ?? throw new InvalidOperationException($"{type} has [Plugin] and is no plugin.");
        var version = plugin.Name.StartsWith("org.apache.kafka.", StringComparison.Ordinal) ? KafkaVersion : ProductVersion;
        return (new PluginDescription(plugin.Name, kind, version, plugin.Aliases), type);
    }
}
