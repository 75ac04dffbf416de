namespace RestStream.Storage.Cleaning;

/// <summary>
/// What there is to compact in one partition: records from <paramref name="FirstDirtyOffset"/> up to <paramref name="FirstUncleanableOffset"/> (exclusive) decide which older ones go.
/// <paramref name="LagExceeded"/>: a dirty segment begins with a record older than <c>max.compaction.lag.ms</c>.
/// </summary>
public sealed record CleaningPlan(PartitionLog Log, long FirstDirtyOffset, long FirstUncleanableOffset, long CleanBytes, long CleanableBytes, bool LagExceeded)
{
    /// <summary>Part of the bytes that can be cleaned and were not yet, from 0 to 1.</summary>
    public double DirtyRatio => CleanBytes + CleanableBytes == 0 ? 0 : (double)CleanableBytes / (CleanBytes + CleanableBytes);

    /// <summary>Whether a pass should be made, by the topic's configs.</summary>
    public bool IsDue => CleanableBytes > 0 && (LagExceeded || DirtyRatio > Log.Config.MinCleanableDirtyRatio);
}

/// <summary>What one pass did. <paramref name="Interrupted"/>: retention took segments away meanwhile; what was not reached waits for the next pass.</summary>
public sealed record CleaningResult(
    long CleanedTo, long BytesRead, long BytesWritten, long RecordsRead, long RecordsKept, int SegmentsBefore, int SegmentsAfter, bool Interrupted);
