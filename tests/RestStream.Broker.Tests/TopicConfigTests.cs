using System.ComponentModel.DataAnnotations;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Tests;

public class TopicConfigTests
{
    private static readonly Dictionary<string, string> None = [];

    [Theory]
    [InlineData("cleanup.policy", "")]
    [InlineData("cleanup.policy", "delete, compact")]
    [InlineData("retention.bytes", "-5")]
    [InlineData("retention.ms", " 5 ")]
    [InlineData("retention.ms", "-1")]
    [InlineData("preallocate", "TRUE")]
    [InlineData("segment.bytes", "1024")]
    [InlineData("max.message.bytes", "+7")]
    [InlineData("compression.gzip.level", "-1")]
    [InlineData("min.cleanable.dirty.ratio", "0.25")]
    [InlineData("compression.type", "zstd")]
    [InlineData("message.timestamp.type", "LogAppendTime")]
    [InlineData("reststream.durability", "interval")]
    [InlineData("min.insync.replicas", "2")]
    [InlineData("remote.storage.enable", "false")]
    public void Values_that_Kafka_takes_are_taken(string key, string value) => Assert.Empty(TopicConfigs.FindProblems(new Dictionary<string, string> { [key] = value }));

    [Theory]
    [InlineData("cleanup.policy", "x", "compact, delete")]
    [InlineData("retention.ms", "-2", "at least -1")]
    [InlineData("retention.ms", "1e3", "a whole number")]
    [InlineData("retention.ms", "", "a whole number")]
    [InlineData("retention.ms", "9223372036854775808", "a whole number")]
    [InlineData("preallocate", "yes", "true or false")]
    [InlineData("segment.bytes", "0", "from 1024 to 2147483647")]
    [InlineData("max.message.bytes", "3000000000", "2147483647")]
    [InlineData("compression.type", "GZIP", "uncompressed, zstd, lz4, snappy, gzip, producer")]
    [InlineData("message.timestamp.type", "createtime", "CreateTime, LogAppendTime")]
    [InlineData("compression.gzip.level", "0", "from 1 to 9, or -1")]
    [InlineData("min.cleanable.dirty.ratio", "1.5", "from 0 to 1")]
    [InlineData("min.cleanable.dirty.ratio", "NaN", "from 0 to 1")]
    [InlineData("reststream.durability", "always", "fsync, interval, os")]
    [InlineData("remote.storage.enable", "true", "false")]
    public void A_bad_value_is_refused_with_its_key_and_what_is_allowed(string key, string value, string allowed)
    {
        var refused = Assert.Throws<BrokerException>(() => TopicConfigs.Validate(new Dictionary<string, string> { [key] = value }));

        Assert.Equal(ErrorCode.InvalidConfig, refused.Code);
        Assert.Equal(key, refused.Subject);
        Assert.Contains($"'{key}'", refused.Message);
        Assert.Contains(allowed, refused.Message);
    }

    [Fact]
    public void An_unknown_key_is_refused_and_a_broker_wide_name_is_answered_with_the_topics_one()
    {
        var refused = Assert.Throws<BrokerException>(() => TopicConfigs.Validate(new Dictionary<string, string> { ["log.retention.hours"] = "1" }));

        Assert.Equal(ErrorCode.InvalidConfig, refused.Code);
        Assert.Contains("'retention.ms'", refused.Message);
    }

    [Fact]
    public void Every_broken_rule_is_reported()
    {
        var refused = Assert.Throws<BrokerException>(() => TopicConfigs.Validate(new Dictionary<string, string> { ["foo"] = "1", ["retention.ms"] = "x", ["flush.ms"] = "5" }));

        Assert.Contains("'foo'", refused.Message);
        Assert.Contains("'retention.ms'", refused.Message);
        Assert.DoesNotContain("'flush.ms'", refused.Message);
    }

    [Fact]
    public void The_shortest_compaction_lag_may_not_exceed_the_longest()
    {
        var refused = Assert.Throws<BrokerException>(
            () => TopicConfigs.Validate(new Dictionary<string, string> { ["min.compaction.lag.ms"] = "10", ["max.compaction.lag.ms"] = "5" }));

        Assert.Equal("min.compaction.lag.ms", refused.Subject);
    }

    [Fact]
    public void Every_default_is_a_value_that_its_own_config_takes()
    {
        Assert.Equal(34, TopicConfigs.All.Count);
        Assert.All(TopicConfigs.All, d => Assert.Null(d.FindProblem(d.Default)));
        Assert.Equal(TopicConfigs.All.Select(d => d.Name).Order(StringComparer.Ordinal), TopicConfigs.All.Select(d => d.Name));
    }

    [Fact]
    public void Without_configs_the_log_gets_the_defaults_of_the_storage()
    {
        var settings = TopicSettings.Create(None, None);

        Assert.Equal(LogConfig.Default with { FlushMs = long.MaxValue }, settings.Log);
        Assert.Equal(1_048_588, settings.MaxMessageBytes);
        Assert.Null(settings.Codec);
        Assert.Empty(settings.Overridden);
    }

