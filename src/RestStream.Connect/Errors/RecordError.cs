using System.Globalization;
using System.Text;
using RestStream.Connect.Model;
using RestStream.Storage.Records;

namespace RestStream.Connect.Errors;

/// <summary>A record that failed, where, and why: what the log line, the trace and the headers of the dead letter queue tell.</summary>
/// <param name="Task">Whose.</param>
/// <param name="Stage">See <see cref="Errors.Stage"/>.</param>
/// <param name="ClassName">The plugin at work there; null when there is none.</param>
/// <param name="Topic">The topic it came from, or of a source the one it goes to.</param>
/// <param name="Partition">The partition it came from; null of a source.</param>
/// <param name="Offset">Its offset there; null of a source.</param>
/// <param name="Timestamp">Of the record.</param>
/// <param name="Error">What was thrown.</param>
/// <param name="Message">Its message, secrets masked.</param>
/// <param name="Trace">See <see cref="ErrorTrace.Of"/>, secrets masked.</param>
internal sealed record RecordError(TaskId Task, string Stage, string? ClassName, string Topic, int? Partition, long? Offset, long? Timestamp, Exception Error, string Message, string Trace)
{
    /// <summary>What headers of an error begin with.</summary>
    public const string HeaderPrefix = "__connect.errors.";

    private const string TraceHeader = "exception.stacktrace";

    private const string Dropped = "value.dropped";

    public const string TopicHeader = HeaderPrefix + "topic";

    /// <summary>The record's value was too large for the dead letter topic and is not there; this is how many bytes it had. Not one of Kafka's.</summary>
    public const string DroppedHeader = HeaderPrefix + Dropped;

    /// <summary><c>topic-partition@offset</c>; of a source the topic alone.</summary>
    public string Place => Offset is null ? Topic : string.Create(CultureInfo.InvariantCulture, $"{Topic}-{Partition}@{Offset}");

    /// <summary>For the log, when <c>errors.log.include.messages</c> asks for it; Kafka's words.</summary>
    public string LogText => string.Create(
        CultureInfo.InvariantCulture, $", where consumed record is {{topic='{Topic}', partition={Partition?.ToString(CultureInfo.InvariantCulture) ?? "null"}, offset={Offset?.ToString(CultureInfo.InvariantCulture) ?? "null"}, timestamp={Timestamp}}}");

    /// <summary>The headers in Kafka's order, all text. Those that a source's record does not have are left out.</summary>
    /// <param name="context">Whether they are wanted at all (<c>errors.deadletterqueue.context.headers.enable</c>).</param>
    /// <param name="droppedBytes">Of a value that was left out; told in any case. Null: none was.</param>
    /// <param name="room">Bytes that the topic has left for them; when they are more, the trace is left out.</param>
    public (byte[] Encoded, int Count) EncodeHeaders(bool context, int? droppedBytes, int room)
    {
        using var bytes = new MemoryStream();
        var count = 0;
        if (droppedBytes is { } size)
            Add(Dropped, size.ToString(CultureInfo.InvariantCulture));
        if (!context)
            return (bytes.ToArray(), count);
        Add("topic", Topic);
        if (Partition is { } partition && Offset is { } offset)
        {
            Add("partition", partition.ToString(CultureInfo.InvariantCulture));
            Add("offset", offset.ToString(CultureInfo.InvariantCulture));
        }

        Add("connector.name", Task.Connector);
        Add("task.id", Task.Task.ToString(CultureInfo.InvariantCulture));
        Add("stage", Stage);
        Add("class.name", ClassName);
        Add("exception.class.name", ErrorTrace.ClassName(Error));
        Add("exception.message", Message);
        if (bytes.Length + TraceHeader.Length + Trace.Length + (2 * VarInt.MaxBytes) <= room)
            Add(TraceHeader, Trace);
        return (bytes.ToArray(), count);

        void Add(string name, string? value)
        {
            var key = Encoding.UTF8.GetBytes(HeaderPrefix + name);
            var text = value is null ? [] : Encoding.UTF8.GetBytes(value);
            var header = new byte[HeaderEncoder.MaxBytes(key.Length, text.Length)];
            bytes.Write(header, 0, HeaderEncoder.Write(header, key, value is null, text));
            count++;
        }
    }
}
