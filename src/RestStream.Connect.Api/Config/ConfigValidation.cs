namespace RestStream.Connect.Config;

/// <summary>A configuration under validation whose single keys are all right, and what a connector finds wrong with the whole.</summary>
/// <param name="config">References are resolved.</param>
/// <param name="files">Where files may lie.</param>
/// <param name="network">What may be reached.</param>
public sealed class ConfigValidation(ConfigValues config, FileRoots files, OutboundPolicy network)
{
    private readonly List<(string Name, string Message)> _errors = [];
    private readonly List<(string Name, string Message)> _warnings = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _choices = [];

    /// <summary>What is configured.</summary>
    public ConfigValues Config { get; } = config;

    /// <summary>Where files may lie.</summary>
    public FileRoots Files { get; } = files;

    /// <summary>What may be reached over the network.</summary>
    public OutboundPolicy Network { get; } = network;

    /// <summary>What is wrong, in the order in which it was found.</summary>
    public IReadOnlyList<(string Name, string Message)> Errors => _errors;

    /// <summary>What may be a mistake.</summary>
    public IReadOnlyList<(string Name, string Message)> Warnings => _warnings;

    /// <summary>What may be chosen, by key.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Choices => _choices;

    /// <summary>This key is wrong; the configuration is refused. Say what to do; no secrets.</summary>
    public void Error(string name, string message) => _errors.Add((name, message));

    /// <summary>This key may be a mistake; the configuration is accepted.</summary>
    public void Warn(string name, string message) => _warnings.Add((name, message));

    /// <summary>What may be chosen for this key, found in the system outside (tables, topics): shown as recommended values.</summary>
    public void Recommend(string name, IReadOnlyList<string> choices) => _choices[name] = choices;
}
