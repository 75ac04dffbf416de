using System.Buffers;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Settings;

namespace RestStream.Http.Groups;

/// <summary>What a poll asks for, with every default and limit applied.</summary>
internal sealed record PollRequest(GroupMembership Membership, GroupCursor? Ack, int MaxRecords, int MaxBytes, int MinBytes, TimeSpan Timeout, TimeSpan JoinWait)
{
    public static PollRequest From(string group, PollBody body, LimitOptions limits, GroupMemberOptions options)
    {
        var timeout = TimeSpan.FromMilliseconds(Math.Min(body.Timeout ?? 0, limits.MaxWait.TotalMilliseconds));
        var membership = new GroupMembership
        {
            Group = group,
            Member = body.Member ?? GroupNames.MadeUpMember(),
            Topics = body.Topics ?? [],
            TopicPattern = body.TopicPattern,
            SessionTimeout = body.SessionTimeout is { } session ? TimeSpan.FromMilliseconds(session) : options.SessionTimeout,
            RebalanceTimeout = body.RebalanceTimeout is { } rebalance ? TimeSpan.FromMilliseconds(rebalance) : options.RebalanceTimeout,
            Assignors = Assignors.Offered(body.Assignor, options.Assignor),
            FromLatest = body.From == "latest",
            Encoder = RecordJson.Native(Format(body.KeyFormat, DataFormat.Text), Format(body.ValueFormat, DataFormat.Json)),
        };
        return new PollRequest(
            membership, string.IsNullOrEmpty(body.Ack) ? null : GroupCursor.Parse(body.Ack, "ack"),
            Math.Min(body.MaxRecords ?? limits.DefaultPageRecords, limits.MaxPageRecords), Math.Min(body.MaxBytes ?? limits.DefaultPageBytes, limits.MaxPageBytes),
            body.MinBytes ?? 1, timeout, timeout > options.JoinWait ? timeout : options.JoinWait);
    }

    private static DataFormat Format(string? text, DataFormat otherwise) => text switch
    {
        "json" => DataFormat.Json,
        "text" => DataFormat.Text,
        "base64" => DataFormat.Base64,
        _ => otherwise,
    };
}

/// <summary>
/// One poll of a member: acks what the member did, takes its place in the group, and answers records from the committed offsets on. Nothing of it is remembered:
/// a poll that is repeated because its answer was lost gives the same records again.
/// </summary>
internal sealed class GroupPoll(IBroker broker, IGroupConsumer consumer, PollRequest poll, TimeProvider clock)
{
    private readonly List<EncodedSlice> _slices = [];
    private readonly List<EncodedSlice> _read = [];
    private readonly List<GroupGapJson> _gaps = [];
    private int _records;
    private long _bytes;

    /// <param name="response">Takes the answer.</param>
    /// <param name="ending">The client left or the server stops: what is there is answered.</param>
    /// <exception cref="HttpError">The ack was refused; nothing was read.</exception>
    /// <exception cref="BrokerException">The group does not take this member.</exception>
    public async Task RunAsync(HttpResponse response, CancellationToken ending)
    {
        var started = clock.GetTimestamp();
        var aborted = response.HttpContext.RequestAborted;
        using var alive = consumer.KeepAlive();

        // Whether it is taken is decided here; what follows does not wait for the disk. Nothing is answered before it is durable.
        var ack = poll.Ack is { } cursor ? GroupAck.CommitAsync(broker, consumer, cursor, "ack", aborted) : Task.FromResult<IReadOnlyList<RefusedCommit>>([]);
        if (ack.IsCompleted || consumer.RebalanceWanted.IsCompleted)
            ThrowIfRefused(await ack);

        GroupFeed? feed = null;
        try
        {
            var wait = poll.JoinWait;
            while (IsMember() && await ReadyAsync(wait, ending))
            {
                feed?.Dispose();
                feed = GroupFeed.Open(broker, consumer, consumer.Assignment, poll.Membership.FromLatest, new GroupPlaces(null, poll.Ack), clock);
                if (feed.ToCommit.Count > 0)
                    await consumer.CommitAsync(feed.ToCommit, feed.Generation, aborted);
                if (await GatherAsync(feed, ack, started, ending))
                {
                    await WriteAsync(response, feed);
                    return;
                }

                // The group is being rebalanced, or a topic went away: what the member owns then is read, in the time that is left.
                Forget();
                wait = Left(started);
            }

            ThrowIfRefused(await ack);

            // Its place depends on others, who did not come back in time. What it had does not belong to it now.
            feed?.Dispose();
            feed = GroupFeed.Open(broker, consumer, new GroupAssignment(consumer.Assignment.Generation, []), fromLatest: false, default, clock);
            await WriteAsync(response, feed);
        }
        finally
        {
            feed?.Dispose();
        }
    }

    private static void ThrowIfRefused(IReadOnlyList<RefusedCommit> refused)
    {
        if (refused.Count > 0)
            throw GroupAck.Refusal(refused);
    }

