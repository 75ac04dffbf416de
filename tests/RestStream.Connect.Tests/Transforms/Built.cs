using System.Reflection;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tests.Transforms;

/// <summary>The transforms and predicates that the worker brings, by the names of Kafka's classes.</summary>
internal static class Built
{
    private static readonly Dictionary<string, Type> s_types = typeof(TransformChain).Assembly.GetTypes()
        .Where(t => t.IsSubclassOf(typeof(Transform)) || t.IsSubclassOf(typeof(Predicate)))
        .Where(t => t.GetCustomAttribute<PluginAttribute>() is not null)
        .ToDictionary(t => t.GetCustomAttribute<PluginAttribute>()!.Name);

    public static IEnumerable<string> Names => s_types.Keys;

    public static T New<T>(string name) => (T)Activator.CreateInstance(s_types[name])!;

    /// <summary>A configured transform; <paramref name="name"/> without package.</summary>
    public static Transform Transform(string name, params (string Key, string? Value)[] config)
    {
        var transform = New<Transform>($"org.apache.kafka.connect.transforms.{name}");
        transform.Configure(transform.Config.Parse(config.ToDictionary(c => c.Key, c => c.Value)));
        return transform;
    }
}
