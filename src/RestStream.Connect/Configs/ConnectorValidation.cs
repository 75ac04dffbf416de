using RestStream.Connect.Config;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Configs;

/// <summary>Validation of connector configurations, as <c>PUT /connector-plugins/{p}/config/validate</c> answers it; POST, PUT and PATCH of connectors ask it too. Safe on any thread.</summary>
internal sealed class ConnectorValidation(PluginCatalog plugins, ConnectOptions options, ConfigReferences references, FileRoots files, OutboundPolicy network, TimeProvider time)
{
    // More tell nobody anything, and a body of a megabyte could ask for tens of thousands.
    private const int MaxHints = 100;

    private readonly PluginDefinitions _definitions = new(plugins, options, time);
    private readonly ClientOverrides _overrides = new(options);

    /// <summary>
    /// Everything that is wrong; secrets are masked. Single keys first; when they are right, the connector's own check and probe, bounded by <see cref="ConnectOptions.ProbeTimeout"/>. Whatever else of the connector is called
    /// (constructor, definition, validators) has that time too; code that does not come back is left behind.
    /// </summary>
    /// <exception cref="ConnectRequestException">400: no class, an unknown one, a reference that cannot be read, a client override of the wrong type, a connector that does not come back.</exception>
    public async Task<ConfigInfos> ValidateAsync(IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken)
    {
        var checking = Task.Run(() => CheckAsync(config, cancellationToken), cancellationToken);
        try
        {
            // Twice: the connector's own check, which has its own limit and answer, comes last.
            return await checking.WaitAsync(options.ProbeTimeout * 2, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return checking.IsCompleted
                ? await checking
                : throw ConnectRequestException.BadRequest($"The connector did not come back from the check of its configuration within {options.ProbeTimeout.TotalSeconds * 2:0.#} s and was left behind.");
        }
    }

    private async Task<ConfigInfos> CheckAsync(IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken)
    {
        var written = config.Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!);
        var replacements = new List<string>();
        var resolved = ResolveOrRefuse(written, replacements);
        var all = config.ToDictionary(e => e.Key, e => e.Value is null ? null : resolved[e.Key]);
        var (connector, versionProblem) = FindConnector(all);
        var composed = ComposeOrRefuse(connector, all);
        var scrubber = SecretScrubber.For(written, resolved, replacements, Secret(composed, written.Keys));
        var report = new ConfigReport(written, scrubber);

        if (versionProblem is not null)
        {
            // Without the class nothing more can be asked, so only the settings of every connector are answered, as in Kafka.
            report.Add(composed.Base, composed.Base.Validate(all, FindClass));
            report.Error(ConnectorConfig.Class, versionProblem);
            report.Error(ConnectorConfig.PluginVersion, versionProblem);
            return report.ToInfos(all[ConnectorConfig.Class]!);
        }

        var framework = composed.Framework.Validate(all, FindClass);
        report.Add(composed.Framework, framework);
        CheckVersions(report, all);
        using var asked = new AskedConnector(plugins.Create<Connector>(connector));
        if (connector.Kind == PluginKind.Sink)
            SinkChecks.Topics(report, all);
        else
            SourceChecks.ExactlyOnce(report, (SourceConnector)asked.Connector, resolved);
        foreach (var (key, _) in all.Where(e => e.Value is null && (framework.ContainsKey(e.Key) || composed.Own.Find(e.Key) is null)))
            report.Error(key, "Null value can not be supplied as the configuration value.");
        report.Add(composed.Own, composed.Own.Validate(all));
        foreach (var converter in composed.Converters)
            report.AddConverter(converter.Definition, converter.Definition.Validate(converter.Settings(all)), converter.Prefix);
        AddOverrides(report, all);
        if (connector.Kind == PluginKind.Sink)
            SinkChecks.Group(report, all, options.GroupId);
        report.Add(ConnectorConfig.Ours, ConnectorConfig.Ours.Validate(all));
        RefuseMasks(report, composed, all);

        foreach (var (key, message) in ConfigHints.For(composed, all, written, resolved).Take(MaxHints))
            report.Warn(key, message);
        if (report.ErrorCount == 0)
            await AskConnectorAsync(report, asked, composed.Own.Parse(all), cancellationToken);
        return report.ToInfos(all[ConnectorConfig.Class]!);
    }

