namespace RestStream.Http.Groups;

/// <summary>What ended a wait.</summary>
internal enum GroupWake : byte
{
    /// <summary>There may be something to do.</summary>
    Woken,

    /// <summary>The time is up.</summary>
    TimedOut,

    /// <summary>The group is being rebalanced, or the membership ended.</summary>
    Rebalance,

    /// <summary>The client left, or the stream or the server ends.</summary>
    Ended,
}

/// <summary>A wait for two things at a time: for records (or acks), and for the group.</summary>
internal static class GroupWait
{
    /// <param name="wait">Waits at most that long; true when it was woken. It has ended when this returns.</param>
    /// <param name="rebalance">A member's RebalanceWanted. It lives for as long as the generation: nothing stays hanging on it.</param>
    /// <param name="atMost">The longest wait.</param>
    /// <param name="ending">Ends it.</param>
    public static async Task<GroupWake> ForAsync(Func<TimeSpan, CancellationToken, Task<bool>> wait, Task rebalance, TimeSpan atMost, CancellationToken ending)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ending);
        var woken = wait(atMost, enough.Token);
        if (await Task.WhenAny(woken, rebalance) != woken)
            await enough.CancelAsync();
        try
        {
            return await woken ? GroupWake.Woken : GroupWake.TimedOut;
        }
        catch (OperationCanceledException)
        {
            return ending.IsCancellationRequested ? GroupWake.Ended : GroupWake.Rebalance;
        }
    }
}
