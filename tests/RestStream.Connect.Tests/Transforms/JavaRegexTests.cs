using RestStream.Connect.Config;
using RestStream.Connect.Tests.Golden;
using RestStream.Connect.Transforms.Patterns;

namespace RestStream.Connect.Tests.Transforms;

public class JavaRegexTests
{
    private static readonly GoldenFile s_file = GoldenFile.Open("functions.json");

    public static TheoryData<string> Patterns => s_file.Ids(golden => golden.Text("op") == "topicPattern");

    [Theory]
    [MemberData(nameof(Patterns))]
    public void A_pattern_matches_the_topics_that_it_matches_in_Java(string id)
    {
        var golden = s_file[id];
        if (golden.Error is not null)
        {
            Assert.Throws<FormatException>(() => JavaRegex.Parse(golden.Text("regex")));
            return;
        }

        var regex = JavaRegex.Parse(golden.Text("regex"));
        var matching = golden.Json.GetProperty("topics").EnumerateArray().Select(t => t.GetString()!).Where(regex.Matches);
        var expected = golden.Json.GetProperty("matching").EnumerateArray().Select(t => t.GetString()!);
        Assert.Equal((golden.Text("regex"), string.Join(' ', expected)), (golden.Text("regex"), string.Join(' ', matching)));
    }

    // Answers of Java 17.
    [Theory]
    [InlineData("(?<db>[^.]+)\\.(?<schema>[^.]+)\\.(?<table>.+)", "${db}_${table}", "shop.public.orders", "shop_orders")]
    [InlineData("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "$11$1", "abcdefghijk", "ka")]
    [InlineData("(a)", "$12", "a", "a2")]
    [InlineData("(a)|(b)", "[$1$2]", "b", "[b]")]
    [InlineData("(?<x>a)(b)(?<y>c)", "$1$2$3${y}${x}", "abc", "abcca")]
    [InlineData("(.*)", "\\$1\\\\", "t", "$1\\")]
    [InlineData("(a|ab)(c|bcd)?", "$1-$2", "abcd", "a-bcd")]
    [InlineData("(a+?)(a*)", "$1-$2", "aaa", "a-aa")]
    [InlineData("(?:(a)|b)*", "$1", "ab", "a")]
    [InlineData("x?(.*?)", "<$1>", "xyz", "<>yz")]
    [InlineData("((a)\\2)+", "$1", "aaaa", "aa")]
    public void The_first_match_is_replaced_as_Java_replaces_it(string pattern, string replacement, string topic, string expected)
    {
        var regex = JavaRegex.Parse(pattern);

        Assert.True(regex.Matches(topic));
        Assert.Equal(expected, regex.ReplaceFirst(topic, JavaReplacement.Parse(replacement, regex)));
    }

    [Theory]
    [InlineData("$")]
    [InlineData("$x")]
    [InlineData("$2")]
    [InlineData("${n")]
    [InlineData("${}")]
    [InlineData("${m}")]
    [InlineData("\\")]
    public void A_replacement_that_refers_to_nothing_is_refused_at_the_start(string replacement)
    {
        var error = Assert.Throws<ConfigException>(() => Built.Transform("RegexRouter", ("regex", "(?<n>.*)"), ("replacement", replacement)));

        Assert.StartsWith($"Invalid value {replacement} for configuration replacement: ", error.Message);
    }

    [Fact]
    public void Repetitions_inside_repetitions_take_no_time()
    {
        var router = Built.Transform("RegexRouter", ("regex", "(a+)+$"), ("replacement", "x"));
        var topic = new string('a', 248) + "!";

        Assert.Equal(topic, router.Apply(Records.Source(topic))!.Topic);
    }

    [Theory]
    [InlineData("RegexRouter")]
    [InlineData("TopicNameMatches")]
    public void Where_a_pattern_needs_backtracking_the_record_fails_when_it_has_gone_on_for_a_tenth_of_a_second(string plugin)
    {
        const string Endless = "(?=a)(a+)+$";
        var topic = new string('a', 248) + "!";
        Action<ConnectRecord> apply;
        if (plugin == "RegexRouter")
        {
            apply = r => Built.Transform(plugin, ("regex", Endless), ("replacement", "x")).Apply(r);
        }
        else
        {
            var predicate = Built.New<Connect.Plugins.Predicate>("org.apache.kafka.connect.transforms.predicates.TopicNameMatches");
            predicate.Configure(predicate.Config.Parse(new Dictionary<string, string?> { ["pattern"] = Endless }));
            apply = r => predicate.Test(r);
        }

        var error = Assert.Throws<ConnectException>(() => apply(Records.Source(topic)));

        Assert.Contains("takes more than 100 ms", error.Message);
    }
}