    /// <summary>The settings of a plugin of any kind: its own first, then the framework's.</summary>
    /// <exception cref="ConnectRequestException">404: unknown; 400: no such version.</exception>
    public IReadOnlyList<ConfigKeyInfo> Describe(string plugin, string? version)
    {
        var known = PluginNames.FindOrNull(plugins, plugin, null) ?? throw ConnectRequestException.NotFound($"Unknown plugin {plugin}.");
        try
        {
            var found = plugins.Find(known.Class, version, known.Kind);
            var framework = found.Kind switch
            {
                PluginKind.Source => ConnectorConfig.Source().Keys,
                PluginKind.Sink => ConnectorConfig.Sink().Keys,
                _ => [],
            };
            return [.. _definitions.Of(found).Keys.Where(key => !key.Internal).Concat(framework).Select(key => ConfigReport.Describe(key, ""))];
        }
        catch (ConnectException refused)
        {
            throw ConnectRequestException.BadRequest(refused.Message);
        }
    }

    /// <summary>
    /// The names of the keys whose values are secret, for this configuration: <see cref="ConfigType.Password"/> of connector, converters, transforms, predicates and client overrides, and those of keys that nobody knows but
    /// that look like secrets. Never fails: of a plugin that is gone, or cannot be loaded, the looks of the keys decide.
    /// </summary>
    public IReadOnlySet<string> SecretKeys(IReadOnlyDictionary<string, string> config)
    {
        var all = config.ToDictionary(e => e.Key, e => (string?)e.Value);
        if (all.GetValueOrDefault(ConnectorConfig.Class) is { } name && PluginNames.FindOrNull(plugins, name, null, PluginKind.Source, PluginKind.Sink) is { } newest)
        {
            var used = PluginNames.FindOrNull(plugins, newest.Class, all.GetValueOrDefault(ConnectorConfig.PluginVersion), PluginKind.Source, PluginKind.Sink) ?? newest;
            try
            {
                return Secret(Compose(used, all), config.Keys);
            }
            catch (ConnectException)
            {
                // It cannot be loaded now: what it calls a secret is not known.
            }
        }

        return config.Keys.Where(Secrets.LooksSecret).ToHashSet();
    }

    private static HashSet<string> Secret(ComposedConfig composed, IEnumerable<string> keys) =>
        keys.Where(key => composed.Find(key) is { } definition ? definition.Type == ConfigType.Password : Secrets.LooksSecret(key)).ToHashSet();

    private string? FindClass(string key, string name) => PluginNames.FindClass(plugins, key, name);

    private IReadOnlyDictionary<string, string> ResolveOrRefuse(Dictionary<string, string> written, List<string> replacements)
    {
        try
        {
            return references.Resolve(written, replacements);
        }
        catch (ConnectException unreadable)
        {
            throw ConnectRequestException.BadRequest(unreadable.Message);
        }
    }

    private (PluginDescription Connector, string? VersionProblem) FindConnector(Dictionary<string, string?> config)
    {
        if (config.GetValueOrDefault(ConnectorConfig.Class) is not { } name)
        {
            var shown = config.Select(e => $"{e.Key}={(e.Value is null ? "null" : Secrets.LooksSecret(e.Key) ? Secrets.Hidden : Secrets.MaskUrls(e.Value))}");
            throw ConnectRequestException.BadRequest($"Connector config {{{string.Join(", ", shown)}}} contains no connector type");
        }

        PluginDescription newest;
        try
        {
            newest = plugins.Find(name.Trim(), null, PluginKind.Source, PluginKind.Sink);
        }
        catch (PluginNotFoundException unknown)
        {
            throw ConnectRequestException.BadRequest(unknown.Message);
        }

        try
        {
            return (plugins.Find(newest.Class, config.GetValueOrDefault(ConnectorConfig.PluginVersion), newest.Kind), null);
        }
        catch (PluginNotFoundException noSuchVersion)
        {
            return (newest, noSuchVersion.Message);
        }
    }

    private ComposedConfig Compose(PluginDescription connector, IReadOnlyDictionary<string, string?> config) => ComposedConfig.Of(plugins, _definitions, options, connector, config);

