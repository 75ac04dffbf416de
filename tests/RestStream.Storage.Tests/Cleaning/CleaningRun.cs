using RestStream.Storage.Cleaning;

namespace RestStream.Storage.Tests.Cleaning;

/// <summary>A pass over a log that stands alone, as <see cref="LogDirectory"/> makes it.</summary>
internal static class CleaningRun
{
    public const long PlentyOfMemory = 1024 * 1024;

    /// <summary>Makes a pass when one is due and returns how far the log is clean then; null when none is due.</summary>
    public static long? Clean(PartitionLog log, long nowMs, out CleaningPlan plan, long offsetMapBytes = PlentyOfMemory)
    {
        plan = log.PlanCleaning(nowMs)!;
        Assert.NotNull(plan);
        if (!plan.IsDue)
            return null;
        log.Flush();
        log.FirstDirtyOffset = plan.FirstDirtyOffset;
        return log.FirstDirtyOffset = new LogCleaner(log, plan, offsetMapBytes, _ => { }, nowMs, default).Run().CleanedTo;
    }
}
