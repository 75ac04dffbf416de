using RestStream.Connect.Configs;
using RestStream.Connect.Connectors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using SourceOffset = (System.Collections.Generic.IReadOnlyDictionary<string, object?>? Partition, System.Collections.Generic.IReadOnlyDictionary<string, object?>? Offset);

namespace RestStream.Connect;

/// <summary>Offsets: of sources in the offset topic, of sinks in the consumer group. Kafka's checks in Kafka's order; where a connector refuses offsets we answer 400, not 500.</summary>
internal sealed partial class Herder
{
    private const string Altered = "altered";
    private const string Reset = "reset";

    public IReadOnlyList<OffsetEntry> Offsets(string connector)
    {
        var stored = Stored(connector);
        return KindOf(stored) == PluginKind.Sink
            ? Sink(connector, stored).Read()
            : [.. _shared.Worker.Offsets.All(connector).Select(e => new OffsetEntry(SourceOffsetJson.Write(e.Partition), SourceOffsetJson.Write(e.Offset)))];
    }

    /// <summary>Answers the message of success.</summary>
    public async Task<string> AlterOffsetsAsync(string connector, IReadOnlyList<OffsetEntry?>? offsets, CancellationToken cancellationToken)
    {
        if (offsets is null or { Count: 0 })
            throw ConnectRequestException.BadRequest("Partitions / offsets need to be provided for an alter offsets request");
        if (offsets.Contains(null))
            throw ConnectRequestException.BadRequest("An entry of 'offsets' is null. Each is an object with 'partition' and 'offset'.");
        var stored = await StoppedAsync(connector, cancellationToken);
        if (KindOf(stored) == PluginKind.Sink)
        {
            var sink = Sink(connector, stored);
            var wanted = SinkOffsets.Parse(offsets!);
            await CheckZombiesAsync(connector, sink, Altered);
            sink.Check(wanted);
            var sinkConfirmed = await AskAsync(connector, stored, (SinkConnector asked, IReadOnlyDictionary<string, string> config, CancellationToken token) => asked.AlterOffsetsAsync(config, wanted, token), cancellationToken);
            await WriteOffsetsAsync(connector, stored, () => sink.AlterAsync(wanted, cancellationToken), cancellationToken);
            return Message(Altered, sinkConfirmed);
        }

        var changes = SourceOffsetJson.Read(offsets!);
        var confirmed = await AskAsync(connector, stored, (SourceConnector asked, IReadOnlyDictionary<string, string> config, CancellationToken token) => asked.AlterOffsetsAsync(config, changes, token), cancellationToken);
        if (changes.Any(c => c.Partition is null))
            throw ConnectRequestException.BadRequest("The partition for a source connector offset cannot be null or missing");
        await WriteOffsetsAsync(connector, stored, () => _shared.Worker.Offsets.StoreAsync(connector, [.. changes.Select(c => (c.Partition!, c.Offset))], cancellationToken), cancellationToken);
        return Message(Altered, confirmed);
    }

    public async Task<string> ResetOffsetsAsync(string connector, CancellationToken cancellationToken)
    {
        var stored = await StoppedAsync(connector, cancellationToken);
        if (KindOf(stored) == PluginKind.Sink)
        {
            var sink = Sink(connector, stored);
            await CheckZombiesAsync(connector, sink, Reset);
            var all = sink.Committed().ToDictionary(c => c.Partition, _ => (long?)null);
            var sinkConfirmed = await AskAsync(connector, stored, (SinkConnector asked, IReadOnlyDictionary<string, string> config, CancellationToken token) => asked.AlterOffsetsAsync(config, all, token), cancellationToken);
            await WriteOffsetsAsync(connector, stored, () => sink.ResetAsync(cancellationToken), cancellationToken);
            return Message(Reset, sinkConfirmed);
        }

        List<SourceOffset> changes = [.. _shared.Worker.Offsets.All(connector).Select(e => ((IReadOnlyDictionary<string, object?>?)e.Partition, (IReadOnlyDictionary<string, object?>?)null))];
        var confirmed = await AskAsync(connector, stored, (SourceConnector asked, IReadOnlyDictionary<string, string> config, CancellationToken token) => asked.AlterOffsetsAsync(config, changes, token), cancellationToken);
        if (changes.Count > 0)
            await WriteOffsetsAsync(connector, stored, () => _shared.Worker.Offsets.StoreAsync(connector, [.. changes.Select(c => (c.Partition!, c.Offset))], cancellationToken), cancellationToken);
        return Message(Reset, confirmed);
    }

