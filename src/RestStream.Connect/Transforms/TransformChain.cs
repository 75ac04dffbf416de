using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>The transforms of a task in order, each with its predicate. Not thread safe.</summary>
internal sealed class TransformChain(IReadOnlyList<TransformStep> steps) : IDisposable
{
    public IReadOnlyList<TransformStep> Steps { get; } = steps;

    /// <summary>Reads <c>transforms</c> and <c>predicates</c> of a configuration.</summary>
    /// <exception cref="ConnectException">A class, an alias or a setting is wrong.</exception>
    public static TransformChain Create(PluginCatalog plugins, IReadOnlyDictionary<string, string> config)
    {
        var steps = new List<TransformStep>();
        try
        {
            foreach (var alias in Aliases(config, ConnectorConfig.Transforms))
                steps.Add(TransformStep.Create(plugins, alias, config));
            return new TransformChain(steps);
        }
        catch
        {
            steps.ForEach(step => step.Dispose());
            throw;
        }
    }

    /// <summary>The record after all steps; null when one dropped it.</summary>
    public ConnectRecord? Apply(ConnectRecord record)
    {
        ConnectRecord? current = record;
        foreach (var step in Steps)
        {
            current = step.Apply(current);
            if (current is null)
                return null;
        }

        return current;
    }

    public void Dispose()
    {
        foreach (var step in Steps)
            step.Dispose();
    }

    private static IReadOnlyList<string> Aliases(IReadOnlyDictionary<string, string> config, string key) =>
        (IReadOnlyList<string>?)ConfigDef.ParseType(key, config.GetValueOrDefault(key), ConfigType.List) ?? [];
}
