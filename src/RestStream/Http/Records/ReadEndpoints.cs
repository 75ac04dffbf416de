using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Http.Compat;
using RestStream.Http.Errors;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>Reading without a session: a page, lines, server-sent events or a v2 array, from any place, of one partition, a topic or several topics.</summary>
internal static class ReadEndpoints
{
    private const string Description =
        "Answers by Accept: application/json (a page: records, cursor, end), application/x-ndjson (follows with live=true), text/event-stream (always follows), "
        + "application/vnd.kafka.{json,binary,text}.v2+json (an array). "
        + "`from`: earliest, latest, an offset of a single partition, RFC 3339, t=<epoch ms>, -10m (s, m, h, d), -100 (the last records of each partition). "
        + "`cursor` (of an earlier answer) wins over `from`. "
        + "`timeout` (ms) waits until `min_bytes` are there. `until`: an offset, a time or latest. `on_gap=earliest` goes on behind what is deleted or damaged.";

    public static void MapRecords(this IEndpointRouteBuilder routes)
    {
        var streams = routes.ServiceProvider.GetRequiredService<StreamGate>();
        var group = routes.MapGroup("").WithTags("Records")
            .WithMetadata(
                Problem(StatusCodes.Status400BadRequest), Problem(StatusCodes.Status404NotFound), Problem(StatusCodes.Status406NotAcceptable),
                Problem(StatusCodes.Status409Conflict), Problem(StatusCodes.Status410Gone), Problem(StatusCodes.Status416RangeNotSatisfiable),
                Problem(StatusCodes.Status500InternalServerError), Problem(StatusCodes.Status503ServiceUnavailable));

        Describe(
            group.MapGet("/topics/{topic}/records", (string topic, [AsParameters] ReadQuery _, HttpContext context) =>
                Read(context, streams, new ReadTarget([Named(topic)], null, InCursor: false))),
            "ReadTopic", "Read a topic's records");
        Describe(
            group.MapGet("/topics/{topic}/partitions/{partition}/records", (string topic, string partition, [AsParameters] ReadQuery _, HttpContext context) =>
                Read(context, streams, new ReadTarget([Named(topic)], Number(topic, partition), InCursor: false))),
            "ReadPartition", "Read a partition's records");
        Describe(
            group.MapGet("/records", ([FromQuery] string? topics, [AsParameters] ReadQuery _, HttpContext context) =>
                Read(context, streams, new ReadTarget(ParseTopics(topics), null, InCursor: true))),
            "ReadTopics", "Read the records of several topics");
        group.MapLatestRecord();
    }

    /// <summary>The stateless read of one partition that Redpanda's proxy has, for a profile's path base.</summary>
    public static void MapV2Records(this IEndpointRouteBuilder routes)
    {
        var streams = routes.ServiceProvider.GetRequiredService<StreamGate>();
        routes.MapGet("/topics/{topic}/partitions/{partition}/records", (string topic, string partition, HttpContext context) =>
        {
            var profile = Profile.Of(context);
            foreach (var name in (ReadOnlySpan<string>)["offset", "timeout", "max_bytes"])
            {
                if (profile.Consumers.FetchNamesAll && !context.Request.Query.ContainsKey(name))
                    throw profile.Refuse(Fault.MissingMember, $"'{name}' is missing: a read names offset, timeout and max_bytes.", new FieldError(name, "Missing."));
            }

            return Read(context, streams, new ReadTarget([Named(topic)], Number(topic, partition), InCursor: false));
        });
    }

