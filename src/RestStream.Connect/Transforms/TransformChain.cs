using RestStream.Connect.Plugins;

namespace RestStream.Connect.Transforms;

/// <summary>The transforms of a task in order, each with its predicate. Not thread safe.</summary>
internal sealed class TransformChain(IReadOnlyList<TransformStep> steps) : IDisposable
{
    public IReadOnlyList<TransformStep> Steps { get; } = steps;

    /// <summary>Reads <c>transforms</c> and <c>predicates</c> of a configuration.</summary>
    /// <exception cref="ConnectException">A class, an alias or a setting is wrong.</exception>
    public static TransformChain Create(PluginCatalog plugins, IReadOnlyDictionary<string, string> config) => throw new NotImplementedException();

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
}

/// <summary>One transform with its predicate (Kafka's TransformationStage).</summary>
internal sealed class TransformStep(string alias, string className, Transform transform, Predicate? predicate, bool negate) : IDisposable
{
    public string Alias { get; } = alias;

    /// <summary>For errors and metrics.</summary>
    public string ClassName { get; } = className;

    /// <summary>Whether the predicate lets the transform see the record.</summary>
    public bool Wants(ConnectRecord record) => predicate is null || predicate.Test(record) != negate;

    public ConnectRecord? Apply(ConnectRecord record) => Wants(record) ? transform.Apply(record) : record;

    public void Dispose()
    {
        transform.Dispose();
        predicate?.Dispose();
    }
}
