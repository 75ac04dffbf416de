using System.Text;
using System.Text.Json.Nodes;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect.Configs;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Errors;

/// <summary>
/// Brings the records of a connector's dead letter topic back. Those of a sink go to the topics that they came from, as they were: the same bytes without the headers of the error. Those of a source stand in the queue as they
/// were before its transforms, so they go through converters and transforms as configured now (<see cref="SourceReplay"/>): nothing reaches a topic unmasked or unrouted. It goes on where the last replay ended, which stands in
/// the offsets of the group <c>connect-NAME-dlq-replay</c>. Records and those offsets are not one unit: after a crash in between, some records are brought back twice.
/// </summary>
internal static class DeadLetterReplay
{
    private const int MostRecords = 10_000;
    private const int ReadBytes = 1024 * 1024;

    private static readonly byte[] s_prefix = Encoding.UTF8.GetBytes(RecordError.HeaderPrefix);
    private static readonly byte[] s_topic = Encoding.UTF8.GetBytes(RecordError.TopicHeader);
    private static readonly byte[] s_dropped = Encoding.UTF8.GetBytes(RecordError.DroppedHeader);

    /// <param name="services">Of the worker.</param>
    /// <param name="connector">Whose.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="request"><c>from</c>: <c>last</c> (where the last replay ended; the default) or <c>start</c>. <c>limit</c>: at most so many records are read; default and most 10,000.</param>
    /// <param name="cancellationToken">Ends it between two reads; what was done is stored.</param>
    /// <returns><c>{"topic","read","replayed","skipped","topics":{"orders":3},"remaining"}</c>; skipped are records without the headers, without their value, of a topic that is not there or refuses them, and those of a source that fail
    /// once more or that a transform drops. They stay in the queue.</returns>
    /// <exception cref="ConnectRequestException">400: the connector has no dead letter topic, or the request makes no sense; of a source also: its converters or transforms cannot be made.</exception>
    public static Task<JsonObject> RunAsync(
        WorkerServices services, string connector, IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken)
    {
        try
        {
            var plugin = services.Plugins.Find(config.GetValueOrDefault(ConnectorConfig.Class, ""), config.GetValueOrDefault(ConnectorConfig.PluginVersion), PluginKind.Source, PluginKind.Sink);
            return RunAsync(services, plugin.Kind, connector, config, request, cancellationToken);
        }
        catch (PluginNotFoundException e)
        {
            throw ConnectRequestException.BadRequest(e.Message);
        }
    }

    /// <summary>The same for a connector whose kind is known.</summary>
    internal static async Task<JsonObject> RunAsync(
        WorkerServices services, PluginKind kind, string connector, IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken)
    {
        var broker = services.Broker;
        if (config.GetValueOrDefault(ConnectorConfig.DlqTopic)?.Trim() is not { Length: > 0 } dlq)
            throw ConnectRequestException.BadRequest($"Connector {connector} has no dead letter queue ({ConnectorConfig.DlqTopic}).");
        var from = request["from"] is null ? "last" : request["from"] is JsonValue text && text.TryGetValue<string>(out var named) ? named : "";
        if (from is not ("start" or "last"))
            throw ConnectRequestException.BadRequest("The member \"from\" must be \"last\" or \"start\".");
        var limit = request["limit"] is JsonValue number && number.TryGetValue<int>(out var most) ? Math.Clamp(most, 1, MostRecords) : MostRecords;

        // No record has failed yet.
        if (!broker.TryGetIntake(dlq, out _))
            return Answer(dlq, 0, 0, [], 0);

        // Transforms and converters are the plugins' code: the caller's thread shall not depend on it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var source = kind == PluginKind.Source ? OpenSource(services, config) : null;
        var group = $"connect-{connector}-dlq-replay";
        var topic = broker.DescribeTopic(dlq);
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int read = 0, skipped = 0;
        long remaining = 0;
        var slices = new List<EncodedSlice>();

        // Up to the end as it is now: what fails again meanwhile comes back to the queue, and would go round in circles.
        foreach (var partition in topic.Partitions)
        {
            var id = new LogPartition(dlq, partition.Partition);
            var committed = from == "start" ? 0 : broker.CommittedOffset(group, id)?.Offset ?? 0;
            using var fetch = broker.OpenFetch([new FetchPosition(id, Math.Clamp(committed, partition.LogStartOffset, partition.HighWatermark), topic.TopicId)]);
            long Left() => partition.HighWatermark - fetch.Positions[0].Offset;
            int got;
            while (Left() > 0 && read < limit && !cancellationToken.IsCancellationRequested
                && (got = fetch.Read(RawRecordEncoder.Shared, (int)Math.Min(limit - read, Left()), ReadBytes, slices)) > 0)
            {
                read += got;
                skipped += await BringBackAsync(broker, source, slices, counts);
                await broker.CommitOffsetsAsync(group, [new OffsetCommit(id, fetch.Positions[0].Offset)], CancellationToken.None);
            }

            remaining += Math.Max(0, Left());
        }

        return Answer(dlq, read, skipped, counts, remaining);
    }

