using RestStream.Connect.Config;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms.Patterns;

namespace RestStream.Connect.Transforms.Predicates;

/// <summary>True for records whose whole topic matches a regular expression of Java's dialect.</summary>
[Plugin("org.apache.kafka.connect.transforms.predicates.TopicNameMatches")]
internal sealed class TopicNameMatches : Predicate
{
    private TopicCache<bool> _topics = null!;

    public override ConfigDef Config { get; } = new ConfigDef()
        .Require(
            "pattern", ConfigType.String, "Regular expression (Java's dialect) that the whole topic must match.", ConfigValidator.All(ConfigValidator.NonEmpty(), new JavaRegexText()), Importance.Medium);

    public override void Configure(ConfigValues config)
    {
        var regex = JavaRegex.Parse(config.GetString("pattern"));
        _topics = new TopicCache<bool>(regex.Matches);
    }

    public override bool Test(ConnectRecord record) => _topics[record.Topic];
}
