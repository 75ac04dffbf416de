namespace RestStream.Connect.Errors;

/// <summary>Where a record was when it failed, by Kafka's names (org.apache.kafka.connect.runtime.errors.Stage).</summary>
internal static class Stage
{
    public const string TaskPoll = "TASK_POLL";
    public const string TaskPut = "TASK_PUT";
    public const string Transformation = "TRANSFORMATION";
    public const string KeyConverter = "KEY_CONVERTER";
    public const string ValueConverter = "VALUE_CONVERTER";
    public const string HeaderConverter = "HEADER_CONVERTER";
    public const string KafkaProduce = "KAFKA_PRODUCE";
    public const string KafkaConsume = "KAFKA_CONSUME";
}

/// <summary>A record failed at a stage and the error policy does not let it pass. In traces it has Kafka's name and text.</summary>
/// <param name="stage">See <see cref="Stage"/>.</param>
/// <param name="record">The record, <c>topic-partition@offset</c>; null when it has no place yet.</param>
/// <param name="cause">What the plugin threw.</param>
/// <param name="message">Kafka's words.</param>
internal sealed class StageException(string stage, string? record, Exception cause, string message = StageException.ToleranceExceeded) : ConnectException(message, cause)
{
    public const string ToleranceExceeded = "Tolerance exceeded in error handler";
    public const string SendFailed = "Unrecoverable exception from producer send callback";
    public const string SinkUnrecoverable = "Exiting WorkerSinkTask due to unrecoverable exception.";

    public string Stage { get; } = stage;
    public string? Record { get; } = record;

    /// <summary>Kafka throws the cause as it is, so the trace begins with that.</summary>
    public bool TracesCauseOnly { get; init; }
}
