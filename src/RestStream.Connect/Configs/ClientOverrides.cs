using RestStream.Connect.Config;

namespace RestStream.Connect.Configs;

/// <summary>
/// Settings of Kafka's clients in a connector's configuration (<c>producer.override.</c>, <c>consumer.override.</c>, <c>admin.override.</c>) and the policy that says which are accepted
/// (<see cref="ConnectOptions.ClientOverrides"/>). There are no such clients here: a few settings are honoured, the rest is accepted so that configurations work unchanged, and validation says that it has no effect.
/// Whatever the policy, only settings that Kafka's clients have are accepted, and none that makes them load a class or a library; of sasl.jaas.config, those login modules are refused that Kafka refuses.
/// </summary>
internal sealed class ClientOverrides
{
    public const string Producer = "producer.override.", Consumer = "consumer.override.", Admin = "admin.override.";

    private const string PrincipalPolicy = "Principal";

    // What SinkMember reads.
    private static readonly HashSet<string> s_ofSinks =
    [
        .. new[] { "auto.offset.reset", "client.id", "fetch.max.bytes", "group.id", "group.instance.id", "max.poll.interval.ms", "max.poll.records", "session.timeout.ms" }.Select(name => Consumer + name),
    ];

    // What SourceTaskLoop reads.
    private static readonly HashSet<string> s_ofSources = [Producer + "compression.type"];

    private const string Jaas = "sasl.jaas.config";

    // Allowed by Kafka's Principal policy.
    private static readonly string[] s_principal = [Jaas, "sasl.mechanism", "security.protocol"];

    // Login modules that Kafka refuses by default, for they load code from elsewhere (CVE-2023-25194). Nothing here reads that setting; it is in many configurations, and one with these is an attack.
    private static readonly string[] s_refusedModules = ["JndiLoginModule", "LdapLoginModule"];

    private static readonly ConfigDef s_keys = Keys();

    private readonly string _policy;
    private readonly Func<string, bool> _allows;

    /// <exception cref="ConnectException">There is no such policy.</exception>
    public ClientOverrides(ConnectOptions options)
    {
        var text = options.ClientOverrides.Trim();
        (_policy, _allows) = text.ToUpperInvariant() switch
        {
            "ALL" => ("All", name => s_keys.Find(name) is not null),
            "NONE" => ("None", _ => false),
            "PRINCIPAL" => (PrincipalPolicy, name => s_principal.Contains(name)),
            _ => ("Allowlist", Allowlist(text)),
        };
    }

    /// <summary>What is wrong with a policy, for who starts the worker; null: nothing.</summary>
    public static string? Problem(string policy)
    {
        try
        {
            _ = new ClientOverrides(new ConnectOptions { ClientOverrides = policy });
            return null;
        }
        catch (ConnectException wrong)
        {
            return wrong.Message;
        }
    }

    /// <summary>The prefix that a key has; null: it is no override.</summary>
    public static string? PrefixOf(string key) => new[] { Producer, Consumer, Admin }.FirstOrDefault(prefix => key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>The definition of an overridden setting; null: Kafka's clients have none of that name.</summary>
    public static ConfigKey? Find(string key) => PrefixOf(key) is { } prefix && s_keys.Find(key[prefix.Length..]) is { } definition ? definition with { Name = key, DisplayName = definition.Name } : null;

    /// <summary>The overrides that do something here, in a source or in a sink.</summary>
    public static IReadOnlySet<string> Honoured(bool isSource) => isSource ? s_ofSources : s_ofSinks;

    /// <summary>What is wrong with an override; null: nothing.</summary>
    /// <exception cref="ConfigException">The value is none of its type.</exception>
    public string? Refusal(string key, string? value)
    {
        var name = key[PrefixOf(key)!.Length..];
        if (!_allows(name) || (name == Jaas && s_refusedModules.Any(module => value?.Contains(module, StringComparison.Ordinal) == true)))
            return $"The '{_policy}' policy does not allow '{name}' to be overridden in the connector configuration.";
        if (s_keys.Find(name) is { } definition)
            ConfigDef.ParseType(name, value, definition.Type);
        return null;
    }

    private static Func<string, bool> Allowlist(string text)
    {
        // "Allowlist:a,b" and "a,b" alike.
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var names = ((IReadOnlyList<string>)ConfigDef.ParseType("ClientOverrides", colon < 0 ? text : text[(colon + 1)..], ConfigType.List)!).ToHashSet();
        if (names.FirstOrDefault(name => s_keys.Find(name) is null) is { } unknown)
            throw new ConnectException($"The setting {ConnectOptions.Section}:ClientOverrides is All, None, Principal or a list of settings of Kafka's clients that load no code; '{unknown}' is none.");
        return names.Contains;
    }

    private static ConfigDef Keys()
    {
        var def = new ConfigDef();
        Add(ConfigType.Int, "batch.size", "max.in.flight.requests.per.connection", "max.request.size", "receive.buffer.bytes", "request.timeout.ms", "send.buffer.bytes", "transaction.timeout.ms", "delivery.timeout.ms",
            "fetch.max.bytes", "fetch.max.wait.ms", "fetch.min.bytes", "heartbeat.interval.ms", "max.partition.fetch.bytes", "max.poll.interval.ms", "max.poll.records", "session.timeout.ms", "default.api.timeout.ms",
            "auto.commit.interval.ms", "retries", "metrics.num.samples", "compression.gzip.level", "compression.lz4.level", "compression.zstd.level");
        Add(ConfigType.Long, "buffer.memory", "linger.ms", "max.block.ms", "metadata.max.age.ms", "metadata.max.idle.ms", "connections.max.idle.ms", "reconnect.backoff.ms", "reconnect.backoff.max.ms", "retry.backoff.ms",
            "retry.backoff.max.ms", "metrics.sample.window.ms", "socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms");
        Add(ConfigType.Boolean, "enable.idempotence", "enable.auto.commit", "allow.auto.create.topics", "check.crcs", "exclude.internal.topics", "enable.metrics.push", "partitioner.ignore.keys");
        Add(ConfigType.String, "acks", "compression.type", "client.id", "client.rack", "client.dns.lookup", "transactional.id", "group.id", "group.instance.id", "group.protocol", "auto.offset.reset", "isolation.level",
            "security.protocol", "sasl.mechanism", "ssl.protocol", "ssl.endpoint.identification.algorithm", "ssl.truststore.type", "ssl.keystore.type", "metrics.recording.level");
        Add(ConfigType.List, "bootstrap.servers", "ssl.enabled.protocols", "ssl.cipher.suites");
        Add(ConfigType.Password, Jaas, "ssl.key.password", "ssl.keystore.password", "ssl.truststore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates");
        return def;

        void Add(ConfigType type, params string[] names)
        {
            foreach (var name in names)
                def.Optional(name, type, null, "A setting of Kafka's clients.");
        }
    }
}