    /// <summary>
    /// Whether the answer will follow the log. Such an answer must not pass a middleware that wraps its body, compression for one: it would be held back,
    /// and every parked stream would hold the wrapper's buffers.
    /// </summary>
    public static bool IsStream(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains(ReadForm.EventStreamType, StringComparison.OrdinalIgnoreCase)
        || (request.Query.ContainsKey("live") && EndsWith(request, "/records")) || EndsWith(request, "/stream");

    private static bool EndsWith(HttpRequest request, string segment) => request.Path.Value?.EndsWith(segment, StringComparison.OrdinalIgnoreCase) == true;

    private static void Describe(RouteHandlerBuilder endpoint, string name, string summary) =>
        endpoint.WithName(name).WithSummary(summary).WithDescription(Description)
            .WithMetadata(
                new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(RecordPageBody), ["application/json"]),
                new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), [ReadForm.NdJsonType, ReadForm.EventStreamType]));

    private static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);

    private static Task Read(HttpContext context, StreamGate streams, ReadTarget target)
    {
        var services = context.RequestServices;
        var broker = services.GetRequiredService<IBroker>();
        var clock = services.GetRequiredService<TimeProvider>();
        var limits = services.GetRequiredService<IOptions<LimitOptions>>().Value;
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

        var parameters = ReadParameters.Parse(context.Request, limits, clock);
        if (!parameters.Live)
            return ReadPage(context, broker, target, parameters, clock, stopping);
        if (streams.TryEnter())
            return Follow(context, broker, streams, target, parameters, limits, clock, stopping);
        return parameters.Form.Framing == ReadFraming.EventStream ? EventStream.SendBusyAsync(context.Response) : throw TooManyStreams();
    }

    private static async Task ReadPage(
        HttpContext context, IBroker broker, ReadTarget target, ReadParameters parameters, TimeProvider clock, CancellationToken stopping)
    {
        using var feed = RecordFeed.Open(broker, target, parameters);
        Check(feed, parameters, beyondEnd: parameters.Timeout == TimeSpan.Zero);
        var page = new RecordPage(feed, parameters, clock);
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            await page.GatherAsync(ending.Token);
        }
        catch (BrokerException failure) when (failure.Code == ErrorCode.TopicRecreated)
        {
            feed.Restart();
            throw ReadErrors.Recreated(feed);
        }

        await page.WriteAsync(context.Response);
    }

    private static async Task Follow(
        HttpContext context, IBroker broker, StreamGate streams, ReadTarget target, ReadParameters parameters, LimitOptions limits, TimeProvider clock,
        CancellationToken stopping)
    {
        try
        {
            using var feed = RecordFeed.Open(broker, target, parameters);
            RecordStream stream;
            if (parameters.Form.Framing == ReadFraming.EventStream)
            {
                EventStream.SetHeaders(context.Response);
                stream = new EventStream(context, feed, limits, clock);
            }
            else
            {
                // Lines cannot tell of a gap without ending, so it is told before they begin.
                Check(feed, parameters, beyondEnd: true);
                LineStream.SetHeaders(context.Response);
                stream = new LineStream(context, feed, parameters, limits, clock);
            }

            await stream.RunAsync(stopping);
        }
        finally
        {
            streams.Leave();
        }
    }

    /// <summary>Refuses what can be known to fail before reading, or skips it where the client allows.</summary>
    private static void Check(RecordFeed feed, ReadParameters parameters, bool beyondEnd)
    {
        if (feed.Recreated)
            throw ReadErrors.Recreated(feed);
        while (feed.FindGap() is { } gap && (beyondEnd || gap.Kind != GapKind.BeyondEnd))
        {
            if (!parameters.SkipGaps)
                throw ReadErrors.From(gap, feed);
            feed.Skip(gap);
        }
    }

    public static string Named(string topic) => Broker.Topics.TopicNames.FindProblem(topic) is { } problem ? throw HttpError.Invalid("topic", problem) : topic;

    public static List<string> ParseTopics(string? text)
    {
        var topics = new List<string>();
        foreach (var name in (text ?? "").Split(','))
        {
            if (name.Length == 0)
                throw HttpError.BadParameter("topics", "topics is a list of different topic names, such as orders,bills.");
            if (topics.Contains(Named(name)) || topics.Count == Cursor.MaxItems)
                throw HttpError.BadParameter("topics", "topics is a list of different topic names, such as orders,bills.");
            topics.Add(name);
        }

        return topics;
    }

    public static int Number(string topic, string partition) =>
        int.TryParse(partition, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number >= 0 ? number : throw new HttpError(404, 40402, "partition-not-found", "Partition not found", $"Topic '{topic}' has no partition {number}.")
            : throw HttpError.BadParameter("partition", "The partition in the path is a whole number.");

    private static HttpError TooManyStreams() =>
        new(503, 50304, "too-many-streams", "Too many streams", "The server has as many open streams as it allows (RestStream:Limits:MaxStreams). Come back later.")
        {
            RetryAfter = 15,
        };
}

/// <summary>The query of a read, for the OpenAPI document; <see cref="ReadParameters"/> reads it.</summary>
internal sealed class ReadQuery
{
    [FromQuery(Name = "from")]
    public string? From { get; init; }

    [FromQuery(Name = "cursor")]
    public string? Cursor { get; init; }

    [FromQuery(Name = "partitions")]
    public string? Partitions { get; init; }

    [FromQuery(Name = "max_records")]
    public string? MaxRecords { get; init; }

    [FromQuery(Name = "max_bytes")]
    public string? MaxBytes { get; init; }

    [FromQuery(Name = "timeout")]
    public string? Timeout { get; init; }

    [FromQuery(Name = "min_bytes")]
    public string? MinBytes { get; init; }

    [FromQuery(Name = "until")]
    public string? Until { get; init; }

    [FromQuery(Name = "key_format")]
    public string? KeyFormat { get; init; }

    [FromQuery(Name = "value_format")]
    public string? ValueFormat { get; init; }

    [FromQuery(Name = "on_gap")]
    public string? OnGap { get; init; }

    [FromQuery(Name = "live")]
    public string? Live { get; init; }
}

/// <summary>A page, for the OpenAPI document.</summary>
internal sealed record RecordPageBody(IReadOnlyList<RecordBody> Records, string Cursor, bool End);

/// <summary>A record as it is read, for the OpenAPI document.</summary>
internal sealed record RecordBody(
    string Topic, int Partition, long Offset, long Timestamp, string? Key, object? Value, IReadOnlyList<HeaderBody>? Headers);

/// <summary>A header of a record, for the OpenAPI document.</summary>
internal sealed record HeaderBody(string Key, string? Value);
