using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Http.Errors;

namespace RestStream.Http.Groups;

/// <summary>A cursor that comes back is the ack of everything before it: it is committed. What another member owned since is refused.</summary>
internal static class GroupAck
{
    /// <summary>Durable when it returns.</summary>
    /// <returns>What was refused; the other offsets are stored.</returns>
    /// <exception cref="HttpError">409, 422: the cursor does not fit the topics; nothing is stored.</exception>
    public static async Task<IReadOnlyList<RefusedCommit>> CommitAsync(
        IBroker broker, IGroupConsumer consumer, GroupCursor cursor, string parameter, CancellationToken cancellationToken)
    {
        var offsets = cursor.ToOffsets(broker, parameter);
        return offsets.Count == 0 ? [] : await consumer.CommitAsync(offsets, cursor.Generation, cancellationToken);
    }

    /// <summary>For a client that has to know: 409 with the partitions that were refused.</summary>
    public static HttpError Refusal(IReadOnlyList<RefusedCommit> refused) =>
        new(409, 40906, "stale-generation", "Stale generation",
            refused.All(r => r.Reason is ErrorCode.UnknownMemberId)
                ? "The member is not in the group any more: it was silent for longer than its session_timeout, or was taken out. Nothing was stored, and another member may have worked on its "
                    + "partitions. Poll without ack to go on where the group stands, and with a longer session_timeout if the work takes that long."
                : $"{refused.Count} of the acked partitions were not this member's all the time since the records were handed out; what it acked of them was not stored, and another member "
                    + "may have worked on them. Poll without ack to go on where the group stands.")
        {
            Extra = new Dictionary<string, object?> { ["refused"] = refused.Select(RefusedJson.From).ToArray() },
        };
}
