using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms.Dates;

namespace RestStream.Connect.Transforms;

/// <summary>Makes the topic of its name and the record's time: one topic a day, say.</summary>
[Plugin("org.apache.kafka.connect.transforms.TimestampRouter")]
internal sealed class TimestampRouter : Transform
{
    private string _topicFormat = "";
    private JavaDateFormat _timestampFormat = null!;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Optional(
            "topic.format", ConfigType.String, "${topic}-${timestamp}", "The new topic; ${topic} and ${timestamp} stand for the topic and the formatted time.", importance: Importance.High)
        .Optional("timestamp.format", ConfigType.String, "yyyyMMdd", "The form of the time (Java's SimpleDateFormat), in UTC.", importance: Importance.High);

    public override void Configure(ConfigValues config)
    {
        _topicFormat = config.GetString("topic.format");
        var pattern = config.GetString("timestamp.format");
        try
        {
            _timestampFormat = new JavaDateFormat(pattern, TimeProvider.System);
        }
        catch (FormatException e)
        {
            throw new ConfigException("timestamp.format", pattern, e.Message);
        }
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var timestamp = record.Timestamp ?? throw new DataException($"Timestamp missing on record of topic {record.Topic}");
        var topic = _topicFormat.Replace("${topic}", record.Topic, StringComparison.Ordinal);
        return record with { Topic = topic.Replace("${timestamp}", _timestampFormat.Format(timestamp), StringComparison.Ordinal) };
    }
}
