using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Mvc;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Http.Records;

/// <summary>The newest value of a key: a topic as a table. Works on every topic; on a compacted one there is little else to look through.</summary>
internal static class LatestEndpoint
{
    private const string Description =
        "The partition follows from the key as for producers, unless `partition` names another. When it has no record of the key the others are searched too: the topic may have had fewer "
        + "partitions when the key was written; of several the record with the latest timestamp counts. `key_format` says how `key` is written and how the record's key is shown. "
        + "404 with error_code 40407 when no record has the key or the newest one is a tombstone. "
        + "The log is searched backwards from its end: a key that was written lately is found at once, one that is not there costs a read of the partition, or without `partition` of the topic.";

    public static void MapLatestRecord(this IEndpointRouteBuilder group) =>
        group.MapGet("/topics/{topic}/records/latest", ReadLatest)
            .WithName("ReadLatest").WithSummary("Read the newest record of a key").WithDescription(Description)
            .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(RecordBody), ["application/json"]));

    private static async Task ReadLatest(string topic, [AsParameters] LatestQuery _, HttpContext context, IBroker broker)
    {
        if (ReadForm.Choose(context.Request.Headers.Accept).Framing != ReadFraming.Page)
            throw new HttpError(406, 40600, "not-acceptable", "Not acceptable", "A single record can be had as application/json.");
        var query = context.Request.Query;
        var keyFormat = ReadParameters.Format(query, "key_format", DataFormat.Text);
        var encoder = RecordJson.Native(keyFormat, ReadParameters.Format(query, "value_format", DataFormat.Json));
        var key = ParseKey(ReadParameters.Text(query, "key"), keyFormat);
        var partitions = broker.DescribeTopic(ReadEndpoints.Named(topic)).Partitions.Count;
        int? named = ReadParameters.Text(query, "partition") is { } number ? ReadEndpoints.Number(topic, number) : null;
        var partition = named ?? Partitioner.ForKey(key, partitions);

        var latest = await broker.FindLatestAsync(new TopicPartition(topic, partition), key, encoder, context.RequestAborted);
        if (latest is null && named is null)
            latest = await FindElsewhereAsync(broker, topic, partition, partitions, key, encoder, context.RequestAborted);
        if (latest is null or { IsTombstone: true })
        {
            throw new HttpError(404, 40407, "key-not-found", "Key not found",
                $"{(named is null ? "Topic" : $"Partition {partition} of")} '{topic}' has no record with this key, or the newest one deletes it. Keys are compared byte for byte: key_format says how this one is written.")
            {
                Extra = new Dictionary<string, object?> { ["topic"] = topic, ["partition"] = partition },
            };
        }

        var record = latest.Encoded.Record(0);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = record.Length;
        context.Response.BodyWriter.Write(record.Span);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>
    /// The newest of all other partitions, by its time: offsets of two partitions say nothing about each other. One after the other, so that a request takes no more than its share of the
    /// searches.
    /// </summary>
    private static async Task<LatestRecord?> FindElsewhereAsync(
        IBroker broker, string topic, int but, int partitions, byte[] key, RecordEncoder encoder, CancellationToken cancellationToken)
    {
        LatestRecord? latest = null;
        for (var partition = 0; partition < partitions; partition++)
        {
            if (partition == but || await broker.FindLatestAsync(new TopicPartition(topic, partition), key, encoder, cancellationToken) is not { } found)
                continue;
            if (latest is null || found.Encoded.Timestamps[0] >= latest.Encoded.Timestamps[0])
                latest = found;
        }

        return latest;
    }

    private static byte[] ParseKey(string? text, DataFormat format)
    {
        if (text is null)
            throw HttpError.BadParameter("key", "Name the key: key=c-17.");
        if (format == DataFormat.Base64)
        {
            var bytes = new byte[text.Length];
            return Convert.TryFromBase64String(text, bytes, out var length)
                ? bytes[..length]
                : throw HttpError.BadParameter("key", "key is not base64, as key_format says. A plus is written %2B in a URL.");
        }

        var key = Encoding.UTF8.GetBytes(text);
        return format == DataFormat.Text || JsonSyntax.Inspect(key) is JsonKind.Value or JsonKind.ValueWithLineBreaks
            ? key
            : throw HttpError.BadParameter("key", "key is not JSON, as key_format says. A JSON string has its quotes: key=%22c-17%22.");
    }
}

/// <summary>What of the query other reads have too, for the OpenAPI document.</summary>
internal sealed class LatestQuery
{
    [FromQuery(Name = "key_format")]
    public string? KeyFormat { get; init; }

    [FromQuery(Name = "value_format")]
    public string? ValueFormat { get; init; }
}
