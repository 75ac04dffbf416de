using RestStream.Broker.Groups.Classic;

namespace RestStream.Broker.Groups;

// The classic protocol by its requests: for the HTTP members, and for members that speak it themselves.
internal sealed partial class GroupCoordinator
{
    public async Task<JoinGroupResponse> JoinAsync(JoinGroupRequest request)
    {
        if (request.Group.Length == 0)
            return new JoinGroupResponse(ErrorCode.InvalidGroupId, request.MemberId);
        if (request.SessionTimeoutMs < Options.MinSessionTimeout.TotalMilliseconds || request.SessionTimeoutMs > Options.MaxSessionTimeout.TotalMilliseconds)
            return new JoinGroupResponse(ErrorCode.InvalidSessionTimeout, request.MemberId);

        // A member that says it has been here before makes no group; and what a group could not take of anybody makes none either.
        var known = Find(request.Group);
        if (known is null && request.MemberId.Length > 0)
            return new JoinGroupResponse(ErrorCode.UnknownMemberId, request.MemberId);
        if (known is null && (request.ProtocolType.Length == 0 || request.Protocols.Count == 0))
            return new JoinGroupResponse(ErrorCode.InconsistentGroupProtocol, "");

        var group = known ?? await FindOrAddAsync(request.Group).ConfigureAwait(false);
        var joining = group.JoinAsync(request);
        if (known is null)
            group.WriteAppearance();
        return await joining.ConfigureAwait(false);
    }

    public Task<SyncGroupResponse> SyncAsync(SyncGroupRequest request) =>
        request.Group.Length == 0 ? Task.FromResult(new SyncGroupResponse(ErrorCode.InvalidGroupId))
        : Find(request.Group) is { } group ? group.SyncAsync(request)
        : Task.FromResult(new SyncGroupResponse(ErrorCode.UnknownMemberId));

    public ErrorCode? Heartbeat(string group, string memberId, string? instanceId, int generation) =>
        group.Length == 0 ? ErrorCode.InvalidGroupId
        : Find(group) is { } known ? known.Heartbeat(memberId, instanceId, generation)
        : ErrorCode.UnknownMemberId;

    public Task<LeaveGroupResponse> LeaveAsync(string group, IReadOnlyList<LeavingMember> members) =>
        group.Length == 0 ? Task.FromResult(new LeaveGroupResponse(ErrorCode.InvalidGroupId, []))
        : Find(group) is { } known ? known.LeaveAsync(members)
        : Task.FromResult(new LeaveGroupResponse(null, [.. members.Select(m => new LeftMember(m.MemberId, m.InstanceId, ErrorCode.UnknownMemberId))]));

    /// <summary>One error per offset, in their order.</summary>
    public async Task<IReadOnlyList<ErrorCode?>> CommitAsync(OffsetCommitRequest request)
    {
        // A member of a group that is not there; anybody else makes a group without members.
        if (Find(request.Group) is null && request.Generation >= 0)
            return [.. request.Offsets.Select(_ => (ErrorCode?)ErrorCode.IllegalGeneration)];
        var group = await FindOrAddAsync(request.Group).ConfigureAwait(false);
        return await group.CommitAsync(request).ConfigureAwait(false);
    }

    /// <summary>Completes when a group that is about to end has ended, or lives on.</summary>
    public Task EndedAsync(string group) => Find(group)?.Ended ?? Task.CompletedTask;
}
