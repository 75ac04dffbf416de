using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Folders;

/// <summary>
/// Reads the files that are put into a folder: lines, JSON, CSV or whole files. Understands most settings of kafka-connect-spooldir, whose class names are accepted.
/// Several tasks share the files by a hash of the name.
/// </summary>
[Plugin("RestStream.Connectors.DirectorySourceConnector",
    SpoolDir + "SpoolDirCsvSourceConnector", SpoolDir + "SpoolDirSchemaLessJsonSourceConnector", SpoolDir + "SpoolDirJsonSourceConnector", SpoolDir + "SpoolDirLineDelimitedSourceConnector", SpoolDir + "SpoolDirBinaryFileSourceConnector")]
public sealed class DirectorySourceConnector : SourceConnector
{
    private const string SpoolDir = "com.github.jcustenborder.kafka.connect.spooldir.";

    private ConfigValues? _values;

    /// <inheritdoc/>
    public override ConfigDef Config => DirectorySettings.Definition;

    /// <inheritdoc/>
    public override Type TaskType => typeof(DirectorySourceTask);

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        var config = validation.Config;
        CheckFolder(validation, DirectorySettings.InputPath, config.GetString(DirectorySettings.InputPath));
        if (config.GetString(DirectorySettings.Cleanup) is "MOVE" or "MOVEBYDATE")
        {
            if (config.FindString(DirectorySettings.FinishedPath) is { Length: > 0 } finished)
                CheckFolder(validation, DirectorySettings.FinishedPath, finished);
            else
                validation.Error(DirectorySettings.FinishedPath, "The clean-up policies MOVE and MOVEBYDATE need a folder for files that are read. Give one, or set cleanup.policy to DELETE or NONE.");
        }

        if (config.FindString(DirectorySettings.ErrorPath) is { Length: > 0 } error)
            CheckFolder(validation, DirectorySettings.ErrorPath, error);
        else if (!config.GetBoolean(DirectorySettings.HaltOnErrorKey))
            validation.Error(DirectorySettings.ErrorPath, "With halt.on.error=false a folder for files with bad records is needed.");
        if (validation.Errors.Count == 0 && DirectorySettings.FolderReadAgain(config, validation.Files) is { } key)
            validation.Error(key, DirectorySettings.ReadAgain);
        CheckFormat(validation);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _values = context.Config;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) =>
    [
        .. Enumerable.Range(0, maxTasks).Select(task => new Dictionary<string, string>(_values!.Originals)
        {
            [DirectorySettings.TaskIndexKey] = task.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [DirectorySettings.TaskCountKey] = maxTasks.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }),
    ];

    /// <inheritdoc/>
    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => true;

    /// <inheritdoc/>
    public override ValueTask<bool> AlterOffsetsAsync(
        IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken)
    {
        foreach (var (partition, offset) in offsets)
        {
            if (offset is not null)
                FolderOffset.Check(partition, offset);
        }

        return new(true);
    }

    private static void CheckFormat(ConfigValidation validation)
    {
        var config = validation.Config;
        var settings = new DirectorySettings(config);
        if (config.GetString(DirectorySettings.TimestampMode) == "FIELD" && config.FindString(DirectorySettings.TimestampFieldKey) is null)
            validation.Error(DirectorySettings.TimestampFieldKey, "timestamp.mode is FIELD: name the field.");
        if (settings.FileFormat is FileFormat.Lines or FileFormat.Binary && (settings.KeyFields.Count > 0 || settings.TimestampField is { Length: > 0 }))
            validation.Error(settings.KeyFields.Count > 0 ? DirectorySettings.KeyFieldsKey : DirectorySettings.TimestampFieldKey, "Lines and whole files have no fields. Set format to csv, json or ndjson.");
        if (settings.FileFormat is FileFormat.Lines && settings.Encoding.GetByteCount("\n") != 1)
            validation.Error(DirectorySettings.CharsetKey, "Lines are found by line ends of one byte, which this character set does not have. Convert the files to UTF-8.");
        foreach (var key in (string[])["value.schema", "key.schema"])
        {
            if (config.Originals.ContainsKey(key))
                validation.Warn(key, "Spooldir's schemas are not read: set schema.generation.enabled for structs, csv.infer.types for numbers and booleans, key.fields for the key.");
        }
    }

    private static void CheckFolder(ConfigValidation validation, string key, string path)
    {
        try
        {
            if (!Directory.Exists(validation.Files.Resolve(path)))
                validation.Error(key, $"There is no folder '{path}'. Create it.");
        }
        catch (FatalException e)
        {
            validation.Error(key, e.Message);
        }
    }
}
