using System.Globalization;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Storage;

namespace RestStream.Http.Consumers;

/// <summary>Committed offsets and positions of REST Proxy v2.</summary>
internal sealed class OffsetHandlers(ConsumerInstances instances, IServiceProvider services)
{
    public async Task CommitAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        using var call = await InstanceHandlers.EnterAsync(context, instances);
        var instance = call.Instance;
        var body = await V2Body.ReadAsync(context, profile, optional: true);
        body.Only(body.Root, "", "offsets");
        if (body.Objects("offsets") is { } items)
        {
            // What the number means is the business of the product whose client made the instance.
            var next = instance.Profile.Consumers.CommitNamesLastRecord ? 1 : 0;
            var offsets = new List<OffsetCommit>();
            foreach (var (item, path) in items)
            {
                body.Only(item, path, profile.Consumers.TakesMetadata ? ["topic", "partition", "offset", "metadata"] : ["topic", "partition", "offset"]);
                var partition = body.Partition(item, path);
                var offset = body.Number(item, path, "offset", long.MaxValue - 1, required: true);
                offsets.Add(new OffsetCommit(partition, (offset ?? 0) + next, body.Text(item, path, "metadata") ?? "", MayGoBack: true));
            }

            body.ThrowIfWrong();
            if (offsets.Count > 0)
                await instance.CommitAsync(offsets);
        }
        else
        {
            body.ThrowIfWrong();
            await instance.CommitAllAsync();
        }

        if (profile.Consumers.CommitAnswersList)
            await JsonAnswer.SendAsync(context, StatusCodes.Status200OK, "[]"u8.ToArray());
        else
            context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>What is committed of these partitions: in the body, as the family has it, or in the query, which every client can send with a GET.</summary>
    public async Task GetCommittedAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        profile.CheckAccept(context.Request);
        using var call = await InstanceHandlers.EnterAsync(context, instances);
        var asked = context.Request.Query["partition"];
        var partitions = asked.Count > 0
            ? [.. asked.Select(text => ParsePartition(text, profile))]
            : InstanceHandlers.Partitions(await V2Body.ReadAsync(context, profile, optional: false));
        var broker = services.GetRequiredService<IBroker>();
        await JsonAnswer.SendAsync(context, json =>
        {
            json.WriteStartArray("offsets"u8);
            foreach (var partition in partitions)
            {
                if (broker.CommittedOffset(call.Instance.Group, partition) is not { } committed)
                    continue;
                json.WriteStartObject();
                json.WriteString("topic"u8, partition.Topic);
                json.WriteNumber("partition"u8, partition.Partition);
                json.WriteNumber("offset"u8, committed.Offset);
                json.WriteString("metadata"u8, committed.Metadata);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public async Task SeekAsync(HttpContext context)
    {
        var profile = Profile.Of(context);
        using var call = await InstanceHandlers.EnterAsync(context, instances);
        var body = await V2Body.ReadAsync(context, profile, optional: false);
        body.Only(body.Root, "", "offsets", "timestamps");
        var places = new List<SeekPlace>();
        foreach (var (item, path) in body.Objects("offsets", required: !V2Body.Has(body.Root, "timestamps")) ?? [])
        {
            body.Only(item, path, "topic", "partition", "offset", "metadata");
            var offset = body.Number(item, path, "offset", long.MaxValue - 1, required: true);
            places.Add(new SeekPlace(body.Partition(item, path), SeekTo.Offset, offset ?? 0));
        }

        foreach (var (item, path) in body.Objects("timestamps") ?? [])
        {
            body.Only(item, path, "topic", "partition", "timestamp", "metadata");
            places.Add(new SeekPlace(body.Partition(item, path), SeekTo.Time, Time(body, item, path)));
        }

        body.ThrowIfWrong();
        await call.Instance.SeekAsync(places);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public Task SeekToBeginningAsync(HttpContext context) => SeekAsync(context, SeekTo.Beginning);

    public Task SeekToEndAsync(HttpContext context) => SeekAsync(context, SeekTo.End);

    private async Task SeekAsync(HttpContext context, SeekTo to)
    {
        using var call = await InstanceHandlers.EnterAsync(context, instances);
        var partitions = InstanceHandlers.Partitions(await V2Body.ReadAsync(context, Profile.Of(context), optional: false));
        await call.Instance.SeekAsync([.. partitions.Select(p => new SeekPlace(p, to))]);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>ISO 8601 as Confluent's proxy has it, or epoch ms.</summary>
    private static long Time(V2Body body, JsonElement item, string path)
    {
        if (item.TryGetProperty("timestamp", out var value) && value.ValueKind == JsonValueKind.Number)
            return body.Number(item, path, "timestamp", DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()) ?? 0;
        if (body.Text(item, path, "timestamp", required: true) is not { } text)
            return 0;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return time.ToUnixTimeMilliseconds();
        body.Note(Fault.BadValue, $"{path}.timestamp", "A time is ISO 8601, such as 2026-09-21T12:00:00Z, or epoch milliseconds.");
        return 0;
    }

    /// <summary><c>orders:0</c>.</summary>
    private static TopicPartition ParsePartition(string? text, Profile profile)
    {
        var colon = text?.LastIndexOf(':') ?? -1;
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new TopicPartition(text![..colon], number)
            : throw profile.Refuse(Fault.BadParameter, "partition is a topic and a number, such as partition=orders:0.", new FieldError("partition", "Not topic:number."));
    }
}
