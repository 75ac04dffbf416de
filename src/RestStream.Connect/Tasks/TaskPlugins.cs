using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Converters;
using RestStream.Connect.Errors;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tasks;

/// <summary>What a task works with, made from its configuration when it starts. Owned by the task.</summary>
/// <param name="Config">The configuration, references resolved.</param>
/// <param name="Converters">Key, value, headers.</param>
/// <param name="Transforms">In order.</param>
/// <param name="Errors">The error policy.</param>
/// <param name="Secrets">Takes the secrets of the configuration out of texts.</param>
internal sealed record TaskPlugins(IReadOnlyDictionary<string, string> Config, ConverterSet Converters, TransformChain Transforms, ErrorPolicy Errors, SecretScrubber Secrets) : IDisposable
{
    /// <summary>References are replaced here, and nowhere earlier.</summary>
    /// <exception cref="ConnectException">Something of the configuration is wrong; the message says what.</exception>
    public static TaskPlugins Create(IReadOnlyDictionary<string, string> config, WorkerServices services)
    {
        var replacements = new List<string>();
        var resolved = services.References.Resolve(config, replacements);
        var validation = new ConnectorValidation(services.Plugins, services.Options, services.References, services.Files, services.Network, services.Time);
        var secrets = SecretScrubber.For(config, resolved, replacements, validation.SecretKeys(config));
        var errors = ErrorPolicy.From(resolved);
        var converters = ConverterSet.Create(services.Plugins, services.Options, resolved);
        try
        {
            return new TaskPlugins(resolved, converters, TransformChain.Create(services.Plugins, resolved), errors, secrets);
        }
        catch
        {
            converters.Dispose();
            throw;
        }
    }

    /// <summary>The settings of the connector, parsed.</summary>
    public static ConfigValues Parse(ConfigDef def, IReadOnlyDictionary<string, string> resolved) => def.Parse(resolved.ToDictionary(e => e.Key, e => (string?)e.Value));

    public void Dispose()
    {
        Converters.Dispose();
        Transforms.Dispose();
    }
}