    private ComposedConfig ComposeOrRefuse(PluginDescription connector, Dictionary<string, string?> config)
    {
        try
        {
            return Compose(connector, config);
        }
        catch (ConnectException notLoaded)
        {
            throw ConnectRequestException.BadRequest(notLoaded.Message);
        }
    }

    /// <summary>Versions of converters, transforms and predicates: one that is not there is wrong on the class and on the version, as in Kafka.</summary>
    private void CheckVersions(ConfigReport report, Dictionary<string, string?> config)
    {
        foreach (var (classKey, versionKey) in ComposedConfig.PluginKeys(config))
        {
            if (config.GetValueOrDefault(classKey) is not { } name || config.GetValueOrDefault(versionKey) is not { } version || PluginNames.KindOf(classKey) is not { } kind
                || PluginNames.FindOrNull(plugins, name.Trim(), null, kind) is not { } found)
                continue;
            try
            {
                plugins.Find(found.Class, version, kind);
            }
            catch (PluginNotFoundException noSuchVersion)
            {
                report.Error(classKey, noSuchVersion.Message);
                report.Error(versionKey, noSuchVersion.Message);
            }
        }
    }

    private void AddOverrides(ConfigReport report, Dictionary<string, string?> config)
    {
        foreach (var (key, value) in config.Where(e => ClientOverrides.PrefixOf(e.Key) is not null))
        {
            try
            {
                report.AddOverride(key, ClientOverrides.Find(key), value, _overrides.Refusal(key, value));
            }
            catch (ConfigException wrongType)
            {
                throw ConnectRequestException.BadRequest(wrongType.Message);
            }
        }
    }

    /// <summary>A mask that is still there after stored values were put back (<see cref="Secrets.Restore"/>) stands for nothing: the connector would log in with the word "[hidden]".</summary>
    private static void RefuseMasks(ConfigReport report, ComposedConfig composed, Dictionary<string, string?> config)
    {
        foreach (var (key, _) in config.Where(e => e.Value?.Contains(Secrets.Hidden, StringComparison.Ordinal) == true && (composed.Find(e.Key) is not null || Secrets.LooksSecret(e.Key))))
            report.Error(key, $"{Secrets.Hidden} stands for a stored value, and none is stored that fits here. Send the value itself.");
    }

    private async Task AskConnectorAsync(ConfigReport report, AskedConnector asked, ConfigValues values, CancellationToken cancellationToken)
    {
        var validation = new ConfigValidation(values, files, network);

        // What it throws when it is told to end is no answer any more.
        var ending = new PluginCancellation(_ => { });

        // On a thread of its own and not awaited longer than the limit: a check that blocks, or does not look at its token, holds up no request.
        asked.Call = Task.Run(() => asked.Connector.ValidateAsync(validation, ending.Plugin), cancellationToken);
        try
        {
            await asked.Call.WaitAsync(options.ProbeTimeout, time, cancellationToken);
        }
        catch (TimeoutException) when (!asked.Call.IsCompleted)
        {
            report.Error(ConnectorConfig.Class, $"The connector's own check did not end within {options.ProbeTimeout.TotalSeconds:0.#} s (setting {ConnectOptions.Section}:ProbeTimeout): what it connects to does not answer.");
            return;
        }
        catch (Exception failed) when (!cancellationToken.IsCancellationRequested)
        {
            // Code of strangers: whatever it throws is their answer, and no failure of this request.
            report.Error(ConnectorConfig.Class, failed is ConnectException ? failed.Message : $"The connector's own check failed: {failed.GetType().Name}: {failed.Message}");
            return;
        }
        finally
        {
            if (!asked.Call.IsCompleted)
                _ = ending.Cancel();
        }

        foreach (var (key, message) in validation.Errors)
            report.Error(key, message);
        foreach (var (key, message) in validation.Warnings)
            report.Warn(key, message);
        foreach (var (key, choices) in validation.Choices)
            report.Recommend(key, choices);
    }

    /// <summary>An instance that is only asked. It is closed when nobody needs it any more and its last call has come back, and nobody waits for that.</summary>
    private sealed class AskedConnector(Connector connector) : IDisposable
    {
        public Connector Connector => connector;

        public Task Call { get; set; } = Task.CompletedTask;

        public void Dispose() => _ = Task.Run(async () =>
        {
            await Call.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await connector.DisposeAsync();
        });
    }
}
