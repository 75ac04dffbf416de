using System.Text;
using System.Text.Json.Nodes;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Connect.Configs;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Errors;

/// <summary>
/// Brings the records of a connector's dead letter topic back to the topics that they came from, as they were: the same bytes without the headers of the error. It goes on where the last replay ended, which stands in the
/// offsets of the group <c>connect-NAME-dlq-replay</c>. Records and those offsets are not one unit: after a crash in between, some records are brought back twice.
/// </summary>
internal static class DeadLetterReplay
{
    private const int MostRecords = 10_000;
    private const int ReadBytes = 1024 * 1024;

    private static readonly byte[] s_prefix = Encoding.UTF8.GetBytes(RecordError.HeaderPrefix);
    private static readonly byte[] s_topic = Encoding.UTF8.GetBytes(RecordError.TopicHeader);

    /// <param name="services">Of the worker.</param>
    /// <param name="connector">Whose.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="request"><c>from</c>: <c>last</c> (where the last replay ended; the default) or <c>start</c>. <c>limit</c>: at most so many records are read; default and most 10,000.</param>
    /// <param name="cancellationToken">Ends it between two reads; what was done is stored.</param>
    /// <returns><c>{"topic","read","replayed","skipped","topics":{"orders":3},"remaining"}</c>; skipped are records without the headers, or of a topic that is gone.</returns>
    /// <exception cref="ConnectRequestException">400: the connector has no dead letter topic, or the request makes no sense.</exception>
    public static async Task<JsonObject> RunAsync(
        WorkerServices services, string connector, IReadOnlyDictionary<string, string> config, JsonObject request, CancellationToken cancellationToken)
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

        var group = $"connect-{connector}-dlq-replay";
        var topic = broker.DescribeTopic(dlq);
        var positions = topic.Partitions.Select(p => new FetchPosition(
            new LogPartition(dlq, p.Partition),
            from == "start" ? p.LogStartOffset : Math.Max(p.LogStartOffset, broker.CommittedOffset(group, new LogPartition(dlq, p.Partition))?.Offset ?? p.LogStartOffset), topic.TopicId));
        using var fetch = broker.OpenFetch([.. positions]);
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        int read = 0, skipped = 0, got;
        var slices = new List<EncodedSlice>();
        while (read < limit && !cancellationToken.IsCancellationRequested && (got = fetch.Read(RawRecordEncoder.Shared, limit - read, ReadBytes, slices)) > 0)
        {
            read += got;
            skipped += await BringBackAsync(broker, slices, counts);
            await broker.CommitOffsetsAsync(group, [.. fetch.Positions.Select(p => new OffsetCommit(p.Partition, p.Offset))], CancellationToken.None);
        }

        return Answer(dlq, read, skipped, counts, Enumerable.Range(0, fetch.Positions.Count).Sum(i => Math.Max(0, fetch.EndOffset(i) - fetch.Positions[i].Offset)));
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
    private static async Task<int> BringBackAsync(IBroker broker, List<EncodedSlice> slices, SortedDictionary<string, int> counts)
    {
        // Sent in order and flushed together.
        var sent = new List<Task>();
        var skipped = 0;
        foreach (var slice in slices)
        {
            for (var i = slice.First; i <= slice.Last; i++)
            {
                if (Build(broker, slice.Batch, i) is not { } built)
                {
                    skipped++;
                    continue;
                }

                sent.Add(broker.ProduceAsync(built.Partition, built.Batch).AsTask());
                counts[built.Partition.Topic] = counts.GetValueOrDefault(built.Partition.Topic) + 1;
            }
        }

        await Task.WhenAll(sent);
        return skipped;
    }

    private static (LogPartition Partition, BatchBuffer Batch)? Build(IBroker broker, EncodedBatch batch, int index)
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
                if (headers.Key.SequenceEqual(s_topic) && !headers.ValueIsNull)
                    topic = Encoding.UTF8.GetString(headers.Value);
                continue;
            }

            length += HeaderEncoder.Write(kept.AsSpan(length), headers.Key, headers.ValueIsNull, headers.Value);
            count++;
        }

        if (topic is null || !broker.TryGetIntake(topic, out var intake))
            return null;
        using var builder = new RecordBatchBuilder();
        builder.Append(batch.Timestamps[index], raw.KeyIsNull, raw.Key, raw.ValueIsNull, raw.Value, kept.AsSpan(0, length), count);
        return (new LogPartition(topic, raw.KeyIsNull ? (int)(batch.Offsets[index] % intake.Partitions) : Partitioner.ForKey(raw.Key, intake.Partitions)), builder.Build());
    }
}
