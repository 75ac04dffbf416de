using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tasks;

/// <summary>One partition that a sink reads. Offsets are next ones.</summary>
internal sealed class SinkPartition(LogPartition partition, Guid topicId)
{
    public LogPartition Log { get; } = partition;
    public TopicPartition Id { get; } = new(partition.Topic, partition.Partition);
    public Guid TopicId { get; } = topicId;

    /// <summary>To be read.</summary>
    public long Position { get; set; }

    /// <summary>Behind what was put without an error.</summary>
    public long Delivered { get; set; }

    /// <summary>What the group has, or where reading began when it has nothing.</summary>
    public long Committed { get; set; }

    /// <summary>The task went back on purpose; the next commit may too.</summary>
    public bool WentBack { get; set; }
}

/// <summary>How a sink joins its group and where it begins: the <c>consumer.override.*</c> settings that mean something here.</summary>
internal sealed class SinkMember
{
    /// <summary>
    /// Records of a put. Kafka's consumer hands out 500; ten times that, because what a put costs (a flush, a transaction, a request) is paid per put, and the bytes are bounded besides.
    /// </summary>
    private const int DefaultMaxPollRecords = 5_000;

    private const string Overrides = "consumer.override.";

    private readonly IBroker _broker;

    private SinkMember(IBroker broker, IGroupConsumer consumer, string reset, int maxRecords, int maxBytes) =>
        (_broker, Consumer, Reset, MaxRecords, MaxBytes) = (broker, consumer, reset, maxRecords, maxBytes);

    public IGroupConsumer Consumer { get; }

    /// <summary>earliest, latest or none.</summary>
    public string Reset { get; }

    public int MaxRecords { get; }

    public int MaxBytes { get; }

    /// <summary>The consumer group of a sink connector; its offsets are the connector's.</summary>
    public static string GroupOf(string connector, IReadOnlyDictionary<string, string> config) =>
        config.GetValueOrDefault(Overrides + "group.id")?.Trim() is { Length: > 0 } group ? group : $"connect-{connector}";

    /// <summary>The topics that the configuration names, each once; none with a pattern alone.</summary>
    public static IReadOnlyList<string> TopicsOf(IReadOnlyDictionary<string, string> config) =>
        [.. config.GetValueOrDefault(ConnectorConfig.Topics, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];

    /// <exception cref="ConnectException">A setting is wrong.</exception>
    /// <exception cref="BrokerException">The group's name cannot be one, or the pattern cannot be used.</exception>
    public static SinkMember Join(TaskDefinition definition, IReadOnlyDictionary<string, string> config, WorkerServices services)
    {
        var (connector, task) = (definition.Id.Connector, definition.Id.Task);
        var pattern = config.GetValueOrDefault(ConnectorConfig.TopicsRegex)?.Trim();
        var reset = config.GetValueOrDefault(Overrides + "auto.offset.reset", "earliest").Trim().ToLowerInvariant();
        if (reset is not ("earliest" or "latest" or "none"))
            throw new ConfigException(Overrides + "auto.offset.reset", reset, "String must be one of: latest, earliest, none");
        var join = new GroupJoin
        {
            Group = GroupOf(connector, config),

            // A lasting name: after a crash the task is the member again that it was, and nobody waits for a session to run out.
            InstanceId = config.GetValueOrDefault(Overrides + "group.instance.id")?.Trim() is { Length: > 0 } instance ? instance : MemberName(connector, task),
            ClientId = config.GetValueOrDefault(Overrides + "client.id")?.Trim() is { Length: > 0 } client ? client : $"connector-consumer-{connector}-{task}",
            Topics = string.IsNullOrEmpty(pattern) ? TopicsOf(config) : [],
            TopicPattern = string.IsNullOrEmpty(pattern) ? null : pattern,
            SessionTimeout = Milliseconds(config, "session.timeout.ms", 45_000),

            // How long a put may take before the others go on without this task.
            RebalanceTimeout = Milliseconds(config, "max.poll.interval.ms", 300_000),
        };
        var mostBytes = Math.Min(int.MaxValue, services.Options.TaskMaxBytes / 4);
        return new SinkMember(
            services.Broker, services.Broker.JoinGroup(join), reset, (int)Number(config, "max.poll.records", DefaultMaxPollRecords), (int)Math.Min(mostBytes, Number(config, "fetch.max.bytes", mostBytes)));
    }

    /// <summary>Where the task reads on in the partitions of this generation; topics that are gone are left out. With reset latest, ends at which it begins are committed, so that a crash skips nothing.</summary>
    public async Task<IReadOnlyList<SinkPartition>> OpenAsync(GroupAssignment assignment, CancellationToken cancellationToken)
    {
        var partitions = new List<SinkPartition>(assignment.Partitions.Count);
        var toCommit = new List<OffsetCommit>();
        foreach (var group in assignment.Partitions.GroupBy(p => p.Topic))
        {
            Broker.Topics.TopicDescription topic;
            try
            {
                topic = _broker.DescribeTopic(group.Key);
            }
            catch (BrokerException e) when (e.Code == ErrorCode.UnknownTopicOrPartition)
            {
                // Deleted since: the group is called together again.
                continue;
            }

            foreach (var partition in group.Where(p => p.Partition < topic.Partitions.Count))
            {
                var description = topic.Partitions[partition.Partition];
                var committed = _broker.CommittedOffset(Consumer.Group, partition)?.Offset;
                if (committed is null && Reset == "none")
                    throw new ConnectException($"Nothing is committed for {partition} in group '{Consumer.Group}', and {Overrides}auto.offset.reset is none. Set the offset (PATCH /connectors/.../offsets), or another reset.");
                if (committed is null && Reset == "latest")
                    toCommit.Add(new OffsetCommit(partition, description.HighWatermark));
                var offset = committed ?? (Reset == "latest" ? description.HighWatermark : description.LogStartOffset);
                partitions.Add(new SinkPartition(partition, topic.TopicId) { Position = offset, Delivered = offset, Committed = offset });
            }
        }

        if (toCommit.Count > 0)
            await Consumer.CommitAsync(toCommit, assignment.Generation, cancellationToken);
        return partitions;
    }

    private static string MemberName(string connector, int task)
    {
        var name = $"connect-{connector}-{task}";
        return System.Text.Encoding.UTF8.GetByteCount(name) <= Broker.Topics.TopicNames.MaxLength ? name
            : $"connect-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(connector)))}-{task}";
    }

    private static TimeSpan Milliseconds(IReadOnlyDictionary<string, string> config, string key, long otherwise) => TimeSpan.FromMilliseconds(Number(config, key, otherwise));

    private static long Number(IReadOnlyDictionary<string, string> config, string key, long otherwise)
    {
        if (!config.TryGetValue(Overrides + key, out var text))
            return otherwise;
        var number = (long)ConfigDef.ParseType(Overrides + key, text, ConfigType.Long)!;
        return number > 0 ? Math.Min(number, int.MaxValue) : throw new ConfigException(Overrides + key, text, "Value must be at least 1");
    }
}
