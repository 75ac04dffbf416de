using RestStream.Connect.Config;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms.Patterns;

namespace RestStream.Connect.Transforms;

/// <summary>Renames topics whose whole name matches a regular expression of Java's dialect.</summary>
[Plugin("org.apache.kafka.connect.transforms.RegexRouter")]
internal sealed class RegexRouter : Transform
{
    private TopicCache<string> _topics = null!;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require("regex", ConfigType.String, "Regular expression (Java's dialect) that the whole topic must match; other topics keep their names.", new JavaRegexText())
        .Require("replacement", ConfigType.String, "The new topic; $1 or ${name} stands for what a group matched, a backslash takes the next character as it is.");

    public override void Configure(ConfigValues config)
    {
        var regex = JavaRegex.Parse(config.GetString("regex"));
        JavaReplacement replacement;
        try
        {
            replacement = JavaReplacement.Parse(config.GetString("replacement"), regex);
        }
        catch (FormatException e)
        {
            throw new ConfigException("replacement", config.GetString("replacement"), e.Message);
        }
        _topics = new TopicCache<string>(topic => regex.Matches(topic) ? regex.ReplaceFirst(topic, replacement) : topic);
    }

    public override ConnectRecord Apply(ConnectRecord record)
    {
        var topic = _topics[record.Topic];
        return ReferenceEquals(topic, record.Topic) ? record : record with { Topic = topic };
    }
}