    [Fact]
    public void Configs_reach_the_log()
    {
        var settings = TopicSettings.Create(
            new Dictionary<string, string>
            {
                ["segment.bytes"] = "2048",
                ["segment.ms"] = "1000",
                ["segment.index.bytes"] = "1024",
                ["index.interval.bytes"] = "512",
                ["retention.ms"] = "-1",
                ["retention.bytes"] = "-7",
                ["cleanup.policy"] = "compact",
                ["min.cleanable.dirty.ratio"] = "0.25",
                ["delete.retention.ms"] = "7",
                ["min.compaction.lag.ms"] = "8",
                ["max.compaction.lag.ms"] = "9",
                ["file.delete.delay.ms"] = "0",
                ["message.timestamp.type"] = "LogAppendTime",
                ["reststream.durability"] = "os",
                ["compression.type"] = "lz4",
            },
            None);

        Assert.Equal(
            new LogConfig
            {
                SegmentBytes = 2048,
                SegmentMs = 1000,
                SegmentIndexBytes = 1024,
                IndexIntervalBytes = 512,
                RetentionMs = -1,
                RetentionBytes = -1,
                CleanupDelete = false,
                CleanupCompact = true,
                MinCleanableDirtyRatio = 0.25,
                DeleteRetentionMs = 7,
                MinCompactionLagMs = 8,
                MaxCompactionLagMs = 9,
                FileDeleteDelayMs = 0,
                TimestampType = TimestampType.LogAppendTime,
                Durability = Durability.Os,
                FlushMs = long.MaxValue,
            },
            settings.Log);
        Assert.True(settings.Compacted);
        Assert.Equal(CompressionCodec.Lz4, settings.Codec);
    }

    [Fact]
    public void An_interval_topic_is_flushed_each_second_unless_told_otherwise_and_a_flush_after_each_record_is_fsync()
    {
        var plain = TopicSettings.Create(new Dictionary<string, string> { ["reststream.durability"] = "interval" }, None);
        var told = TopicSettings.Create(new Dictionary<string, string> { ["reststream.durability"] = "interval", ["flush.ms"] = "50" }, None);
        var each = TopicSettings.Create(new Dictionary<string, string> { ["reststream.durability"] = "interval", ["flush.messages"] = "1" }, None);

        Assert.Equal((Durability.Interval, 1000L), (plain.Log.Durability, plain.Log.FlushMs));
        Assert.Equal("1000", plain.Effective["flush.ms"]);
        Assert.Equal((Durability.Interval, 50L), (told.Log.Durability, told.Log.FlushMs));
        Assert.Equal(Durability.Fsync, each.Log.Durability);
    }

    [Fact]
    public void Flush_settings_taken_over_from_Kafka_do_not_weaken_the_default()
    {
        var settings = TopicSettings.Create(new Dictionary<string, string> { ["flush.ms"] = "60000", ["flush.messages"] = "10000" }, None);

        Assert.Equal(Durability.Fsync, settings.Log.Durability);
    }

    [Fact]
    public void Lines_of_a_server_properties_file_become_topic_defaults_and_the_finest_unit_wins()
    {
        var defaults = TopicConfigs.FromServerNames(
            [new("log.retention.hours", "2"), new("log.retention.minutes", "30"), new("log.segment.bytes", "4096"), new("cleanup.policy", "compact"), new("log.roll.hours", "1")]);
        var settings = TopicSettings.Create(new Dictionary<string, string> { ["segment.bytes"] = "8192" }, defaults);

        Assert.Equal(30 * 60_000, settings.Log.RetentionMs);
        Assert.Equal(8192, settings.Log.SegmentBytes);
        Assert.Equal(3_600_000, settings.Log.SegmentMs);
        Assert.True(settings.Compacted);
        Assert.Equal("segment.bytes", Assert.Single(settings.Overridden).Key);
    }

    [Fact]
    public void Hours_that_overflow_and_minus_one_mean_for_ever()
    {
        Assert.Equal("-1", TopicConfigs.FromServerNames([new("log.retention.hours", "-1")])["retention.ms"]);
        Assert.Equal(long.MaxValue.ToString(), TopicConfigs.FromServerNames([new("log.retention.hours", "9000000000000000000")])["retention.ms"]);
    }

    [Fact]
    public void Wrong_topic_defaults_are_found_when_the_settings_are_validated()
    {
        var options = new BrokerOptions { TopicDefaults = { ["log.retention.hours"] = "soon" } };
        var problems = new List<ValidationResult>();

        var valid = Validator.TryValidateObject(options, new ValidationContext(options), problems, validateAllProperties: true);

        Assert.False(valid);
        Assert.Contains("'retention.ms'", Assert.Single(problems).ErrorMessage);
    }

    [Theory]
    [InlineData("orders", true)]
    [InlineData("a.b_c-D9", true)]
    [InlineData("...", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("a\r\nb", false)]
    [InlineData("ä", false)]
    public void A_topic_name_consists_of_letters_digits_dots_dashes_and_underscores(string name, bool good) => Assert.Equal(good, TopicNames.FindProblem(name) is null);

    [Fact]
    public void A_topic_name_has_at_most_249_characters()
    {
        Assert.Null(TopicNames.FindProblem(new string('a', 249)));
        Assert.NotNull(TopicNames.FindProblem(new string('a', 250)));
    }
}