    /// <summary>The connector, once it has really stopped.</summary>
    private async Task<StoredConnector> StoppedAsync(string connector, CancellationToken cancellationToken)
    {
        // In its turn: a stop that was written, and not yet handed on to what runs, is not overtaken.
        var stored = await InTurnAsync(connector, _ => Task.FromResult(Stopped(connector)), cancellationToken);
        await SettledAsync(connector).WaitAsync(cancellationToken);
        return stored;
    }

    private StoredConnector Stopped(string connector)
    {
        var stored = Stored(connector);
        if (stored.Target == TargetState.Stopped)
            return stored;
        throw ConnectRequestException.BadRequest(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the "
            + $"'/connectors/{connector}/stop' endpoint");
    }

    /// <summary>Writes offsets, unless the connector was changed since it was found stopped (the connector's own check may have taken long): while they are written nothing starts.</summary>
    private Task WriteOffsetsAsync(string connector, StoredConnector stopped, Func<Task> write, CancellationToken cancellationToken) => InTurnAsync(connector, async _ =>
    {
        if (!ReferenceEquals(Stopped(connector), stopped))
            throw ConnectRequestException.Conflict($"Connector {connector} was changed while its offsets were to be. They were not changed; ask again.");
        await write();
        return true;
    }, cancellationToken);

    private async Task CheckZombiesAsync(string connector, SinkOffsets sink, string what)
    {
        if (_running.GetValueOrDefault(connector) is { } running && await running.HasZombiesAsync())
            throw sink.Zombies(what);
    }

    /// <summary>Lets the connector itself check, and change what it keeps outside; on an instance of its own.</summary>
    private async Task<bool> AskAsync<T>(
        string connector, StoredConnector stored, Func<T, IReadOnlyDictionary<string, string>, CancellationToken, ValueTask<bool>> ask, CancellationToken cancellationToken)
        where T : Connector
    {
        var replacements = new List<string>();
        var resolved = _shared.Parts.Resolve(stored.Config, replacements);
        try
        {
            return await Task.Run(AskNowAsync, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Without the exception itself: its texts are the connector's, which knows the secrets.
            var secrets = SecretScrubber.For(stored.Config, resolved, replacements, _shared.Parts.SecretKeys(stored.Config));
            throw e is ConnectException ? new ConnectRequestException(400, secrets.Scrub(e.Message)) : new ConnectRequestException(500, $"The connector failed: {secrets.Scrub(e.Message)}");
        }

        async Task<bool> AskNowAsync()
        {
            await using var asked = _shared.Parts.Create(_shared.Parts.Find(stored.Config));
            return await ask((T)asked, resolved, cancellationToken);
        }
    }

    private PluginKind KindOf(StoredConnector stored)
    {
        try
        {
            return _shared.Parts.Find(stored.Config).Kind;
        }
        catch (PluginNotFoundException e)
        {
            throw new ConnectRequestException(400, e.Message, e);
        }
    }

    private SinkOffsets Sink(string connector, StoredConnector stored) =>
        new(_shared.Worker.Broker, connector, SinkMember.GroupOf(connector, _shared.Parts.Resolve(stored.Config, [])), _shared.Log);

    private static string Message(string what, bool confirmed) => confirmed
        ? $"The offsets for this connector have been {what} successfully"
        : $"The Connect framework-managed offsets for this connector have been {what} successfully. However, if this connector manages offsets externally, they will need to be manually {what} in the system that the "
            + "connector uses.";
}
