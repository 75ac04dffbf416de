namespace RestStream.Connect;

/// <summary>What went wrong in a connector, a task, a converter or a transform. As such, and as any exception that is not named here: the task fails and the restart policy decides.</summary>
public class ConnectException : Exception
{
    /// <summary>With a message that says what was wrong, where, and what to do.</summary>
    public ConnectException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The operation may succeed if tried again unchanged: the worker waits and hands out the same batch, or polls, again.</summary>
public class RetriableException : ConnectException
{
    /// <summary>With what stands in the way.</summary>
    public RetriableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>How long to wait at least, where the other side said so (Retry-After); null: the worker's back-off.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>One record is at fault, not the system it goes to: with <c>errors.tolerance=all</c> it goes to the dead letter queue and the rest is delivered.</summary>
public class RecordException : ConnectException
{
    /// <summary>
    /// With the record that cannot be delivered. A sink is handed the others of the batch again without it. Of a source it is a <see cref="SourceRecord"/> with what could be read of it and its own offset, see
    /// <see cref="SourceTask.PollAsync"/>.
    /// </summary>
    public RecordException(ConnectRecord record, string message, Exception? inner = null)
        : base(message, inner) => Record = record;

    /// <summary>The record at fault.</summary>
    public ConnectRecord Record { get; }
}

/// <summary>Trying again, or starting again, cannot help: the task fails and stays so until its configuration changes or somebody restarts it.</summary>
public class FatalException : ConnectException
{
    /// <summary>With what has to be changed.</summary>
    public FatalException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
