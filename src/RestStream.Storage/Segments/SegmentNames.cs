using System.Globalization;

namespace RestStream.Storage.Segments;

/// <summary>Kafka's file names: twenty digits of the base offset and a suffix.</summary>
internal static class SegmentNames
{
    public const string LogSuffix = ".log", IndexSuffix = ".index", TimeIndexSuffix = ".timeindex", TransactionIndexSuffix = ".txnindex", SnapshotSuffix = ".snapshot";
    public const string DeletedSuffix = ".deleted", CleanedSuffix = ".cleaned", SwapSuffix = ".swap";

    /// <summary>The files that go with a <c>.log</c> when it is renamed or deleted; the snapshot of its base offset is one of them.</summary>
    public static readonly string[] Companions = [IndexSuffix, TimeIndexSuffix, TransactionIndexSuffix, SnapshotSuffix];

    public static string File(long baseOffset, string suffix) => baseOffset.ToString("D20", CultureInfo.InvariantCulture) + suffix;

    /// <summary>The offset in a name such as <c>00000000000000000042.log</c>.</summary>
    public static bool TryParse(string name, string suffix, out long baseOffset)
    {
        baseOffset = 0;
        return name.Length == 20 + suffix.Length
            && name.EndsWith(suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out baseOffset);
    }
}
