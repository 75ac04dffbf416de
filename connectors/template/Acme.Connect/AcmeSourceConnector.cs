using RestStream.Connect;
using RestStream.Connect.Config;

namespace Acme.Connect;

/// <summary>Each line of a text file becomes a record. What may be configured, and how the work is split.</summary>
public sealed class AcmeSourceConnector : SourceConnector
{
    private ConfigValues? _config;

    /// <inheritdoc/>
    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("file", ConfigType.String, "The file to follow, below a folder that connectors may use. It need not exist yet.")
        .Require("topic", ConfigType.String, "The topic that gets the lines.", ConfigValidator.NonEmpty())
        .Optional("batch.size", ConfigType.Int, 500, "Most lines of a poll.", ConfigValidator.AtLeast(1));

    /// <inheritdoc/>
    public override Type TaskType => typeof(AcmeSourceTask);

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        try
        {
            validation.Files.Resolve(validation.Config.GetString("file"));
        }
        catch (FatalException e)
        {
            validation.Error("file", e.Message);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        return Task.CompletedTask;
    }

    /// <summary>One file, one task.</summary>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [_config!.Originals];
}
