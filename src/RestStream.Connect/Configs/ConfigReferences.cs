namespace RestStream.Connect.Configs;

/// <summary>
/// Replaces <c>${env:NAME}</c>, <c>${file:/path:key}</c> and <c>${dir:/path:key}</c> (Kafka's ConfigTransformer). Only when a task or connector starts, and for validation; nothing resolved is ever stored or shown.
/// </summary>
internal sealed class ConfigReferences(ConnectOptions options)
{
    /// <summary>The same configuration with references replaced. What cannot be found stays as it is written.</summary>
    /// <exception cref="ConnectException">A file cannot be read or is not allowed.</exception>
    public IReadOnlyDictionary<string, string> Resolve(IReadOnlyDictionary<string, string> config) => throw new NotImplementedException(options.SecretVariables);
}
