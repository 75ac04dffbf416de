namespace RestStream.Connect.Model;

/// <summary>What the user wants of a connector; persisted.</summary>
internal enum TargetState
{
    Started,
    Paused,
    Stopped,
}

/// <summary>What a connector or task does; names are Kafka's, in upper case in JSON.</summary>
internal enum WorkState
{
    Unassigned,
    Running,
    Paused,
    Failed,
    Restarting,
    Stopped,
}
