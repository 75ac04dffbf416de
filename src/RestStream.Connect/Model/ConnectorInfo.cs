using System.Text.Json.Nodes;

namespace RestStream.Connect.Model;

/// <summary>Kafka's ConnectorInfo. <paramref name="Type"/>: source, sink or unknown. Configurations are masked.</summary>
internal sealed record ConnectorInfo(string Name, IReadOnlyDictionary<string, string> Config, IReadOnlyList<TaskId> Tasks, string Type);

/// <summary>A task by connector and number.</summary>
internal sealed record TaskId(string Connector, int Task);

/// <summary>Kafka's TaskInfo: configuration of the task, masked, references as written.</summary>
internal sealed record TaskInfo(TaskId Id, IReadOnlyDictionary<string, string> Config);

/// <summary>Kafka's ConnectorStateInfo and what we add.</summary>
internal sealed record ConnectorStatus(string Name, StateInfo Connector, IReadOnlyList<TaskStateInfo> Tasks, string Type);

/// <summary>State of a connector. <paramref name="Version"/> is always shown, null while the plugin could not be loaded or started; <paramref name="Trace"/> only when there is one.</summary>
internal sealed record StateInfo(string State, string WorkerId, string? Version, string? Trace, StatusDetails? Details);

/// <summary>State of a task.</summary>
internal sealed record TaskStateInfo(int Id, string State, string WorkerId, string? Version, string? Trace, StatusDetails? Details);

/// <summary>What Kafka's status does not have. Times are ISO 8601; rates are per second over the last minute.</summary>
internal sealed record StatusDetails
{
    public StatusError? Error { get; init; }
    public string? NextRestart { get; init; }
    public int RestartCount { get; init; }
    public double? RecordsPerSecond { get; init; }
    public double? BytesPerSecond { get; init; }

    /// <summary>Records that a sink has not written yet.</summary>
    public long? Lag { get; init; }
    public string? LastProgress { get; init; }

    /// <summary>RUNNING, but nothing moved for a long time although there is something to do.</summary>
    public bool? Stalled { get; init; }

    /// <summary>What the task, or the worker about it, warned of last since it was started.</summary>
    public StatusWarning? LastWarning { get; init; }
}

/// <summary>The error of a task or connector in parts. <paramref name="Stage"/> is Kafka's (TASK_PUT, VALUE_CONVERTER, ..); <paramref name="Record"/> is <c>topic-partition@offset</c>.</summary>
internal sealed record StatusError(string Code, string? Stage, string Message, string? Hint, string? Record);

/// <summary>A line of the log at level warning or error.</summary>
internal sealed record StatusWarning(string At, string Message);

/// <summary>One entry of <c>/offsets</c>: source partition and offset, or kafka_topic, kafka_partition and kafka_offset. JSON objects; a null offset resets.</summary>
internal sealed record OffsetEntry(JsonObject? Partition, JsonObject? Offset);

/// <summary>Kafka's ConfigInfos and, in <see cref="Warnings"/>, ours.</summary>
internal sealed record ConfigInfos(string Name, int ErrorCount, IReadOnlyList<string> Groups, IReadOnlyList<ConfigInfo> Configs, IReadOnlyList<ConfigWarning> Warnings);

internal sealed record ConfigInfo(ConfigKeyInfo? Definition, ConfigValueInfo Value);

/// <summary>Kafka's ConfigKeyInfo.</summary>
internal sealed record ConfigKeyInfo(
    string Name, string Type, bool Required, string? DefaultValue, string Importance, string Documentation, string? Group, string Width, string DisplayName, IReadOnlyList<string> Dependents, int OrderInGroup);

/// <summary>Kafka's ConfigValueInfo.</summary>
internal sealed record ConfigValueInfo(string Name, string? Value, IReadOnlyList<string?> RecommendedValues, IReadOnlyList<string> Errors, bool Visible);

/// <summary>A key that nobody reads, or that does nothing here: what it is and what may be meant.</summary>
internal sealed record ConfigWarning(string Name, string Message);
