using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Storage;

namespace RestStream.Http.Topics;

/// <summary>Topics, their partitions and configs. Requests that speak REST Proxy v2 get exactly its members; others get ours as well.</summary>
internal static class TopicEndpoints
{
    private static readonly string[] s_read = [HttpMethods.Get, HttpMethods.Head];
    private static readonly TopicBodyValidator s_create = new(nullConfigs: false);
    private static readonly TopicBodyValidator s_alter = new(nullConfigs: true);
    private static readonly TruncateBodyValidator s_truncate = new();

    public static void MapTopics(this IEndpointRouteBuilder routes)
    {
        var topics = routes.MapGroup("").WithTags("Topics").WithMetadata(Problem(400), Problem(404), Problem(503));

        topics.MapMethods("/topics", s_read, List).WithName("ListTopics").WithSummary("List topics")
            .WithDescription("Names in order; with detail=true a page of descriptions. Internal topics (__*, connect-*) are listed with internal=true only.")
            .Produces<IReadOnlyList<string>>().Produces<TopicPageJson>();
        topics.MapPut("/topics/{topic}", Create).WithName("CreateTopic").WithSummary("Create a topic, if it does not exist")
            .Accepts<TopicBody>(isOptional: true, "application/json", "*/*").Produces<TopicJson>().Produces<TopicJson>(201)
            .WithMetadata(Problem(403), Problem(409), Problem(413), Problem(422), Problem(507));
        topics.MapMethods("/topics/{topic}", s_read, Describe).WithName("DescribeTopic").WithSummary("Describe a topic").Produces<TopicJson>().WithMetadata(Problem(422));
        topics.MapPatch("/topics/{topic}", Alter).WithName("AlterTopic").WithSummary("Add partitions, set or reset configs")
            .Accepts<TopicBody>(isOptional: false, "application/json", "*/*").Produces<TopicJson>()
            .WithMetadata(Problem(403), Problem(413), Problem(422), Problem(507));
        topics.MapDelete("/topics/{topic}", Delete).WithName("DeleteTopic").WithSummary("Delete a topic and its records")
            .Produces(204).WithMetadata(Problem(403), Problem(422));
        topics.MapPost("/topics/{topic}/truncate", Truncate).WithName("TruncateTopic").WithSummary("Delete the records before an offset")
            .Accepts<TruncateBody>(isOptional: false, "application/json", "*/*").Produces<TruncatedJson>()
            .WithMetadata(Problem(403), Problem(413), Problem(422));

        topics.MapMethods("/topics/{topic}/partitions", s_read, Partitions).WithName("ListPartitions").WithSummary("List a topic's partitions")
            .Produces<IReadOnlyList<PartitionJson>>().WithMetadata(Problem(422));
        topics.MapMethods("/topics/{topic}/partitions/{partition}", s_read, Partition).WithName("DescribePartition").WithSummary("Describe a partition")
            .Produces<PartitionJson>().WithMetadata(Problem(422));
        topics.MapMethods("/topics/{topic}/partitions/{partition}/offsets", s_read, Offsets).WithName("GetOffsets")
            .WithSummary("First and next offset of a partition, and the offset at a time")
            .WithDescription("at: earliest, latest, RFC 3339, or epoch milliseconds. offset_at is the first record at or after that time, the end when there is none.")
            .Produces<OffsetsJson>().WithMetadata(Problem(422));
        topics.MapMethods("/topics/{topic}/partitions/{partition}/segments", s_read, Segments).WithName("ListSegments").WithSummary("List a partition's segment files")
            .Produces<IReadOnlyList<SegmentJson>>().WithMetadata(Problem(422));
        topics.MapMethods("/brokers", s_read, Brokers).WithName("ListBrokers").WithSummary("The broker numbers, as REST Proxy v2 lists them").Produces<BrokersJson>();
    }

    /// <summary>The part of it that REST Proxy v2 has, for a profile's path base.</summary>
    public static void MapV2Topics(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/topics", s_read, List);
        routes.MapMethods("/topics/{topic}", s_read, Describe);
        routes.MapMethods("/topics/{topic}/partitions", s_read, Partitions);
        routes.MapMethods("/topics/{topic}/partitions/{partition}", s_read, Partition);
        routes.MapMethods("/topics/{topic}/partitions/{partition}/offsets", s_read, Offsets);
        routes.MapMethods("/brokers", s_read, Brokers);
    }

