using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using RestStream.Broker;
using RestStream.Broker.Groups;
using LogPartition = RestStream.Storage.TopicPartition;
using OffsetEntry = RestStream.Connect.Model.OffsetEntry;

namespace RestStream.Connect.Connectors;

/// <summary>The offsets of a stopped sink connector: those of its consumer group. Texts are Kafka's.</summary>
internal sealed class SinkOffsets(IBroker broker, string connector, string group, ILogger log)
{
    private const string Topic = "kafka_topic";
    private const string Partition = "kafka_partition";
    private const string Offset = "kafka_offset";

    /// <summary>Of a request: partition to next offset, null to forget it. The last of two equal partitions wins.</summary>
    /// <exception cref="ConnectRequestException">400: not of that form.</exception>
    public static IReadOnlyDictionary<TopicPartition, long?> Parse(IReadOnlyList<OffsetEntry> entries)
    {
        var offsets = new Dictionary<TopicPartition, long?>();
        foreach (var (partition, offset) in entries)
        {
            if (partition is null)
                throw ConnectRequestException.BadRequest("The partition for a sink connector offset cannot be null or missing");
            if (!partition.ContainsKey(Topic) || !partition.ContainsKey(Partition))
                throw ConnectRequestException.BadRequest($"The partition for a sink connector offset must contain the keys '{Topic}' and '{Partition}'");
            if (partition[Topic] is not { } topic)
                throw ConnectRequestException.BadRequest("Kafka topic names must be valid strings and may not be null");
            if (partition[Partition] is not { } number)
                throw ConnectRequestException.BadRequest("Kafka partitions must be valid numbers and may not be null");
            if (!int.TryParse(Text(number), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            {
                throw ConnectRequestException.BadRequest(
                    $"Failed to parse the following Kafka partition value in the provided offsets: '{Text(number)}'. Partition values for sink connectors need to be integers.");
            }

            offsets[new TopicPartition(Text(topic), index)] = ParseOffset(offset);
        }

        return offsets;
    }

    public IReadOnlyList<(TopicPartition Partition, long Offset)> Committed() =>
        [.. broker.CommittedOffsets(group).Select(c => (new TopicPartition(c.Partition.Topic, c.Partition.Partition), c.Offset))];

    public IReadOnlyList<OffsetEntry> Read() =>
        [.. Committed().Select(c => new OffsetEntry(new JsonObject { [Topic] = c.Partition.Topic, [Partition] = c.Partition.Partition }, new JsonObject { [Offset] = c.Offset }))];

    /// <summary>What the broker will refuse, before the connector changes anything outside.</summary>
    public void Check(IReadOnlyDictionary<TopicPartition, long?> offsets)
    {
        foreach (var (partition, offset) in offsets)
        {
            if (offset < 0)
                throw Refused($"Failed to modify offsets for sink connector {connector}", $"offset {offset} of {partition} is negative");
            if (offset is not null && (!broker.TryGetIntake(partition.Topic, out var intake) || partition.Partition < 0 || partition.Partition >= intake.Partitions))
                throw Refused($"Failed to alter consumer group offsets for connector {connector}", $"there is no partition {partition}");
        }
    }

    public async Task AlterAsync(IReadOnlyDictionary<TopicPartition, long?> offsets, CancellationToken cancellationToken)
    {
        var commits = offsets.Where(o => o.Value is not null).Select(o => new OffsetCommit(ToLog(o.Key), o.Value!.Value, MayGoBack: true)).ToList();
        var forgotten = offsets.Where(o => o.Value is null).Select(o => ToLog(o.Key)).ToList();
        try
        {
            if (commits.Count > 0)
                await broker.CommitOffsetsAsync(group, commits, cancellationToken);
            if (forgotten.Count > 0)
                await broker.DeleteOffsetsAsync(group, forgotten, cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.GroupIdNotFound)
        {
            // There is nothing to forget.
        }
        catch (BrokerException e) when (e.Code is ErrorCode.NonEmptyGroup or ErrorCode.GroupSubscribedToTopic)
        {
            throw Zombies("altered");
        }
        catch (BrokerException e)
        {
            throw Refused($"Failed to alter consumer group offsets for connector {connector}", e.Message);
        }
    }

    public async Task ResetAsync(CancellationToken cancellationToken)
    {
        try
        {
            await broker.DeleteGroupAsync(group, cancellationToken);
        }
        catch (BrokerException e) when (e.Code == ErrorCode.GroupIdNotFound)
        {
            // Reset already, or it never read anything.
        }
        catch (BrokerException e) when (e.Code == ErrorCode.NonEmptyGroup)
        {
            throw Zombies("reset");
        }
        catch (BrokerException e)
        {
            throw Refused($"Failed to reset consumer group offsets for sink connector {connector}", e.Message);
        }
    }

    /// <summary>Somebody still reads in the group of a connector that is stopped.</summary>
    public ConnectRequestException Zombies(string what)
    {
        var verb = what == "reset" ? "reset" : "alter";
        return Refused(
            $"Failed to {verb} consumer group offsets for connector {connector} either because its tasks haven't stopped completely yet or the connector was resumed before the request to {verb} its offsets could be "
            + "successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the "
            + "zombie sink tasks.",
            $"group {group} has members");
    }

    /// <summary>Kafka's message does not say why; the log does.</summary>
    private ConnectRequestException Refused(string message, string why)
    {
        log.OffsetsNotChanged(connector, why);
        return new ConnectRequestException(500, message);
    }

    private static long? ParseOffset(JsonObject? offset)
    {
        if (offset is null)
            return null;
        if (!offset.ContainsKey(Offset))
            throw ConnectRequestException.BadRequest($"The offset for a sink connector should either be null or contain the key '{Offset}'");
        return long.TryParse(Text(offset[Offset]), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw ConnectRequestException.BadRequest(
                $"Failed to parse the following Kafka offset value in the provided offsets: '{Text(offset[Offset])}'. Offset values for sink connectors need to be integers.");
    }

    /// <summary>Java's <c>String.valueOf</c>: text is taken for the number it spells.</summary>
    private static string Text(JsonNode? value) => value is null ? "null" : value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static LogPartition ToLog(TopicPartition partition) => new(partition.Topic, partition.Partition);
}
