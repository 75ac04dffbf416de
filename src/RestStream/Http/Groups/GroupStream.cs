using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Settings;

namespace RestStream.Http.Groups;

/// <summary>
/// A member's partitions as server-sent events. Records are unnamed events whose id is the group's cursor behind them. The others: <c>open</c> (member and generation),
/// <c>assignment</c> (what the member owns, on every change), <c>gap</c> (records are gone; it goes on behind them), <c>end</c> (with a reason).
/// The connection is the heartbeat. What of the records counts as done is <see cref="StreamCommit"/>'s matter.
/// </summary>
internal sealed class GroupStream(HttpContext context, IBroker broker, IGroupConsumer consumer, StreamRequest request, LimitOptions limits, TimeProvider clock)
{
    /// <summary>See the field of the same name in <see cref="RecordStream"/>.</summary>
    [ThreadStatic]
    private static List<EncodedSlice>? t_slices;

    private readonly StreamOutput _output = new(context, limits, clock);
    private readonly EventWriter _events = new(context.Response.BodyWriter);
    private readonly StreamCommits _commits = new(consumer, request.Commit == StreamCommit.Auto);
    private readonly UnackedRecords _unacked = new();

    /// <summary>Without a timer and with nothing linked, it needs no disposing: <see cref="End"/> may come at any time.</summary>
    private readonly CancellationTokenSource _ended = new();
    private TaskCompletionSource _acks = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _endReason;
    private GroupFeed _feed = GroupFeed.Open(broker, consumer, GroupAssignment.None, fromLatest: false, default, clock);
    private GroupAssignment? _assignment;
    private bool _opened;

    /// <summary>The stream ended by what happened to its member, not by a cut: there is nothing to wait for.</summary>
    public bool MemberGone => _endReason is not null;

    /// <summary>Says why and closes. On any thread, at any time.</summary>
    public void End(string reason)
    {
        Interlocked.CompareExchange(ref _endReason, reason, null);
        _ = _ended.CancelAsync();
    }

    /// <summary>Ends it in favour of another stream of the member. Completes when this one commits nothing more. On any thread.</summary>
    public Task TakenOverAsync()
    {
        End("taken_over");
        return _commits.EndAsync();
    }

    /// <summary>Offsets of the member were committed by somebody else. On any thread.</summary>
    public void Acked() => Volatile.Read(ref _acks).TrySetResult();

    /// <param name="start">What the client said of where it was.</param>
    /// <param name="stopping">The server stops.</param>
    /// <exception cref="BrokerException">The group does not take this member; nothing was sent.</exception>
    public async Task RunAsync(StreamStart start, CancellationToken stopping)
    {
        using var alive = consumer.KeepAlive();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping, _ended.Token);

        // Not for long, only so that a member whom the group does not take is refused with a status.
        var ready = await TryJoinAsync(ending.Token);
        _output.AllowQuiet();
        _output.NoticeLostPeer(request.Membership.SessionTimeout);
        EventStream.SetHeaders(context.Response);
        _events.WriteStart();
        string? reason = null;
        try
        {
            if (!await FlushAsync())
                return;
            await FollowAsync(ready, start, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested || _ended.IsCancellationRequested)
        {
            reason = Volatile.Read(ref _endReason) ?? "shutdown";
        }
        catch (BrokerException refusal)
        {
            reason = ErrorResponses.From(refusal).Slug.Replace('-', '_');
            if (refusal.Code is ErrorCode.FencedInstanceId)
                End(reason);
        }
        finally
        {
            _feed.Dispose();
            await _commits.EndAsync();
        }

        if (reason is null || context.RequestAborted.IsCancellationRequested)
            return;

        // Two streams of one name would take the place from each other every two seconds.
        if (reason == "taken_over")
            context.Response.BodyWriter.Write("retry: 15000\n"u8);
        var why = $"{{\"reason\":\"{reason}\"}}";
        if (_opened)
            WriteEvent("end", why);
        else
            _events.WriteEvent("end", why);
        await _output.FlushAsync();
    }

