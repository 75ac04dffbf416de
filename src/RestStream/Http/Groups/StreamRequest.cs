using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Errors;
using RestStream.Http.Records;
using RestStream.Settings;

namespace RestStream.Http.Groups;

/// <summary>When a stream's member has done with a record.</summary>
internal enum StreamCommit : byte
{
    /// <summary>The client says so, by <c>POST /groups/{group}/ack</c> or as it reconnects with <c>Last-Event-ID</c>.</summary>
    Ack,

    /// <summary>What was written to the connection is committed at the next batch or heartbeat.</summary>
    Auto,

    /// <summary>Never: the group's offsets stay where they are.</summary>
    None,
}

/// <summary>What a group's stream asks for, with every default and limit applied.</summary>
/// <param name="Membership">Who reads, and what.</param>
/// <param name="LastEvent">Up to where the client says it has read.</param>
/// <param name="CameBack">The client says so because it was cut off, perhaps by itself, and not because somebody wrote a cursor.</param>
/// <param name="Commit">When a record counts as done.</param>
/// <param name="Window">Records that may be sent ahead of the acks.</param>
/// <param name="RejoinGrace">How long the member keeps its partitions after a cut.</param>
/// <param name="JoinWait">How long a refusal by the group is waited for before the answer begins.</param>
internal sealed record StreamRequest(
    GroupMembership Membership, GroupCursor? LastEvent, bool CameBack, StreamCommit Commit, int Window, TimeSpan RejoinGrace, TimeSpan JoinWait)
{
    /// <summary>
    /// What the client says it has done: to be committed, or with <c>commit=none</c> to begin behind it. With <c>commit=auto</c> more may be committed than arrived, because the server
    /// counts what it wrote to a connection that was cut: then the member goes back.
    /// </summary>
    /// <param name="broker">Where the topics are.</param>
    /// <param name="refused">What does not fit the topics any more. A client that came back goes on where the group stands, because it would end for good at an error.</param>
    /// <exception cref="HttpError">409, 422: the cursor that somebody wrote does not fit the topics.</exception>
    public IReadOnlyList<OffsetCommit> Done(IBroker broker, out IReadOnlyList<RefusedCommit> refused)
    {
        refused = [];
        if (LastEvent is null)
            return [];
        var offsets = CameBack ? LastEvent.Fitting(broker, Membership.Group, out refused) : LastEvent.ToOffsets(broker, "cursor");
        return [.. offsets.Select(o => o with { MayGoBack = Commit == StreamCommit.Auto })];
    }

    /// <exception cref="HttpError">400 naming the parameter; 406; 422 for a bad name.</exception>
    public static StreamRequest Parse(string group, HttpRequest request, GroupMemberOptions options)
    {
        var query = request.Query;
        CheckAccept(request);
        var topics = ReadParameters.Text(query, "topics");
        var pattern = ReadParameters.Text(query, "topic_pattern");
        if (string.IsNullOrEmpty(topics) == string.IsNullOrEmpty(pattern))
            throw HttpError.BadParameter("topics", "Name the topics to read, as in topics=orders,bills, or a topic_pattern; one of the two.");
        var membership = new GroupMembership
        {
            Group = group,
            Member = ReadParameters.Text(query, "member") is { Length: > 0 } member ? GroupNames.Member(member) : GroupNames.MadeUpMember(),
            Topics = string.IsNullOrEmpty(topics) ? [] : ReadEndpoints.ParseTopics(topics),
            TopicPattern = string.IsNullOrEmpty(pattern) ? null : pattern,
            SessionTimeout = Milliseconds(query, "session_timeout", options.SessionTimeout),
            RebalanceTimeout = Milliseconds(query, "rebalance_timeout", options.RebalanceTimeout),
            Assignors = Assignors.Offered(OneOf(query, "assignor", Assignors.All), options.Assignor),
            FromLatest = OneOf(query, "from", ["earliest", "latest"]) == "latest",
            Encoder = RecordJson.Native(ReadParameters.Format(query, "key_format", DataFormat.Text), ReadParameters.Format(query, "value_format", DataFormat.Json)),
        };
        var (lastEvent, cameBack) = LastEventOf(request);
        return new StreamRequest(
            membership, lastEvent, cameBack,
            OneOf(query, "commit", ["ack", "auto", "none"]) switch { "auto" => StreamCommit.Auto, "none" => StreamCommit.None, _ => StreamCommit.Ack },
            ReadParameters.Count(query, "window", options.StreamWindow, 1, options.MaxStreamWindow), Milliseconds(query, "rejoin_grace", options.RejoinGrace, least: 0), options.JoinWait);
    }

    private static void CheckAccept(HttpRequest request)
    {
        var accept = request.Headers.Accept.ToString();
        if (accept.Length > 0 && !accept.Contains("*/*", StringComparison.Ordinal) && !accept.Contains("text/*", StringComparison.OrdinalIgnoreCase)
            && !accept.Contains(ReadForm.EventStreamType, StringComparison.OrdinalIgnoreCase))
        {
            throw new HttpError(406, 40600, "not-acceptable", "Not acceptable", $"This is a stream of {ReadForm.EventStreamType}. For pages use POST /groups/{{group}}/poll.")
            {
                Extra = new Dictionary<string, object?> { ["accepted_types"] = new[] { ReadForm.EventStreamType } },
            };
        }
    }

    /// <summary>As in <see cref="ReadParameters"/>: a browser that reconnects repeats its old URL, so the header comes first.</summary>
    private static (GroupCursor? Cursor, bool CameBack) LastEventOf(HttpRequest request)
    {
        foreach (var (text, name) in (ReadOnlySpan<(string?, string)>)
        [
            (request.Headers["Last-Event-ID"].ToString(), "Last-Event-ID"),
            (ReadParameters.Text(request.Query, "last_event_id"), "last_event_id"),
            (ReadParameters.Text(request.Query, "cursor"), "cursor"),
        ])
        {
            if (!string.IsNullOrEmpty(text))
                return (GroupCursor.Parse(text, name), name != "cursor");
        }

        return (null, false);
    }

    private static TimeSpan Milliseconds(IQueryCollection query, string name, TimeSpan otherwise, int least = 1) =>
        TimeSpan.FromMilliseconds(ReadParameters.Count(query, name, (int)otherwise.TotalMilliseconds, least, int.MaxValue));

    private static string? OneOf(IQueryCollection query, string name, IReadOnlyList<string> values)
    {
        var text = ReadParameters.Text(query, name);
        return text is null || values.Contains(text) ? text : throw HttpError.BadParameter(name, $"{name} is one of {string.Join(", ", values)}.");
    }
}