    private TimeSpan Left(long started) => poll.Timeout - clock.GetElapsedTime(started) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    /// <summary>Somebody may have taken the member out of the group while this poll waited; it must not come back by itself.</summary>
    private bool IsMember() => broker.FindGroupConsumer(poll.Membership.Group, poll.Membership.Member) == consumer;

    private async ValueTask<bool> ReadyAsync(TimeSpan wait, CancellationToken ending)
    {
        try
        {
            return await consumer.ReadyAsync(wait, ending);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Reads until there is enough or the time is up. False: the assignment is no longer the right one, begin again.</summary>
    private async Task<bool> GatherAsync(GroupFeed feed, Task<IReadOnlyList<RefusedCommit>> ack, long started, CancellationToken ending)
    {
        var enough = Math.Max(1, Math.Min(poll.MinBytes, poll.MaxBytes));
        while (true)
        {
            var isWhole = TryRead(feed);
            ThrowIfRefused(await ack);
            if (!isWhole)
                return false;
            if (_bytes >= enough || _records >= poll.MaxRecords || !feed.AtEnd)
                return true;
            var left = Left(started);
            if (left == TimeSpan.Zero)
                return true;
            switch (await GroupWait.ForAsync(feed.WaitAsync, consumer.RebalanceWanted, left, ending))
            {
                // Records that were gathered are answered first; the next poll takes part in the rebalance.
                case GroupWake.Rebalance when _records == 0:
                    return false;
                case GroupWake.Woken:
                    continue;
                default:
                    return true;
            }
        }
    }

    /// <summary>Takes what is there; gaps are noted and passed over. False: a topic is gone.</summary>
    private bool TryRead(GroupFeed feed)
    {
        while (true)
        {
            try
            {
                _records += feed.Read(poll.Membership.Encoder, poll.MaxRecords - _records, (int)(poll.MaxBytes - _bytes), _read);
                feed.Settle();
                _slices.AddRange(_read);
                foreach (var slice in _read)
                    _bytes += slice.Batch.Ends[slice.Last] - slice.Batch.Start(slice.First);
                return true;
            }
            catch (BrokerException failure) when (feed.GapOf(failure) is { } gap)
            {
                // What was gathered is an answer; the next poll comes upon the gap again.
                if (_records > 0)
                    return true;
                _gaps.Add(GroupGapJson.From(gap, feed.Slots[gap.Slot]));
                feed.Skip(gap);
            }
            catch (BrokerException gone) when (GroupFeed.IsGone(gone))
            {
                return false;
            }
        }
    }

    private void Forget()
    {
        _slices.Clear();
        _gaps.Clear();
        (_records, _bytes) = (0, 0);
    }

    private async Task WriteAsync(HttpResponse response, GroupFeed feed)
    {
        using var head = new PooledBytes();
        using var tail = new PooledBytes();
        WriteHead(head, feed);
        WriteTail(tail, feed);
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = head.Length + _bytes + Math.Max(0, _records - 1) + tail.Length;
        var writer = response.BodyWriter;
        writer.Write(head.Span);
        if (!await RecordPage.WriteRecordsAsync(writer, _slices, asLines: false))
            return;
        writer.Write(tail.Span);
        await writer.FlushAsync(CancellationToken.None);
    }

    /// <summary>Everything up to the first record.</summary>
    private void WriteHead(PooledBytes into, GroupFeed feed)
    {
        using var json = new Utf8JsonWriter(into, ErrorBody.WriterOptions);
        json.WriteStartObject();
        json.WriteString("member"u8, poll.Membership.Member);
        json.WriteNumber("generation"u8, Math.Max(0, feed.Generation));
        json.WriteStartObject("assignment"u8);
        var slots = feed.Slots;
        for (var slot = 0; slot < slots.Length; slot++)
        {
            if (slot == 0 || slots[slot].Topic != slots[slot - 1].Topic)
            {
                if (slot > 0)
                    json.WriteEndArray();
                json.WriteStartArray(slots[slot].Topic);
            }

            json.WriteNumberValue(slots[slot].Partition);
        }

        if (slots.Length > 0)
            json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartArray("records"u8);
        json.Flush();
    }

    /// <summary>Everything behind the last record.</summary>
    private void WriteTail(PooledBytes into, GroupFeed feed)
    {
        into.Append("],\"cursor\":\""u8);
        into.Advance(feed.Cursor.Write(into.GetSpan(feed.Cursor.MaxBytes), feed.Next));
        into.Append("\""u8);
        if (_gaps.Count > 0)
        {
            into.Append(",\"gaps\":"u8);
            into.Append(JsonSerializer.SerializeToUtf8Bytes(_gaps, GroupJsonContext.Default.IReadOnlyListGroupGapJson));
        }

        if (poll.Membership.UnknownTopics(broker) is { Count: > 0 } unknown)
        {
            into.Append(",\"unknown_topics\":"u8);
            into.Append(JsonSerializer.SerializeToUtf8Bytes(unknown, GroupJsonContext.Default.IReadOnlyListString));
        }

        into.Append("}"u8);
    }
}