    private static SourceReplay OpenSource(WorkerServices services, IReadOnlyDictionary<string, string> config)
    {
        try
        {
            return new SourceReplay(TaskPlugins.Create(config, services));
        }
        catch (ConnectException e)
        {
            throw ConnectRequestException.BadRequest(e.Message);
        }
    }

    private static JsonObject Answer(string dlq, int read, int skipped, SortedDictionary<string, int> topics, long remaining) => new()
    {
        ["topic"] = dlq,
        ["read"] = read,
        ["replayed"] = read - skipped,
        ["skipped"] = skipped,
        ["topics"] = new JsonObject([.. topics.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value))]),
        ["remaining"] = remaining,
    };

    /// <summary>Answers how many could not be brought back.</summary>
    private static async Task<int> BringBackAsync(IBroker broker, SourceReplay? source, List<EncodedSlice> slices, SortedDictionary<string, int> counts)
    {
        // Sent in order and flushed together.
        var sent = new List<(string Topic, Task Written)>();
        var skipped = 0;
        foreach (var slice in slices)
        {
            for (var i = slice.First; i <= slice.Last; i++)
            {
                if (Build(broker, source, slice.Batch, i) is { } built)
                    sent.Add((built.Partition.Topic, broker.ProduceAsync(built.Partition, built.Batch).AsTask()));
                else
                    skipped++;
            }
        }

        foreach (var (topic, written) in sent)
        {
            try
            {
                await written;
                counts[topic] = counts.GetValueOrDefault(topic) + 1;
            }
            catch (BrokerException e) when (e.Code is ErrorCode.MessageTooLarge or ErrorCode.InvalidRecord or ErrorCode.InvalidTimestamp)
            {
                // What is wrong with this record is so still; the others are not held up.
                skipped++;
            }
        }

        return skipped;
    }

    private static (LogPartition Partition, BatchBuffer Batch)? Build(IBroker broker, SourceReplay? source, EncodedBatch batch, int index)
    {
        if (Original(batch, index) is not { } original)
            return null;
        var (topic, letter, partition) = (original.Topic, original.Letter, (int?)null);
        if (source is not null)
        {
            if (source.Run(topic, letter) is not { } routed)
                return null;
            (topic, letter, partition) = routed;
        }

        if (!broker.TryGetIntake(topic, out var intake) || partition < 0 || partition >= intake.Partitions)
            return null;
        partition ??= letter.Key is null ? (int)(batch.Offsets[index] % intake.Partitions) : letter.PartitionOf(intake.Partitions);
        return (new LogPartition(topic, partition.Value), letter.Build());
    }

    /// <summary>The record without the headers of the error, and where it came from. Null: that is not known, or its value was left out.</summary>
    private static (string Topic, DeadLetter Letter)? Original(EncodedBatch batch, int index)
    {
        var raw = new RawRecord(batch.Record(index).Span);
        var headers = raw.Headers();
        var kept = new byte[raw.EncodedHeaders.Length + VarInt.MaxBytes];
        int length = 0, count = 0;
        string? topic = null;
        while (headers.MoveNext())
        {
            if (headers.Key.StartsWith(s_prefix))
            {
                if (headers.Key.SequenceEqual(s_dropped))
                    return null;
                if (headers.Key.SequenceEqual(s_topic) && !headers.ValueIsNull)
                    topic = Encoding.UTF8.GetString(headers.Value);
                continue;
            }

            length += HeaderEncoder.Write(kept.AsSpan(length), headers.Key, headers.ValueIsNull, headers.Value);
            count++;
        }

        return topic is null ? null : (topic, DeadLetter.Of(batch, index) with { Headers = kept[..length], HeaderCount = count });
    }
}
