using RestStream.Connect.Config;

namespace RestStream.Connect.Testing;

/// <summary>Configurations, read as the worker reads them.</summary>
internal static class TestConfig
{
    public static ConfigValues Parse(ConfigDef definition, IReadOnlyDictionary<string, string> config) => definition.Parse(config.ToDictionary(e => e.Key, e => (string?)e.Value));

    /// <summary>What is wrong, by key: each key alone, and when all are right, what the connector says.</summary>
    public static async Task<IReadOnlyList<(string Name, string Message)>> ErrorsAsync(Connector connector, IReadOnlyDictionary<string, string> config, TestWorker worker, CancellationToken cancellationToken)
    {
        var errors = new List<(string Name, string Message)>();
        foreach (var key in connector.Config.Keys)
        {
            // A definition of this key alone, so that every wrong key is found and not the first.
            try
            {
                Parse(new ConfigDef().Define(key), config);
            }
            catch (ConfigException e)
            {
                errors.Add((key.Name, e.Message));
            }
        }

        if (errors.Count > 0)
            return errors;
        var validation = new ConfigValidation(Parse(connector.Config, config), worker.Files, worker.Network);
        await connector.ValidateAsync(validation, cancellationToken);
        return validation.Errors;
    }
}