    private static IResult List(
        HttpRequest request, IBroker broker, HttpResponse response,
        [FromQuery(Name = "detail")] string? detail, [FromQuery(Name = "page_token")] string? pageToken, [FromQuery(Name = "limit")] string? limit,
        [FromQuery(Name = "internal")] string? @internal)
    {
        var includeInternal = ReadParameters.Flag(request.Query, "internal");
        var withDetail = ReadParameters.Flag(request.Query, "detail");
        var paged = withDetail || limit is not null || pageToken is not null;
        var count = paged ? ReadParameters.Count(request.Query, "limit", PageToken.DefaultPage, 1, PageToken.LargestPage) : int.MaxValue - 1;
        var after = PageToken.Parse(pageToken);

        // One more than asked tells whether there is a next page.
        var topics = broker.ListTopics(after, count + 1, includeInternal);
        var token = topics.Count > count ? PageToken.Format(topics[count - 1].Name) : null;
        var page = topics.Take(count);
        if (withDetail)
            return Json(request, new TopicPageJson([.. page.Select(TopicSummaryJson.From)], token), TopicJsonContext.Default.TopicPageJson);

        if (token is not null)
            response.Headers.Link = $"<{request.PathBase}/topics?page_token={token}&limit={count}{(includeInternal ? "&internal=true" : "")}>; rel=\"next\"";
        return Json(request, [.. page.Select(t => t.Name)], TopicJsonContext.Default.IReadOnlyListString);
    }

    private static async Task<IResult> Create(string topic, HttpRequest request, IBroker broker, CancellationToken cancellationToken)
    {
        CheckChangeable(topic);
        var body = await JsonBody.ReadAsync(request, TopicJsonContext.Default.TopicBody, s_create, cancellationToken);
        var configs = body.ConfigTexts().ToDictionary(c => c.Key, c => c.Value!, StringComparer.Ordinal);
        try
        {
            var created = await broker.CreateTopicAsync(new TopicSpec(topic, body.Partitions, configs), cancellationToken);
            request.HttpContext.Response.Headers.Location = $"{request.PathBase}/topics/{topic}";
            return Json(request, TopicJson.From(created), TopicJsonContext.Default.TopicJson, StatusCodes.Status201Created);
        }
        catch (BrokerException exists) when (exists.Code == ErrorCode.TopicAlreadyExists)
        {
            var existing = broker.DescribeTopic(topic);
            if (Difference(existing, body.Partitions, body.Configs is null ? null : configs) is { } difference)
                throw new HttpError(409, 40904, "topic-exists", "Topic exists", $"Topic '{topic}' exists with {difference}. Change it with PATCH /topics/{topic}.");
            return Json(request, TopicJson.From(existing), TopicJsonContext.Default.TopicJson);
        }
    }

    /// <summary>What a request leaves out it does not ask to be the same.</summary>
    private static string? Difference(TopicDescription existing, int? partitions, Dictionary<string, string>? configs)
    {
        if (partitions is not null && partitions != existing.Partitions.Count)
            return $"{existing.Partitions.Count} partitions, not {partitions}";
        if (configs is null)
            return null;
        var different = configs.Keys.Union(existing.OverriddenConfigs.Keys, StringComparer.Ordinal)
            .Where(key => !configs.TryGetValue(key, out var wanted) || !existing.OverriddenConfigs.TryGetValue(key, out var set) || wanted.Trim() != set.Trim())
            .Order(StringComparer.Ordinal).ToList();
        return different.Count == 0 ? null : $"another value of {string.Join(", ", different)}";
    }

    private static IResult Describe(string topic, HttpRequest request, IBroker broker)
    {
        var description = broker.DescribeTopic(Named(topic));
        return Dialect.IsV2(request)
            ? Json(request, V2TopicJson.From(description), TopicJsonContext.Default.V2TopicJson)
            : Json(request, TopicJson.From(description), TopicJsonContext.Default.TopicJson);
    }

    private static async Task<IResult> Alter(string topic, HttpRequest request, IBroker broker, CancellationToken cancellationToken)
    {
        CheckChangeable(topic);
        var body = await JsonBody.ReadAsync(request, TopicJsonContext.Default.TopicBody, s_alter, cancellationToken);
        var altered = await broker.AlterTopicAsync(topic, new TopicChange(body.Partitions, body.ConfigTexts()), cancellationToken);
        return Json(request, TopicJson.From(altered), TopicJsonContext.Default.TopicJson);
    }

