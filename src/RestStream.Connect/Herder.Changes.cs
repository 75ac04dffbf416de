using RestStream.Connect.Configs;
using RestStream.Connect.Connectors;
using RestStream.Connect.Model;
using RestStream.Connect.Stores;

namespace RestStream.Connect;

/// <summary>Configurations, target states and restarts.</summary>
internal sealed partial class Herder
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>POST: creates. 409 when it exists, 400 when the configuration is refused.</summary>
    public async Task<ConnectorInfo> CreateAsync(string name, IReadOnlyDictionary<string, string?> config, TargetState initialState, CancellationToken cancellationToken)
    {
        name = name.Trim();
        var named = WithName(name, config);
        await CheckAsync(named, cancellationToken);
        return await ChangeAsync(name, async (connector, stored) =>
        {
            if (stored is not null)
                throw ConnectRequestException.Conflict($"Connector {name} already exists");
            await _shared.Configs.PutAsync(name, WithoutNulls(named), initialState);
            _declared?.PutRight(name);
            connector.Unassign();
            return Info(name, _shared.Configs.Find(name)!);
        });
    }

    /// <summary>PUT: creates or replaces.</summary>
    public async Task<(ConnectorInfo Info, bool Created)> PutConfigAsync(string connector, IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken)
    {
        var named = WithName(connector, config);
        while (true)
        {
            var before = _shared.Configs.Find(connector);
            var put = KeepSecrets(connector, named, before);
            await CheckAsync(put, cancellationToken);
            if (await ReplaceAsync(connector, before, WithoutNulls(put)) is { } info)
                return (info, before is null);
        }
    }

    /// <summary>PATCH: merges; null removes a key.</summary>
    public async Task<ConnectorInfo> PatchConfigAsync(string connector, IReadOnlyDictionary<string, string?> patch, CancellationToken cancellationToken)
    {
        while (true)
        {
            var before = Stored(connector);
            var patched = new OrderedDictionary<string, string?>(before.Config.Select(e => KeyValuePair.Create(e.Key, (string?)e.Value)));
            foreach (var (key, value) in KeepSecrets(connector, patch, before))
            {
                if (value is null)
                    patched.Remove(key);
                else
                    patched[key] = value;
            }

            await CheckAsync(patched, cancellationToken);
            if (await ReplaceAsync(connector, before, WithoutNulls(patched)) is { } info)
                return info;
        }
    }

    public async Task DeleteAsync(string connector, CancellationToken cancellationToken)
    {
        _ = await ChangeAsync(connector, async (_, stored) =>
        {
            if (stored is null)
                throw ConnectRequestException.NotFound($"Connector {connector} not found");
            await _shared.Configs.DeleteAsync(connector);
            _shown.TryRemove(connector, out Shown? _);
            return true;
        });
    }

    /// <summary>POST restart: the status with the chosen ones RESTARTING when a flag is set, else null after the connector alone was restarted.</summary>
    public async Task<ConnectorStatus?> RestartAsync(string connector, bool includeTasks, bool onlyFailed, CancellationToken cancellationToken)
    {
        if (_shared.Configs.Find(connector) is null || _running.GetValueOrDefault(connector) is not { } running)
            throw ConnectRequestException.NotFound($"Unknown connector: {connector}");
        var status = Status(connector);
        if (includeTasks || onlyFailed)
        {
            const string Failed = "FAILED";
            _ = running.RestartAsync(!onlyFailed || status.Connector.State == Failed, (_, state) => includeTasks && (!onlyFailed || state == WorkState.Failed));
            return Status(connector);
        }

        var failure = await running.RestartAsync(connector: true, (_, _) => false).WaitAsync(cancellationToken);
        return failure is null ? null : throw new ConnectRequestException(500, $"Failed to start connector: {connector}", failure.Error);
    }

    public async Task RestartTaskAsync(string connector, int task, CancellationToken cancellationToken)
    {
        if (_shared.Configs.Find(connector) is not { } stored || _running.GetValueOrDefault(connector) is not { } running)
            throw ConnectRequestException.NotFound($"Unknown connector: {connector}");
        if (task < 0 || task >= stored.KnownTasks)
            throw ConnectRequestException.NotFound($"Unknown task: {connector}-{task}");
        if (task >= stored.Tasks.Count)
        {
            throw ConnectRequestException.Conflict(stored.Target == TargetState.Stopped
                ? $"Task {connector}-{task} was stopped with its connector. Resume the connector (PUT /connectors/{Uri.EscapeDataString(connector)}/resume) to run its tasks again."
                : $"Connector {connector} has {stored.Tasks.Count} tasks now; task {task} is not one of them any more.");
        }

        await running.RestartAsync(connector: false, (id, _) => id == task).WaitAsync(cancellationToken);
    }

    /// <summary>pause, resume, stop.</summary>
    public async Task SetTargetStateAsync(string connector, TargetState state, CancellationToken cancellationToken)
    {
        if (_shared.Configs.Find(connector)?.Target == state && _running.TryGetValue(connector, out var running))
        {
            _ = running.Again();
            return;
        }

        _ = await ChangeAsync(connector, async (_, stored) =>
        {
            if (stored is null)
                throw ConnectRequestException.NotFound($"Unknown connector {connector}");
            await _shared.Configs.PutTargetAsync(connector, state);
            return true;
        });
    }

    /// <summary>A connector as its file says. <paramref name="initialState"/> counts when it is made.</summary>
    /// <returns>False: it is so already.</returns>
    internal async Task<bool> DeclareAsync(string connector, IReadOnlyDictionary<string, string?> config, TargetState initialState, CancellationToken cancellationToken)
    {
        if (_shared.Configs.Find(connector) is not { } stored)
        {
            await CreateAsync(connector, config, initialState, cancellationToken);
            return true;
        }

        var wanted = WithoutNulls(WithName(connector, config));
        if (wanted.Count == stored.Config.Count && wanted.All(e => stored.Config.GetValueOrDefault(e.Key) == e.Value))
            return false;
        await PutConfigAsync(connector, config, cancellationToken);
        return true;
    }

    /// <summary>The new configuration, unless another was written since <paramref name="before"/> was read: then null, and nothing is changed.</summary>
    private Task<ConnectorInfo?> ReplaceAsync(string connector, StoredConnector? before, IReadOnlyDictionary<string, string> config) => ChangeAsync(connector, async (running, stored) =>
    {
        if (!ReferenceEquals(stored?.Config, before?.Config))
            return null;
        await _shared.Configs.PutAsync(connector, config, stored is null ? TargetState.Started : null);
        _declared?.PutRight(connector);
        if (stored is null)
            running.Unassign();
        return Info(connector, _shared.Configs.Find(connector)!);
    });

    /// <summary>One change of a connector after the other. What runs follows in the background.</summary>
    private Task<T> ChangeAsync<T>(string name, Func<RunningConnector, StoredConnector?, Task<T>> change) => InTurnAsync(name, async connector =>
    {
        var result = await change(connector, _shared.Configs.Find(name));
        _ = FollowAsync(connector);
        return result;
    }, CancellationToken.None);

    /// <summary>Between changes of the connector. A name that nobody has may be asked for: nothing of it stays.</summary>
    private async Task<T> InTurnAsync<T>(string name, Func<RunningConnector, Task<T>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            var connector = Running(name);
            await connector.Changing.WaitAsync(cancellationToken);
            try
            {
                if (!connector.Retired)
                    return await work(connector);
            }
            finally
            {
                RetireUnknown(connector);
                connector.Changing.Release();
            }
        }
    }

    private async Task FollowAsync(RunningConnector connector)
    {
        await connector.Changed().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await connector.Changing.WaitAsync();
        RetireUnknown(connector);
        connector.Changing.Release();
    }

    /// <summary>Nothing is kept of names that nobody has: a connector that is gone, or one whose creation was refused. Under <see cref="RunningConnector.Changing"/>.</summary>
    private void RetireUnknown(RunningConnector connector)
    {
        if (_shared.Configs.Find(connector.Name) is null && connector.Status() is null)
        {
            connector.Retired = true;
            _running.TryRemove(KeyValuePair.Create(connector.Name, connector));
        }
    }

    /// <summary>What is wrong with a configuration. A mask in it stands for what the connector of its name has stored, as in a change of that connector.</summary>
    public Task<ConfigInfos> ValidateAsync(IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken)
    {
        var name = config.GetValueOrDefault(ConnectorConfig.Name)?.Trim() ?? "";
        return _shared.Parts.ValidateAsync(KeepSecrets(name, config, _shared.Configs.Find(name)), cancellationToken);
    }

    private async Task CheckAsync(IReadOnlyDictionary<string, string?> config, CancellationToken cancellationToken)
    {
        var infos = await _shared.Parts.ValidateAsync(config, cancellationToken);
        if (infos.ErrorCount == 0)
            return;
        var errors = infos.Configs.SelectMany(c => c.Value.Errors);
        throw ConnectRequestException.BadRequest(
            $"Connector configuration is invalid and contains the following {infos.ErrorCount} error(s):\n{string.Join('\n', errors)}\n"
            + "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`");
    }

    private static Dictionary<string, string?> WithName(string name, IReadOnlyDictionary<string, string?> config)
    {
        if (config.TryGetValue(ConnectorConfig.Name, out var written) && written is not null && written != name)
            throw ConnectRequestException.BadRequest($"Connector name configuration ({written}) doesn't match connector name in the URL ({name})");
        return new Dictionary<string, string?>(config) { [ConnectorConfig.Name] = name };
    }

    /// <summary>Where the mask came back, the value that is stored.</summary>
    private Dictionary<string, string?> KeepSecrets(string connector, IReadOnlyDictionary<string, string?> config, StoredConnector? stored) =>
        stored is null ? new(config) : Secrets.Restore(config, stored.Config, Show(connector, stored).SecretKeys);

    private static Dictionary<string, string> WithoutNulls(IReadOnlyDictionary<string, string?> config) =>
        config.Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!);
}
