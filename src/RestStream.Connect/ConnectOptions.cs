using System.ComponentModel.DataAnnotations;

namespace RestStream.Connect;

/// <summary>The worker's settings, section <c>RestStream:Connect</c>. In brackets: the key of a Kafka Connect worker.</summary>
internal sealed class ConnectOptions
{
    public const string Section = "RestStream:Connect";

    /// <summary>Whether connectors run at all; off, every path of Connect answers 404.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the worker's group (group.id); a sink's own group must not have it.</summary>
    [Required]
    public string GroupId { get; set; } = "connect-cluster";

    /// <summary>Topic of connector configurations and target states (config.storage.topic).</summary>
    [Required]
    public string ConfigTopic { get; set; } = "connect-configs";

    /// <summary>Topic of source offsets (offset.storage.topic).</summary>
    [Required]
    public string OffsetTopic { get; set; } = "connect-offsets";

    /// <summary>Partitions of a new offset topic (offset.storage.partitions). 25 as in Kafka.</summary>
    [Range(1, 1000)]
    public int OffsetTopicPartitions { get; set; } = 25;

    /// <summary>Topic of statuses and active topics (status.storage.topic).</summary>
    [Required]
    public string StatusTopic { get; set; } = "connect-status";

    /// <summary>Partitions of a new status topic (status.storage.partitions). 5 as in Kafka.</summary>
    [Range(1, 1000)]
    public int StatusTopicPartitions { get; set; } = 5;

    /// <summary>How connectors read and write keys that do not say so themselves (key.converter). Plain JSON without schemas.</summary>
    [Required]
    public string KeyConverter { get; set; } = "org.apache.kafka.connect.json.JsonConverter";

    /// <summary>As for keys (value.converter).</summary>
    [Required]
    public string ValueConverter { get; set; } = "org.apache.kafka.connect.json.JsonConverter";

    /// <summary>As for keys (header.converter).</summary>
    [Required]
    public string HeaderConverter { get; set; } = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

    /// <summary>Settings of the worker's key converter, without prefix (key.converter.*).</summary>
    public Dictionary<string, string> KeyConverterConfig { get; set; } = new() { ["schemas.enable"] = "false" };

    /// <summary>Settings of the worker's value converter (value.converter.*).</summary>
    public Dictionary<string, string> ValueConverterConfig { get; set; } = new() { ["schemas.enable"] = "false" };

    /// <summary>Folders of plugins, one folder each in them (plugin.path). Default: the folder <c>plugins</c> beside the program, and the folder <c>plugins</c> under the data folder.</summary>
    public string[] PluginPath { get; set; } = [];

    /// <summary>Folders in which connectors may read and write files. Default: the folder <c>files</c> under the data folder.</summary>
    public string[] FileRoots { get; set; } = [];

    /// <summary>Networks (CIDR) that connectors may reach although they are not public. Default: none.</summary>
    public string[] AllowedNetworks { get; set; } = [];

    /// <summary>Folders below which <c>${file:}</c> and <c>${dir:}</c> may read (allowed.paths). Default: the folder <c>secrets</c> under the data folder.</summary>
    public string[] SecretPaths { get; set; } = [];

    /// <summary>Environment variables that <c>${env:}</c> may show, as a regular expression of the whole name (allowlist.pattern). Default: those that begin with CONNECT_.</summary>
    public string SecretVariables { get; set; } = "CONNECT_.*";

    /// <summary>
    /// The file with the key that seals secrets in the configuration topic; made when it is missing. Back it up with the data. Empty: secrets stand there in clear, as Kafka Connect has them. Default: <c>connect.key</c> in the data folder.
    /// </summary>
    public string? SecretKeyFile { get; set; }

    /// <summary>A folder of connector configurations (*.json in Kafka's POST or PUT form) that is applied at every start. Default: the folder <c>connectors</c> under the data folder.</summary>
    public string? ConnectorFolder { get; set; }

    /// <summary>How often sinks commit (offset.flush.interval.ms). Kafka's default is 60 s; commits are cheap here and a shorter interval repeats less after a crash.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan OffsetFlushInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long tasks have to end by themselves (task.shutdown.graceful.timeout.ms). Kafka's default.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan TaskShutdownTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a request waits for connectors (90 s in Kafka, fixed).</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(90);

    /// <summary>How long the live part of a validation may take: longer than a refused connection, shorter than a user's patience.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Most threads that are added while plugins block those of the server's pool. Each costs some 100 KB of memory while it is blocked; none is there before. 200 tasks that block at once are more than a careful worker has.
    /// </summary>
    [Range(0, 10000)]
    public int MaxBlockedThreads { get; set; } = 200;

    /// <summary>Bytes that a task may hold between the system outside and the log; above, it is not polled, or the log is not read.</summary>
    [Range(1024, 1L << 30)]
    public long TaskMaxBytes { get; set; } = 16 << 20;

    /// <summary>Whether active topics are remembered (topic.tracking.enable).</summary>
    public bool TopicTracking { get; set; } = true;

    /// <summary>Whether they may be reset (topic.tracking.allow.reset).</summary>
    public bool TopicTrackingReset { get; set; } = true;

    /// <summary>Which client overrides (producer.override.* and the like) a connector may have: All, None, Principal or a list (connector.client.config.override.policy).</summary>
    public string ClientOverrides { get; set; } = "All";

    /// <summary>Largest body of a request to a hook. As the largest produce request.</summary>
    [Range(1, 1 << 30)]
    public int HookMaxBytes { get; set; } = 10 << 20;

    /// <summary>
    /// Whether a source's topic is made on its first record when the connector does not say how (topic.creation.*). On, whatever <c>RestStream:AutoCreateTopics</c> says: who configures a connector means its topic.
    /// </summary>
    public bool AutoCreateTopics { get; set; } = true;

    /// <summary>What the worker is called in statuses (host:port of its REST listener); set by the host.</summary>
    internal string WorkerId { get; set; } = "127.0.0.1:8082";
}
