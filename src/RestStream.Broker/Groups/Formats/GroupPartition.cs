namespace RestStream.Broker.Groups.Formats;

/// <summary>Which partition of <c>__consumer_offsets</c> keeps a group.</summary>
internal static class GroupPartition
{
    /// <summary>|Java's <c>String.hashCode</c>| modulo the partition count. Fixed for good: a group whose partition changes loses its offsets.</summary>
    public static int Of(string group, int partitions)
    {
        var hash = 0;
        foreach (var character in group)
            hash = (31 * hash) + character;

        // Kafka's Utils.abs: the one int without a positive counterpart counts as 0.
        return hash == int.MinValue ? 0 : Math.Abs(hash) % partitions;
    }
}
