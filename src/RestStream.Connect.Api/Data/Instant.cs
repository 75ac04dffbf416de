namespace RestStream.Connect.Data;

/// <summary>
/// A point in time as Connect has it (java.util.Date): milliseconds since 1970-01-01T00:00:00Z, of any size. The value of the logical types Date, Time and Timestamp alike.
/// </summary>
/// <param name="EpochMilliseconds">Milliseconds since 1970-01-01T00:00:00Z; negative before.</param>
public readonly record struct Instant(long EpochMilliseconds) : IComparable<Instant>
{
    /// <summary>The millisecond that holds the time.</summary>
    public static implicit operator Instant(DateTimeOffset time) => new(time.ToUnixTimeMilliseconds());

    /// <exception cref="ArgumentOutOfRangeException">Before the year 1 or after 9999.</exception>
    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.FromUnixTimeMilliseconds(EpochMilliseconds);

    /// <inheritdoc/>
    public int CompareTo(Instant other) => EpochMilliseconds.CompareTo(other.EpochMilliseconds);
}
