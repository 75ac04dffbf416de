using System.Globalization;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Transforms.Patterns;

namespace RestStream.Connect.Tasks;

/// <summary>
/// How a source's topics come to be (Kafka's <c>topic.creation.*</c>): the first group whose <c>include</c> matches the whole name and whose <c>exclude</c> does not, else the group <c>default</c>; a group's settings win over
/// those of <c>default</c>. Without any of these keys the broker's auto-creation decides. Replication factors are read and mean nothing here: there is one copy.
/// </summary>
internal sealed class TopicCreation
{
    private const string Prefix = "topic.creation.";
    private const string Default = "default";

    private readonly List<Group> _groups = [];
    private readonly Group? _default;

    /// <exception cref="ConfigException">Partitions or replication factor of <c>default</c> are missing, or a value is wrong; the texts are Kafka's.</exception>
    public TopicCreation(IReadOnlyDictionary<string, string> config)
    {
        if (!config.Keys.Any(k => k.StartsWith(Prefix, StringComparison.Ordinal) && k.Length > Prefix.Length && (k != ConnectorConfig.TopicCreationGroups || config[k].Trim().Length > 0)))
            return;
        foreach (var required in (string[])["replication.factor", "partitions"])
        {
            if (!config.ContainsKey($"{Prefix}{Default}.{required}"))
                throw new ConfigException($"Missing required configuration \"{Prefix}{Default}.{required}\" which has no default value.");
        }

        _default = new Group(Default, config, null);
        var names = config.GetValueOrDefault(ConnectorConfig.TopicCreationGroups, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names.Distinct().Where(n => n != Default))
            _groups.Add(new Group(name, config, _default));
    }

    /// <summary>Whether the connector itself says how topics are made.</summary>
    public bool IsConfigured => _default is not null;

    /// <summary>Makes the topic. Only when <see cref="IsConfigured"/>.</summary>
    /// <exception cref="ConnectException">The broker refuses it; the text is Kafka's.</exception>
    public async Task CreateAsync(IBroker broker, string topic, CancellationToken cancellationToken)
    {
        var group = _groups.Find(g => g.Covers(topic)) ?? _default!;
        await CreateAsync(broker, new TopicSpec(topic, group.Partitions, group.Configs), cancellationToken);
    }

    /// <summary>Makes a topic, unless somebody else was faster.</summary>
    /// <exception cref="ConnectException">The broker refuses it; the text is Kafka's.</exception>
    public static async Task CreateAsync(IBroker broker, TopicSpec spec, CancellationToken cancellationToken)
    {
        try
        {
            await broker.CreateTopicAsync(spec, cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.TopicAlreadyExists && broker.TryGetIntake(spec.Name, out _))
        {
            // Two tasks with their first records at the same time.
        }
        catch (BrokerException e) when (e.Code is not (ErrorCode.DiskFull or ErrorCode.ThrottlingQuotaExceeded))
        {
            throw new ConnectException($"Unable to create topic(s) '{spec.Name}': {e.Message}", e);
        }
    }

    private sealed class Group
    {
        private readonly List<JavaRegex> _include;
        private readonly List<JavaRegex> _exclude;

        public Group(string name, IReadOnlyDictionary<string, string> config, Group? otherwise)
        {
            var prefix = $"{Prefix}{name}.";
            var configs = new Dictionary<string, string>(otherwise?.Configs ?? new Dictionary<string, string>());
            Partitions = otherwise?.Partitions;
            foreach (var (key, value) in config.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                switch (key[prefix.Length..])
                {
                    case "include" or "exclude":
                        break;
                    case "partitions":
                        Partitions = Number(key, value);
                        break;
                    case "replication.factor":
                        Number(key, value);
                        break;
                    case var topicConfig:
                        configs[topicConfig] = value;
                        break;
                }
            }

            Configs = configs;
            _include = Patterns(config, prefix + "include");
            _exclude = Patterns(config, prefix + "exclude");
            if (otherwise is not null && _include.Count == 0)
                throw new ConfigException($"Missing required configuration \"{prefix}include\" which has no default value.");
        }

        /// <summary>Null: the broker's default (Kafka's -1).</summary>
        public int? Partitions { get; }

        public IReadOnlyDictionary<string, string> Configs { get; }

        public bool Covers(string topic) => _include.Exists(p => p.Matches(topic)) && !_exclude.Exists(p => p.Matches(topic));

        private static int? Number(string key, string value)
        {
            var number = (int?)ConfigDef.ParseType(key, value, ConfigType.Int);
            return number is -1 ? null
                : number is > 0 ? number
                : throw new ConfigException(key, number, $"Must be a positive number (i.e. it must be at least 1) or -1 to use the broker's default ({number?.ToString(CultureInfo.InvariantCulture)} given)");
        }

        private static List<JavaRegex> Patterns(IReadOnlyDictionary<string, string> config, string key)
        {
            try
            {
                return [.. config.GetValueOrDefault(key, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(JavaRegex.Parse)];
            }
            catch (FormatException e)
            {
                throw new ConfigException(key, config[key], e.Message);
            }
        }
    }
}
