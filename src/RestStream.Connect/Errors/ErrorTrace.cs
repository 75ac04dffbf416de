using System.Reflection;
using System.Text;
using RestStream.Connect.Config;
using RestStream.Connect.Data;

namespace RestStream.Connect.Errors;

/// <summary>
/// Exceptions as Kafka's status shows them: class name and message, then the causes behind "Caused by:". Types of ours that Kafka has too are named as there, so that tools which look for a class name find it.
/// Stack frames are shown of errors that are nobody's answer to a known problem: there they are what a plugin's author needs.
/// </summary>
internal static class ErrorTrace
{
    /// <summary>Ends with a newline.</summary>
    public static string Of(Exception error)
    {
        var text = new StringBuilder();
        for (var e = error; e is not null; e = e.InnerException)
        {
            if (e != error)
                text.Append("Caused by: ");
            text.Append(ClassName(e));
            if (e.Message.Length > 0)
                text.Append(": ").Append(e.Message);
            text.Append('\n');
            if (e is not (ConnectException or Broker.BrokerException))
                AppendFrames(text, e);
        }

        return text.ToString();
    }

    /// <summary>Kafka's name of the class where it has one.</summary>
    public static string ClassName(Exception error) => error switch
    {
        SchemaBuilderException => "org.apache.kafka.connect.errors.SchemaBuilderException",
        DataException => "org.apache.kafka.connect.errors.DataException",
        ConfigException => "org.apache.kafka.common.config.ConfigException",
        RetriableException => "org.apache.kafka.connect.errors.RetriableException",
        StageException => "org.apache.kafka.connect.errors.ConnectException",
        Broker.BrokerException { Code: Broker.ErrorCode.MessageTooLarge or Broker.ErrorCode.RecordListTooLarge } => "org.apache.kafka.common.errors.RecordTooLargeException",
        Broker.BrokerException { Code: Broker.ErrorCode.UnknownTopicOrPartition } => "org.apache.kafka.common.errors.UnknownTopicOrPartitionException",
        Broker.BrokerException { Code: Broker.ErrorCode.InvalidTopic } => "org.apache.kafka.common.errors.InvalidTopicException",
        Broker.BrokerException { Code: Broker.ErrorCode.KafkaStorageError } => "org.apache.kafka.common.errors.KafkaStorageException",
        Broker.BrokerException { Code: Broker.ErrorCode.InvalidRecord } => "org.apache.kafka.common.InvalidRecordException",
        Broker.BrokerException { Code: Broker.ErrorCode.InvalidTimestamp } => "org.apache.kafka.common.errors.InvalidTimestampException",
        Broker.BrokerException => "org.apache.kafka.common.KafkaException",
        _ when error.GetType() == typeof(ConnectException) => "org.apache.kafka.connect.errors.ConnectException",
        _ => error.GetType().FullName ?? error.GetType().Name,
    };

    /// <summary>The name under which a plugin class is listed.</summary>
    public static string PluginName(Type type) => type.GetCustomAttribute<PluginAttribute>()?.Name ?? type.FullName ?? type.Name;

    private static void AppendFrames(StringBuilder text, Exception error)
    {
        foreach (var frame in (error.StackTrace ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var line = frame.Trim();
            if (line.StartsWith("at ", StringComparison.Ordinal))
                text.Append('\t').Append(line).Append('\n');
        }
    }
}
