using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Files;

/// <summary>Follows a text file: each line becomes a record. One task, whatever <c>tasks.max</c> is. Understands configurations and offsets of Kafka's connector of that name.</summary>
[Plugin("org.apache.kafka.connect.file.FileStreamSourceConnector")]
public sealed class FileStreamSourceConnector : SourceConnector
{
    internal const string FileKey = "file", TopicKey = "topic", BatchSizeKey = "batch.size", MaxLineBytesKey = "max.line.bytes";

    private static readonly ConfigDef s_config = new ConfigDef()
        .Optional(FileKey, ConfigType.String, null, "The file to follow, below a folder of the setting RestStream:Connect:FileRoots; a path that is not absolute is meant below the first of them. It need not exist yet.", importance: Importance.High)
        .Require(TopicKey, ConfigType.String, "The topic that gets the lines.", ConfigValidator.NonEmpty())
        .Optional(BatchSizeKey, ConfigType.Int, 2000, "The maximum number of lines that are read at a time.", importance: Importance.Low)

        // Internal: clients that compare the list of keys with Kafka's find the same three.
        .Define(new ConfigKey(MaxLineBytesKey, ConfigType.Int)
        {
            HasDefault = true,
            Default = 1024 * 1024,
            Importance = Importance.Low,
            Internal = true,
            Validator = ConfigValidator.Between(1, 1 << 30),
            Documentation = "The longest line, in bytes; a longer one fails the task. By default 1 MiB, as large as a record may be by default.",
        });

    private ConfigValues? _values;

    /// <inheritdoc/>
    public override ConfigDef Config => s_config;

    /// <inheritdoc/>
    public override Type TaskType => typeof(FileStreamSourceTask);

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        if (validation.Config.FindString(FileKey) is not { Length: > 0 } file)
            validation.Error(FileKey, FileStreamSourceTask.NoStandardInput);
        else
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
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [_values!.Originals];

    /// <inheritdoc/>
    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => config.TryGetValue(FileKey, out var file) && file.Length > 0;

    /// <inheritdoc/>
    public override ValueTask<bool> AlterOffsetsAsync(
        IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken)
    {
        if (SupportsExactlyOnce(config) is false)
            throw new ConnectException($"Offsets cannot be modified if the '{FileKey}' configuration is unspecified. This is because stdin is used for input and offsets are not tracked.");
        foreach (var (partition, offset) in offsets)
        {
            // Anything may be removed: that is how a user gets rid of what does not belong here.
            if (offset is not null)
                FileOffset.Check(partition, offset);
        }

        return new(true);
    }
}