    private static async Task<IResult> Delete(string topic, IBroker broker, CancellationToken cancellationToken)
    {
        CheckChangeable(topic);
        await broker.DeleteTopicAsync(topic, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> Truncate(string topic, HttpRequest request, IBroker broker, CancellationToken cancellationToken)
    {
        CheckChangeable(topic);
        var body = await JsonBody.ReadAsync(request, TopicJsonContext.Default.TruncateBody, s_truncate, cancellationToken);
        var before = new Dictionary<int, long>();
        foreach (var (key, value) in body.Before!)
        {
            if (TruncateBodyValidator.TryPartition(key, out var partition) && TruncateBodyValidator.TryOffset(value, out var offset))
                before[partition] = offset;
        }

        try
        {
            var starts = await broker.TruncateAsync(topic, before, cancellationToken);
            return Json(
                request, new TruncatedJson(starts.OrderBy(s => s.Key).ToDictionary(s => s.Key.ToString(CultureInfo.InvariantCulture), s => s.Value)),
                TopicJsonContext.Default.TruncatedJson);
        }
        catch (BrokerException beyond) when (beyond.Code == ErrorCode.OffsetOutOfRange)
        {
            throw HttpError.Invalid($"before.{beyond.Partition?.Partition}", beyond.Message);
        }
    }

    private static IResult Partitions(string topic, HttpRequest request, IBroker broker)
    {
        var partitions = broker.DescribeTopic(Named(topic)).Partitions;
        return Dialect.IsV2(request)
            ? Json(request, [.. partitions.Select(V2PartitionJson.From)], TopicJsonContext.Default.IReadOnlyListV2PartitionJson)
            : Json(request, [.. partitions.Select(PartitionJson.From)], TopicJsonContext.Default.IReadOnlyListPartitionJson);
    }

    private static IResult Partition(string topic, string partition, HttpRequest request, IBroker broker)
    {
        var description = Find(broker, topic, partition);
        return Dialect.IsV2(request)
            ? Json(request, V2PartitionJson.From(description), TopicJsonContext.Default.V2PartitionJson)
            : Json(request, PartitionJson.From(description), TopicJsonContext.Default.PartitionJson);
    }

    private static IResult Offsets(
        string topic, string partition, HttpRequest request, IBroker broker, TimeProvider clock, [FromQuery(Name = "at")] string? at)
    {
        var found = Find(broker, topic, partition);
        long? offsetAt = null;
        if (ReadParameters.Text(request.Query, "at") is { } text)
        {
            // Here a bare number is a time: an offset of an offset would say nothing.
            var place = ReadPlace.TryNumber(text, out var time) ? new ReadPlace(ReadPlaceKind.Time, time) : ReadPlace.Parse(text, "at", clock.GetUtcNow());
            offsetAt = place.Kind switch
            {
                ReadPlaceKind.Earliest => found.LogStartOffset,
                ReadPlaceKind.Latest => found.HighWatermark,
                ReadPlaceKind.Time => broker.FindOffset(new TopicPartition(topic, found.Partition), place.Number)?.Offset ?? found.HighWatermark,
                _ => throw HttpError.BadParameter("at", "at is earliest, latest, a time such as 2026-01-31T12:00:00Z, or epoch milliseconds."),
            };
        }

        return Json(request, new OffsetsJson(found.LogStartOffset, found.HighWatermark, offsetAt), TopicJsonContext.Default.OffsetsJson);
    }

    private static IResult Segments(string topic, string partition, HttpRequest request, IBroker broker)
    {
        var found = Find(broker, topic, partition);
        var segments = broker.DescribeSegments(new TopicPartition(topic, found.Partition));
        return Json(
            request,
            [
                .. segments.Select(s => new SegmentJson(
                    s.BaseOffset, s.EndOffset, s.Bytes, s.Records, s.FirstTimestamp, s.LargestTimestamp, s.OffsetIndexBytes, s.TimeIndexBytes,
                    s.Active ? "active" : "sealed")),
            ],
            TopicJsonContext.Default.IReadOnlyListSegmentJson);
    }

    private static IResult Brokers(HttpRequest request) => Json(request, new BrokersJson([ReplicaJson.BrokerId]), TopicJsonContext.Default.BrokersJson);

    private static IResult Json<T>(HttpRequest request, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(value, type, Dialect.AnswerType(request), status);

    private static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);

    private static string Named(string topic) => TopicNames.FindProblem(topic) is { } problem ? throw HttpError.Invalid("topic", problem) : topic;

    /// <summary>Topics whose name begins with two underscores are the server's own.</summary>
    private static void CheckChangeable(string topic)
    {
        if (Named(topic).StartsWith("__", StringComparison.Ordinal))
            throw new HttpError(403, 40301, "internal-topic", "Internal topic", "Topics whose name begins with __ are the server's own. Choose another name.");
    }

    private static PartitionDescription Find(IBroker broker, string topic, string partition)
    {
        var description = broker.DescribeTopic(Named(topic));
        if (!int.TryParse(partition, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw HttpError.BadParameter("partition", "The partition in the path is a whole number.");
        return number >= 0 && number < description.Partitions.Count
            ? description.Partitions[number]
            : throw BrokerException.UnknownPartition(new TopicPartition(topic, number), description.Partitions.Count);
    }
}
