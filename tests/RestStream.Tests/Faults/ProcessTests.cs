namespace RestStream.Tests.Faults;

/// <summary>Tests that start server processes and load them: one at a time, and not beside others that would take their processor.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class ProcessTests
{
    public const string Name = "Server processes";

    /// <summary>Of this run; RESTSTREAM_SEED repeats one. Random positions and payloads come from it, the timing of a real process does not.</summary>
    internal static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("RESTSTREAM_SEED"), out var seed) ? seed : Random.Shared.Next(1, 1_000_000);

    /// <summary>A small journal that is flushed and recycled all the time, so that a short run goes through all of its life.</summary>
    internal static string[] BusyJournal { get; } =
    [
        "--RestStream:Broker:JournalFileBytes=1048576", "--RestStream:Broker:JournalMaxBytes=4194304", "--RestStream:Broker:SegmentFlushInterval=00:00:00.2",
    ];

    /// <summary>The same without the worker of Connect, for tests that start the server often and have no connectors.</summary>
    internal static string[] LogAlone { get; } = [.. BusyJournal, "--RestStream:Connect:Enabled=false"];
}