    /// <summary>
    /// False also when the stream is ended meanwhile, by a stop of the server for one. That is no refusal: the client is told by an event, because a browser comes back after one and not
    /// after an error.
    /// </summary>
    private async ValueTask<bool> TryJoinAsync(CancellationToken ending)
    {
        try
        {
            return await consumer.ReadyAsync(request.JoinWait, ending);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Returns when the client is gone.</summary>
    private async Task FollowAsync(bool ready, StreamStart start, CancellationToken ending)
    {
        while (true)
        {
            // The second one is told before the first: a member that was removed must not join again.
            ending.ThrowIfCancellationRequested();
            _ended.Token.ThrowIfCancellationRequested();
            if (!ready || consumer.RebalanceWanted.IsCompleted)
            {
                // Before it gives up what it has: what was sent is done, as far as this stream decides that.
                await _commits.FinishAsync(_feed);
                ready = await consumer.ReadyAsync(limits.Heartbeat, ending);
                if (!ready)
                {
                    // Taken out by somebody who knows nothing of this stream.
                    if (broker.FindGroupConsumer(request.Membership.Group, request.Membership.Member) != consumer)
                        End("left");
                    _events.WriteHeartbeat();
                    if (!await FlushAsync())
                        return;
                    continue;
                }
            }

            var wrote = false;
            if (!ReferenceEquals(consumer.Assignment, _assignment))
            {
                await TakeAssignmentAsync(start);
                wrote = true;
            }

            TakeAcks();
            wrote |= TryWrite();
            if (!wrote)
            {
                var paused = Room == 0;
                switch (await GroupWait.ForAsync(paused ? WaitForAcksAsync : _feed.WaitAsync, consumer.RebalanceWanted, limits.Heartbeat, ending))
                {
                    case GroupWake.TimedOut:
                        // Whoever committed without telling, an operator for one, is noticed now.
                        Acked();
                        _events.WriteHeartbeat();
                        break;
                    default:
                        continue;
                }
            }

            if (!await FlushAsync())
                return;
        }
    }

    /// <summary>How many more records may be sent before something is acked.</summary>
    private int Room => request.Commit == StreamCommit.Ack ? (int)Math.Max(0, request.Window - _unacked.Count) : int.MaxValue;

    private async Task TakeAssignmentAsync(StreamStart start)
    {
        var assignment = consumer.Assignment;
        var first = !_opened;
        await _commits.FinishAsync(_feed);
        var before = _feed;
        _feed = GroupFeed.Open(broker, consumer, assignment, request.Membership.FromLatest, new GroupPlaces(before, null), clock);
        before.Dispose();
        _assignment = assignment;
        if (first && request.Commit == StreamCommit.None)
            _feed.GoTo(start.Done);
        foreach (var partition in _unacked.Partitions.Where(p => !_feed.Kept.Contains(p)).ToArray())
            _unacked.Drop(partition);
        if (_feed.ToCommit.Count > 0 && request.Commit != StreamCommit.None)
            await consumer.CommitAsync(_feed.ToCommit, _feed.Generation, context.RequestAborted);
        _commits.Begin(_feed);

        if (first)
        {
            var notTaken = start.Refused.Count == 0 ? "" : $",\"refused\":{JsonSerializer.Serialize([.. start.Refused.Select(RefusedJson.From)], GroupJsonContext.Default.IReadOnlyListRefusedJson)}";
            WriteEvent("open", $"{{\"member\":\"{request.Membership.Member}\",\"generation\":{assignment.Generation}{notTaken}}}");
            _opened = true;
        }

        var unknown = request.Membership.UnknownTopics(broker);
        var missing = unknown.Count == 0 ? "" : $",\"unknown_topics\":{JsonSerializer.Serialize(unknown, GroupJsonContext.Default.IReadOnlyListString)}";
        var owned = JsonSerializer.Serialize(GroupMemberJson.Grouped(_feed.Slots.ToArray()), GroupJsonContext.Default.IReadOnlyDictionaryStringInt32Array);
        WriteEvent("assignment", $"{{\"generation\":{assignment.Generation},\"assignment\":{owned}{missing}}}");
    }

    /// <summary>Looks how far the records that were sent are acked by now.</summary>
    private void TakeAcks()
    {
        if (!_acks.Task.IsCompleted)
            return;

        // First the new signal, then the look: an ack behind the look completes it.
        Volatile.Write(ref _acks, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        foreach (var partition in _unacked.Partitions.ToArray())
        {
            if (broker.CommittedOffset(request.Membership.Group, partition) is { } committed)
                _unacked.Acked(partition, committed.Offset);
        }
    }

    private async Task<bool> WaitForAcksAsync(TimeSpan maxWait, CancellationToken cancellationToken)
    {
        try
        {
            await _acks.Task.WaitAsync(maxWait, clock, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Writes what is there and may be sent, or a gap. False: nothing.</summary>
    private bool TryWrite()
    {
        var room = Room;
        if (room == 0)
            return false;
        var slices = t_slices ??= new List<EncodedSlice>();
        try
        {
            var records = _feed.Read(request.Membership.Encoder, room, RecordStream.FlushBytes, slices);
            foreach (ref readonly var slice in CollectionsMarshal.AsSpan(slices))
                Write(slice);
            _feed.Settle();
            return records > 0;
        }
        catch (BrokerException failure) when (_feed.GapOf(failure) is { } gap)
        {
            _feed.Skip(gap);
            WriteEvent("gap", JsonSerializer.Serialize(GroupGapJson.From(gap, _feed.Slots[gap.Slot]), GroupJsonContext.Default.GroupGapJson));
            return true;
        }
        catch (BrokerException gone) when (GroupFeed.IsGone(gone))
        {
            // The same assignment is taken once more, without the topics that are gone.
            _assignment = null;
            return true;
        }
        finally
        {
            slices.Clear();
        }
    }

    private void Write(in EncodedSlice slice)
    {
        var batch = slice.Batch;
        ref var next = ref _feed.Next[slice.PositionIndex];
        for (var i = slice.First; i <= slice.Last; i++)
        {
            next = batch.Offsets[i] + 1;
            var start = batch.Start(i);
            _events.WriteRecord(_feed.Cursor, _feed.Next, batch.Bytes.AsSpan(start, batch.Ends[i] - start), batch.HasLineBreaks);
        }

        if (request.Commit == StreamCommit.Ack)
            _unacked.Add(_feed.Slots[slice.PositionIndex], batch.Offsets.AsSpan(slice.First, slice.Last - slice.First + 1));
    }

    private void WriteEvent(string name, string data) => _events.WriteEvent(_feed.Cursor, _feed.Next, name, data);

    /// <summary>Commits what went out before, then sends what was written. False: the client is gone.</summary>
    private async ValueTask<bool> FlushAsync()
    {
        _commits.Start(_feed);
        if (!await _output.FlushAsync())
            return false;
        _commits.Sent(_feed);
        return true;
    }
}

/// <param name="Done">What the client says it has done; committed by now, unless nothing is.</param>
/// <param name="Refused">What of it was not taken.</param>
internal readonly record struct StreamStart(IReadOnlyList<OffsetCommit> Done, IReadOnlyList<RefusedCommit> Refused);
