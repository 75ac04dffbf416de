using RestStream.Connect.Model;

namespace RestStream.Connect.Stores;

/// <summary>A connector as the configuration topic has it. Immutable.</summary>
/// <param name="Config">As the user wrote it, secrets in clear, references unresolved, in the user's order.</param>
/// <param name="Target">What the user wants of it.</param>
/// <param name="Tasks">The configurations of its tasks, complete (those of the connector in them); empty while none were ever made, or it is stopped.</param>
/// <param name="KnownTasks">How many tasks it has or ever had at once: a task below that is one that was stopped, not one that is unknown.</param>
internal sealed record StoredConnector(
    IReadOnlyDictionary<string, string> Config, TargetState Target, IReadOnlyList<IReadOnlyDictionary<string, string>> Tasks, int KnownTasks)
{
    /// <summary>Another number each time that it is made, in this process: who knew another one missed that it was deleted.</summary>
    public long Creation { get; init; }

    /// <summary>How often it was stopped, in this process: who knew another number missed a stop, whatever is wanted by now.</summary>
    public long Stops { get; init; }
}
