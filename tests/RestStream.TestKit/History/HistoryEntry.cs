using System.Text.Json.Serialization;

namespace RestStream.TestKit.History;

/// <summary>What a client did.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Operation>))]
public enum Operation
{
    Send,
    Poll,
}

/// <summary>How it ended, as far as the client can know.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Outcome>))]
public enum Outcome
{
    /// <summary>The server said yes: this must hold for ever.</summary>
    Ok,

    /// <summary>The server said no: nothing may have happened.</summary>
    Fail,

    /// <summary>No answer (timeout, cut connection, 5xx that leaves it open): may have happened, once, as a whole per partition.</summary>
    Info,
}

/// <summary>
/// One record in an operation. <paramref name="Id"/> is unique among all sends (<c>process-counter</c>); <paramref name="Hash"/> covers key, value, headers and timestamp.
/// <paramref name="Partition"/> and <paramref name="Offset"/> are -1 in a send that was not acknowledged (and in one where the server chose, for the partition).
/// </summary>
public readonly record struct HistoryRecord(string Topic, int Partition, long Offset, string Id, ulong Hash);

/// <summary>Where a reader began, or where the server said that the partition ended. <paramref name="Offset"/> is the next offset.</summary>
public readonly record struct HistoryPosition(string Topic, int Partition, long Offset);

/// <summary>
/// One operation of one process, from <paramref name="Start"/> to <paramref name="End"/> (nanoseconds of one monotonic clock). A process does one thing at a time;
/// a reader that starts over (a gap, a reset, another position) goes on as a new process.
/// </summary>
public sealed record HistoryEntry(long Start, long End, string Process, Operation Operation, Outcome Outcome, IReadOnlyList<HistoryRecord> Records)
{
    /// <summary>Polls: the positions that were asked for, where they are known.</summary>
    public IReadOnlyList<HistoryPosition> From { get; init; } = [];

    /// <summary>Polls: partitions that the server called read to their end, with that end.</summary>
    public IReadOnlyList<HistoryPosition> AtEnd { get; init; } = [];

    /// <summary>A poll of the full read after everything: what is not in one of these is lost.</summary>
    public bool Final { get; init; }
}
