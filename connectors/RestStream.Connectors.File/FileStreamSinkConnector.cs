using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Files;

/// <summary>Appends the text of each value to a file, one line each. Understands configurations of Kafka's connector of that name.</summary>
[Plugin("org.apache.kafka.connect.file.FileStreamSinkConnector")]
public sealed class FileStreamSinkConnector : SinkConnector
{
    internal const string FileKey = "file";

    private static readonly ConfigDef s_config = new ConfigDef()
        .Optional(FileKey, ConfigType.String, null, "The file to append to, below a folder of the setting RestStream:Connect:FileRoots; a path that is not absolute is meant below the first of them. "
            + "It is created when it is absent, its folder is not. Without a file the lines go to the standard output of the worker.", importance: Importance.High);

    private ConfigValues? _values;

    /// <inheritdoc/>
    public override ConfigDef Config => s_config;

    /// <inheritdoc/>
    public override Type TaskType => typeof(FileStreamSinkTask);

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        if (validation.Config.FindString(FileKey) is { Length: > 0 } file)
            FilePaths.Check(validation, FileKey, file);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _values = context.Config;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    /// <remarks>As in Kafka every task appends to the same file; partitions are shared out among them.</remarks>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [.. Enumerable.Repeat(_values!.Originals, maxTasks)];

    /// <inheritdoc/>
    /// <remarks>Nothing is kept outside of the group's offsets: any offset will do.</remarks>
    public override ValueTask<bool> AlterOffsetsAsync(IReadOnlyDictionary<string, string> config, IReadOnlyDictionary<TopicPartition, long?> offsets, CancellationToken cancellationToken) => new(true);
}
