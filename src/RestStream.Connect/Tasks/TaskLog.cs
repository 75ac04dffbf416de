using Microsoft.Extensions.Logging;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tasks;

/// <summary>What tasks log. Ids are fixed: 3200-3299.</summary>
internal static partial class TaskLog
{
    [LoggerMessage(3200, LogLevel.Information, "Task {Task} of {Connector} is {State}")]
    public static partial void TaskState(this ILogger logger, string connector, int task, WorkState state);

    [LoggerMessage(3201, LogLevel.Error, "Task {Task} of {Connector} failed: {Trace}")]
    public static partial void TaskFailed(this ILogger logger, string connector, int task, string trace);

    [LoggerMessage(3202, LogLevel.Warning, "Task {Task} of {Connector} threw while it was being stopped: {Trace}")]
    public static partial void FailedWhileStopping(this ILogger logger, string connector, int task, string trace);

    [LoggerMessage(3203, LogLevel.Error, "Task {Task} of {Connector} did not end within {Graceful} and is left behind; what it still does is dropped")]
    public static partial void TaskAbandoned(this ILogger logger, string connector, int task, TimeSpan graceful);

    [LoggerMessage(3204, LogLevel.Warning, "Task {Task} of {Connector} tries again in {Delay}: {Message}")]
    public static partial void TryingAgain(this ILogger logger, string connector, int task, TimeSpan delay, string message);

    [LoggerMessage(3205, LogLevel.Error, "Error encountered in task {Connector}-{Task}. Executing stage '{Stage}' with class '{Class}'{Record}: {Message}")]
    public static partial void RecordFailed(this ILogger logger, string connector, int task, string stage, string? @class, string record, string message);

    [LoggerMessage(3206, LogLevel.Warning, "Task {Task} of {Connector} waits for topic {Topic}: it does not exist and may not be made (topic.creation.*, RestStream:Connect:AutoCreateTopics)")]
    public static partial void WaitsForTopic(this ILogger logger, string connector, int task, string topic);

    [LoggerMessage(3207, LogLevel.Warning, "Task {Task} of {Connector} could not commit and goes back to the last committed offsets: {Message}")]
    public static partial void CommitFailed(this ILogger logger, string connector, int task, string message);

    [LoggerMessage(3208, LogLevel.Warning, "Task {Task} of {Connector} said offset {Offset} of {Partition} is safe, which {Problem}; it is not committed")]
    public static partial void OffsetIgnored(this ILogger logger, string connector, int task, long offset, string partition, string problem);

    [LoggerMessage(3209, LogLevel.Warning, "Task {Task} of {Connector} goes on at offset {Offset} of {Partition}: {Problem}")]
    public static partial void GapPassed(this ILogger logger, string connector, int task, long offset, string partition, string problem);

    [LoggerMessage(3210, LogLevel.Warning, "Task {Task} of {Connector}: a transaction has more than {Bytes} bytes and is written in parts, each with its offsets")]
    public static partial void TransactionSplit(this ILogger logger, string connector, int task, long bytes);

    [LoggerMessage(3211, LogLevel.Debug, "{Message}")]
    public static partial void TaskDebug(this ILogger logger, Exception? error, string message);

    [LoggerMessage(3212, LogLevel.Information, "{Message}")]
    public static partial void TaskInfo(this ILogger logger, Exception? error, string message);

    [LoggerMessage(3213, LogLevel.Warning, "{Message}")]
    public static partial void TaskWarning(this ILogger logger, Exception? error, string message);

    [LoggerMessage(3214, LogLevel.Error, "{Message}")]
    public static partial void TaskError(this ILogger logger, Exception? error, string message);

    [LoggerMessage(3215, LogLevel.Warning, "Task {Task} of {Connector} threw in what it had registered on its cancellation token: {Trace}")]
    public static partial void ThrewOnCancellation(this ILogger logger, string connector, int task, string trace);
}
