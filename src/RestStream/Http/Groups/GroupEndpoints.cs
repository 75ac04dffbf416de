using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Http.Topics;
using RestStream.Settings;
using RestStream.Storage;

namespace RestStream.Http.Groups;

/// <summary>
/// Consumer groups without instances: a member is a name, a poll acks what the one before gave. Also what operators need: state, lag, offsets.
/// </summary>
internal static class GroupEndpoints
{
    private static readonly string[] s_read = [HttpMethods.Get, HttpMethods.Head];
    private static readonly PollBodyValidator s_poll = new();
    private static readonly AckBodyValidator s_ack = new();
    private static readonly ResetBodyValidator s_reset = new();

    public static void MapGroups(this IEndpointRouteBuilder routes)
    {
        var groups = routes.MapGroup("/groups").WithTags("Groups").WithMetadata(Problem(400), Problem(503));
        groups.MapMethods("", s_read, List).WithName("ListGroups").WithSummary("List consumer groups").Produces<GroupPageJson>();

        var group = groups.MapGroup("/{group}").WithMetadata(Problem(422));
        group.MapPost("/poll", Poll).WithName("PollGroup").WithSummary("Read records as a member of a group, and ack those of the poll before")
            .WithDescription(
                "The position moves only by `ack`, the cursor of an earlier answer: a poll that is repeated because its answer was lost gives the same records again. "
                + "The member keeps its partitions for `session_timeout` after its last call. 409: some partitions of the ack went to another member since (`refused` names them), "
                + "or a topic was made again; poll without it. `gaps` names records that are gone. `unknown_topics` names topics that do not exist (yet).")
            .Accepts<PollBody>(isOptional: false, "application/json", "*/*").Produces<PollAnswer>().WithMetadata(Problem(409), Problem(413), Problem(507));
        group.MapGet("/stream", Stream).WithName("StreamGroup").WithSummary("Follow a group's records as server-sent events")
            .WithDescription(
                "Events: `open`, `assignment` on every change, records without a name, `gap`, `end`. An event's id is the cursor to ack with POST /groups/{group}/ack; "
                + "a reconnect's Last-Event-ID is an ack too (with `commit=auto` the member goes back to it when more was sent), and `refused` in `open` names what of it was not taken. "
                + "After a cut the member keeps its partitions for `rejoin_grace`.")
            .WithMetadata(
                new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), [ReadForm.EventStreamType]), Problem(406), Problem(409), Problem(507));
        group.MapPost("/ack", Ack).WithName("AckGroup").WithSummary("Ack records of a poll or a stream")
            .Accepts<AckBody>(isOptional: false, "application/json", "*/*").Produces<AckedJson>().WithMetadata(Problem(404), Problem(409), Problem(413), Problem(507));
        group.MapDelete("/members/{member}", Leave).WithName("LeaveGroup").WithSummary("Take a member out of its group now").Produces(204).WithMetadata(Problem(404));

        group.MapMethods("", s_read, Describe).WithName("DescribeGroup").WithSummary("A group's state, members and assignment").Produces<GroupJson>().WithMetadata(Problem(404));
        group.MapDelete("", Delete).WithName("DeleteGroup").WithSummary("Delete a group and its offsets").Produces(204).WithMetadata(Problem(404), Problem(409), Problem(507));
        group.MapMethods("/lag", s_read, Lag).WithName("GetGroupLag").WithSummary("How far a group is behind, per partition").Produces<LagJson>().WithMetadata(Problem(404));
        group.MapMethods("/offsets", s_read, Offsets).WithName("GetGroupOffsets").WithSummary("A group's committed offsets").Produces<CommittedOffsetsJson>().WithMetadata(Problem(404));
        group.MapPut("/offsets", Reset).WithName("ResetGroupOffsets").WithSummary("Put a group's offsets to another place, or show what that would do")
            .WithDescription("`to`: earliest, latest, RFC 3339, t=<epoch ms>, -10m, -100, or a cursor such as orders/0:45. Refused while the group has members.")
            .Accepts<ResetBody>(isOptional: false, "application/json", "*/*").Produces<IReadOnlyList<ResetOffsetJson>>()
            .WithMetadata(Problem(404), Problem(409), Problem(413), Problem(507));
        group.MapDelete("/offsets", Forget).WithName("DeleteGroupOffsets").WithSummary("Forget a group's offsets, of all topics, one topic or one partition")
            .Produces(204).WithMetadata(Problem(404), Problem(409), Problem(507));
    }

    private static async Task Poll(
        string group, HttpContext context, IBroker broker, TimeProvider clock, GroupStreams streams, IOptions<LimitOptions> limits, IOptions<GroupMemberOptions> options,
        IHostApplicationLifetime lifetime)
    {
        GroupNames.Group(group);
        var body = await JsonBody.ReadAsync(context.Request, GroupJsonContext.Default.PollBody, s_poll, context.RequestAborted);
        var poll = PollRequest.From(group, body, limits.Value, options.Value);
        var consumer = poll.Membership.Join(broker, context);
        streams.Returned(group, poll.Membership.Member);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        await new GroupPoll(broker, consumer, poll, clock).RunAsync(context.Response, ending.Token);
    }

    private static async Task Stream(
        string group, HttpContext context, IBroker broker, TimeProvider clock, GroupStreams streams, StreamGate gate, IOptions<LimitOptions> limits,
        IOptions<GroupMemberOptions> options, IHostApplicationLifetime lifetime)
    {
        var request = StreamRequest.Parse(GroupNames.Group(group), context.Request, options.Value);
        if (!gate.TryEnter())
        {
            await EventStream.SendBusyAsync(context.Response);
            return;
        }

        try
        {
            var member = request.Membership.Member;
            var consumer = request.Membership.Join(broker, context);
            var done = request.Done(broker, out var unfit);
            var stream = new GroupStream(context, broker, consumer, request, limits.Value, clock);
            try
            {
                await streams.EnterAsync(group, member, stream);
                if (request.Commit != StreamCommit.None && done.Count > 0)
                    unfit = [.. unfit, .. await consumer.CommitAsync(done, request.LastEvent!.Generation, context.RequestAborted)];
                await stream.RunAsync(new StreamStart(done, unfit), lifetime.ApplicationStopping);
            }
            finally
            {
                if (stream.MemberGone || lifetime.ApplicationStopping.IsCancellationRequested)
                    streams.Leave(group, member, stream);
                else
                    streams.Cut(group, member, stream, consumer, request.RejoinGrace);
            }
        }
        finally
        {
            gate.Leave();
        }
    }

    private static async Task<IResult> Ack(string group, HttpContext context, IBroker broker, GroupStreams streams)
    {
        GroupNames.Group(group);
        var body = await JsonBody.ReadAsync(context.Request, GroupJsonContext.Default.AckBody, s_ack, context.RequestAborted);
        var member = GroupNames.Member(body.Member!);
        var cursor = GroupCursor.Parse(body.Cursor!, "cursor");
        var consumer = Find(broker, group, member);
        var refused = await GroupAck.CommitAsync(broker, consumer, cursor, "cursor", context.RequestAborted);
        streams.Returned(group, member);
        streams.Acked(group, member);
        if (refused.Count > 0)
            throw GroupAck.Refusal(refused);
        return Json(new AckedJson(CommittedText(broker, group, consumer, cursor)), GroupJsonContext.Default.AckedJson);
    }

    /// <summary>What stands committed of the partitions of an ack, as a cursor.</summary>
    private static string CommittedText(IBroker broker, string group, IGroupConsumer consumer, GroupCursor cursor)
    {
        var next = cursor.Items.Select(i => broker.CommittedOffset(group, new TopicPartition(i.Topic!, i.Partition))?.Offset ?? i.Offset).ToArray();
        var topics = cursor.Items.Select(i => i.Topic!).Distinct().Select(t => broker.DescribeTopic(t).TopicId).ToArray();
        return new CursorWriter(GroupCursor.Head(consumer.Assignment.Generation, topics), [.. cursor.Items.Select(i => (i.Topic, i.Partition))]).ToText(next);
    }

    private static async Task<IResult> Leave(string group, string member, IBroker broker, GroupStreams streams)
    {
        var consumer = Find(broker, GroupNames.Group(group), GroupNames.Member(member));
        streams.End(group, member, "left");
        await consumer.LeaveAsync();
        return TypedResults.NoContent();
    }

    private static IResult List(HttpRequest request, IBroker broker, [FromQuery(Name = "page_token")] string? pageToken, [FromQuery(Name = "limit")] string? limit)
    {
        var count = ReadParameters.Count(request.Query, "limit", PageToken.DefaultPage, 1, PageToken.LargestPage);

        // One more than asked tells whether there is a next page.
        var groups = broker.ListGroups(PageToken.ParseAny(pageToken), count + 1);
        var token = groups.Count > count ? PageToken.Format(groups[count - 1].Group) : null;
        return Json(new GroupPageJson([.. groups.Take(count).Select(GroupSummaryJson.From)], token), GroupJsonContext.Default.GroupPageJson);
    }

    private static IResult Describe(string group, IBroker broker) => Json(GroupJson.From(broker.DescribeGroup(GroupNames.Known(group, broker))), GroupJsonContext.Default.GroupJson);

    private static async Task<IResult> Delete(string group, IBroker broker, CancellationToken cancellationToken)
    {
        await broker.DeleteGroupAsync(GroupNames.Known(group, broker), cancellationToken);
        return TypedResults.NoContent();
    }

    private static IResult Lag(string group, IBroker broker, TimeProvider clock) =>
        Json(GroupLag.Of(broker, GroupNames.Known(group, broker), clock.GetUtcNow()), GroupJsonContext.Default.LagJson);

    private static IResult Offsets(string group, IBroker broker)
    {
        group = GroupNames.Known(group, broker);
        var offsets = broker.CommittedOffsets(group);
        if (offsets.Count == 0)
            broker.DescribeGroup(group);
        return Json(new CommittedOffsetsJson([.. offsets.Select(CommittedOffsetJson.From)]), GroupJsonContext.Default.CommittedOffsetsJson);
    }

    private static async Task<IResult> Reset(string group, HttpContext context, IBroker broker, TimeProvider clock)
    {
        group = GroupNames.Known(group, broker);
        var body = await JsonBody.ReadAsync(context.Request, GroupJsonContext.Default.ResetBody, s_reset, context.RequestAborted);
        return Json(await OffsetReset.RunAsync(broker, group, body, clock.GetUtcNow(), context.RequestAborted), GroupJsonContext.Default.IReadOnlyListResetOffsetJson);
    }

    private static async Task<IResult> Forget(
        string group, IBroker broker, CancellationToken cancellationToken, [FromQuery(Name = "topic")] string? topic = null, [FromQuery(Name = "partition")] string? partition = null)
    {
        group = GroupNames.Known(group, broker);
        var offsets = broker.CommittedOffsets(group);
        if (offsets.Count == 0)
            broker.DescribeGroup(group);
        int? number = partition is null ? null
            : topic is null ? throw HttpError.BadParameter("partition", "A partition belongs to a topic: add topic=orders.")
            : int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed
            : throw HttpError.BadParameter("partition", "partition is a whole number.");
        TopicPartition[] forgotten = [.. offsets.Select(o => o.Partition).Where(p => (topic is null || p.Topic == topic) && (number is null || p.Partition == number))];
        if (forgotten.Length > 0)
            await broker.DeleteOffsetsAsync(group, forgotten, cancellationToken);
        return TypedResults.NoContent();
    }

    private static IGroupConsumer Find(IBroker broker, string group, string member) =>
        broker.FindGroupConsumer(group, member)
        ?? throw new BrokerException(ErrorCode.UnknownMemberId, $"Group '{group}' has no member '{member}'. A member joins with POST /groups/{group}/poll.");

    private static IResult Json<T>(T value, JsonTypeInfo<T> type) => TypedResults.Json(value, type, "application/json");

    private static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);
}

/// <summary>The answer of a poll, for the OpenAPI document; <see cref="GroupPoll"/> writes it.</summary>
internal sealed record PollAnswer(
    string Member, int Generation, IReadOnlyDictionary<string, int[]> Assignment, IReadOnlyList<RecordBody> Records, string Cursor, IReadOnlyList<GroupGapJson>? Gaps,
    [property: JsonPropertyName("unknown_topics")] IReadOnlyList<string>? UnknownTopics);
