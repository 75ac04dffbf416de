using System.Globalization;

using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Datagen;

/// <summary>Makes up records: users, orders, page views and others, for demonstrations and load tests. Understands configurations of Confluent's connector of that name that name a quickstart.</summary>
[Plugin("io.confluent.kafka.connect.datagen.DatagenConnector")]
public sealed class DatagenConnector : SourceConnector
{
    internal const string TopicKey = "kafka.topic", QuickstartKey = "quickstart", MaxIntervalKey = "max.interval", RateKey = "rate", IterationsKey = "iterations", SeedKey = "random.seed", KeyFieldKey = "schema.keyfield";

    internal const string TaskField = "task.id", IterationField = "current.iteration";

    private static readonly ConfigDef s_config = new ConfigDef()
        .Require(TopicKey, ConfigType.String, "The topic that gets the records.", ConfigValidator.NonEmpty())
        .Require(QuickstartKey, ConfigType.String, "The kind of records: " + string.Join(", ", Quickstarts.All.Keys.Order()) + ".",
            ConfigValidator.Of(value => value is string name && Quickstarts.All.ContainsKey(name) ? null : "String must be one of: " + string.Join(", ", Quickstarts.All.Keys.Order()), "the name of a quickstart"))
        .Optional(MaxIntervalKey, ConfigType.Long, 500L, "The longest pause between two records, in milliseconds: each is a random time up to it. 0: as fast as the log takes them.", ConfigValidator.AtLeast(0))
        .Optional(RateKey, ConfigType.Double, null, "Records per second of each task, evenly spread; max.interval does not count then.",
            ConfigValidator.Of(value => value is null or (> 0.0 and <= 1e6) ? null : "A number above 0, up to a million", "a number above 0, up to a million"))
        .Optional(IterationsKey, ConfigType.Int, -1, "How many records each task makes; below 1: without end. A task that made them all stays RUNNING and does nothing.")
        .Optional(SeedKey, ConfigType.Long, null, "Two connectors with the same seed make the same records. By default the seed comes from the connector's name.")
        .Optional(KeyFieldKey, ConfigType.String, null, "The field whose value is the key. By default the one of the quickstart.");

    private ConfigValues? _values;

    /// <inheritdoc/>
    public override ConfigDef Config => s_config;

    /// <inheritdoc/>
    public override Type TaskType => typeof(DatagenTask);

    /// <inheritdoc/>
    public override Task ValidateAsync(ConfigValidation validation, CancellationToken cancellationToken)
    {
        var quickstart = Quickstarts.All[validation.Config.GetString(QuickstartKey)];
        if (validation.Config.FindString(KeyFieldKey) is { Length: > 0 } field && quickstart.Schema.Field(field) is null)
            validation.Error(KeyFieldKey, $"{quickstart.Name} has no such field. It has: {string.Join(", ", quickstart.Schema.Fields.Select(f => f.Name))}.");
        foreach (var key in (string[])["schema.filename", "schema.string"])
        {
            if (validation.Config.Originals.TryGetValue(key, out var schema) && schema.Length > 0)
                validation.Error(key, "Schemas of the Avro random generator are not read. Choose a quickstart.");
        }

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
        [.. Enumerable.Range(0, maxTasks).Select(task => new Dictionary<string, string>(_values!.Originals) { [TaskField] = task.ToString(CultureInfo.InvariantCulture) })];

    /// <inheritdoc/>
    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => true;

    /// <inheritdoc/>
    public override ValueTask<bool> AlterOffsetsAsync(
        IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken)
    {
        foreach (var (partition, offset) in offsets)
        {
            if (offset is null)
                continue;
            if (partition?.GetValueOrDefault(TaskField) is not long)
                throw new ConnectException($"Partition objects should contain the key '{TaskField}' with the number of a task");
            if (offset.GetValueOrDefault(IterationField) is not >= 0L)
                throw new ConnectException($"Offset objects should either be null or contain the key '{IterationField}' with a non-negative number");
        }

        return new(true);
    }
}
