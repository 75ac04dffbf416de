using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Plugins;
using RestStream.Connect.Transforms;

namespace RestStream.Connect.Tests.Transforms;

public class TransformChainTests
{
    private static readonly PluginCatalog s_plugins = PluginCatalog.Open([], NullLogger.Instance);

    [Fact]
    public void Transforms_are_applied_in_the_order_in_which_they_are_named()
    {
        using var chain = Create(
            ("transforms", "second, first"),
            ("transforms.first.type", "RegexRouter"), ("transforms.first.regex", "(.*)"), ("transforms.first.replacement", "$1-1"),
            ("transforms.second.type", "org.apache.kafka.connect.transforms.RegexRouter"), ("transforms.second.regex", "(.*)"), ("transforms.second.replacement", "$1-2"));

        Assert.Equal("t-2-1", chain.Apply(Records.Source("t"))!.Topic);
        Assert.Equal(["second", "first"], chain.Steps.Select(s => s.Alias));
        Assert.All(chain.Steps, s => Assert.Equal("org.apache.kafka.connect.transforms.RegexRouter", s.ClassName));
    }

    [Fact]
    public void Without_transforms_a_record_stays_the_same_object()
    {
        var record = Records.Source("t");

        Assert.Same(record, Create().Apply(record));
        Assert.Same(record, Create(("transforms", "")).Apply(record));
    }

    [Theory]
    [InlineData(null, "orders", false)]
    [InlineData(null, "users", true)]
    [InlineData("true", "orders", true)]
    [InlineData("true", "users", false)]
    public void A_predicate_decides_which_records_a_transform_sees_and_negate_turns_it_round(string? negate, string topic, bool kept)
    {
        using var chain = Create(
            ("transforms", "drop"), ("transforms.drop.type", "Filter"), ("transforms.drop.predicate", "isOrders"), ("transforms.drop.negate", negate),
            ("predicates", "isOrders"), ("predicates.isOrders.type", "TopicNameMatches"), ("predicates.isOrders.pattern", "ord.*"));

        Assert.Equal(kept, chain.Apply(Records.Source(topic)) is not null);
    }

    [Fact]
    public void Behind_a_dropped_record_no_transform_is_asked()
    {
        using var chain = Create(
            ("transforms", "drop,extract"), ("transforms.drop.type", "Filter"),
            ("transforms.extract.type", "org.apache.kafka.connect.transforms.ExtractField$Value"), ("transforms.extract.field", "a"));

        Assert.Null(chain.Apply(Records.Source("t", "no map")));
    }

    [Fact]
    public void A_source_record_stays_one_with_its_place_and_a_sink_record_with_its_offset()
    {
        using var chain = Create(("transforms", "a"), ("transforms.a.type", "TimestampRouter"));
        var source = Records.Source("t") with { SourceOffset = new Dictionary<string, object?> { ["line"] = 3L } };
        var sink = new SinkRecord { Topic = "t", Offset = 5, OriginalTopic = "t", OriginalPartition = 2, Timestamp = 0 };

        Assert.Equal(source with { Topic = "t-20231114" }, chain.Apply(source));
        Assert.Equal(sink with { Topic = "t-19700101" }, chain.Apply(sink));
    }

    [Theory]
    [InlineData("Unknown configuration 'transforms.b.type'", "transforms", "b")]
    [InlineData("Unknown configuration 'predicates.p.type'", "transforms.a.predicate", "p")]
    [InlineData("Class Nope could not be found", "transforms.a.type", "Nope")]
    [InlineData("Invalid value often for configuration transforms.a.negate: Expected value to be either true or false", "transforms.a.negate", "often")]
    [InlineData("transforms.a: Missing required configuration \"headers\" which has no default value.", "transforms.a.type", "DropHeaders")]
    [InlineData("transforms.a: Neither schema name nor version configured", "transforms.a.type", "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value")]
    public void What_is_wrong_is_said_with_its_alias(string message, string key, string value)
    {
        var error = Assert.ThrowsAny<ConnectException>(() => Create(("transforms", "a"), ("transforms.a.type", "Filter"), (key, value)));

        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void The_settings_of_a_transform_do_not_hold_those_of_the_framework()
    {
        using var chain = Create(
            ("transforms", "a"), ("transforms.a.type", "org.apache.kafka.connect.transforms.InsertField$Value"), ("transforms.a.static.field", "source"), ("transforms.a.static.value", "x"),
            ("transforms.ab.static.value", "of another alias"), ("predicates", "p"), ("predicates.p.type", "RecordIsTombstone"), ("transforms.a.predicate", "p"), ("transforms.a.negate", "true"));

        var changed = chain.Apply(Records.Map())!;

        Assert.Equal("x", ((Dictionary<string, object?>)changed.Value!)["source"]);
    }

    private static TransformChain Create(params (string Key, string? Value)[] config)
    {
        var settings = new Dictionary<string, string>();
        foreach (var (key, value) in config.Where(c => c.Value is not null))
            settings[key] = value!;
        return TransformChain.Create(s_plugins, settings);
    }
}
