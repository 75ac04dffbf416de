using System.Text.Json;
using RestStream.Broker.Groups.Patterns;
using RestStream.TestKit;

namespace RestStream.Broker.Tests.Groups;

public class TopicPatternTests
{
    [Fact]
    public void Patterns_match_the_topics_that_they_match_in_Java()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Locations.Golden, "connect", "functions.json")));
        var cases = golden.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("op").GetString() == "topicPattern").ToList();

        Assert.True(cases.Count >= 25);
        foreach (var vector in cases)
        {
            var regex = vector.GetProperty("regex").GetString()!;
            if (vector.TryGetProperty("error", out _))
            {
                Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<BrokerException>(() => TopicPattern.Parse(regex)).Code);
                continue;
            }

            var pattern = TopicPattern.Parse(regex);
            var matching = vector.GetProperty("topics").EnumerateArray().Select(t => t.GetString()!).Where(pattern.Matches);
            Assert.Equal((regex, string.Join(' ', Strings(vector.GetProperty("matching")))), (regex, string.Join(' ', matching)));
        }
    }

    [Theory]
    [InlineData("orders|users", "orders users", "orders1 xusers")]
    [InlineData("(?<kind>orders|users)-[0-9]{2,3}?", "orders-10 users-123", "orders-1 users-1234")]
    [InlineData("a(?i)b(?-i)c", "abc aBc", "Abc abC")]
    [InlineData("(a(?i)b)c", "abc aBc", "abC")]
    [InlineData("(?i:ab)c", "ABc", "abC")]
    [InlineData("(?i)[^a]", "b B", "a A")]
    [InlineData("(?i)[a-c&&[^b]]+", "ac AC", "b B abc")]
    [InlineData("[a-z&&[^m-p]&&[a-n]]+", "abc l", "m n z")]
    [InlineData(@"[\w&&\D]+", "ab_", "a1")]
    [InlineData(@"[\Qa-c\E]+", "a-c c-a", "b")]
    [InlineData("[-a]+", "a-a", "b")]
    [InlineData("[a-]+", "a-a", "b")]
    [InlineData(@"\w+\Q.\E\d*", "ab. ab.12", "ab ab.x")]
    [InlineData(@"\p{Lower}\P{Upper}\p{Lu}\pL", "abCd", "ABCd abc1")]
    [InlineData(@"\Qab\E+", "ab abb", "abab")]
    [InlineData(@".*\btest\b.*", "a-test test a.test.b", "atest test1 a_test")]
    [InlineData(@"^(?:a|b)$", "a b", "ab")]
    [InlineData(@"a\.b\x2du\u0041", "a.b-uA", "axb-uA")]
    [InlineData("a]}", "a]}", "a")]
    [InlineData("a++b", "aab", "b")]
    [InlineData("a*+a|b{1,2}+", "b bb", "aa bbb")]
    [InlineData("(?:ab|a)++b?c", "abc ac", "bc")]
    [InlineData(@"(a|b)-\1", "a-a b-b", "a-b")]
    [InlineData(@"(?<kind>a|b)(?i)-\k<kind>", "a-a a-A", "A-a a-b")]
    [InlineData(@"(a)(b)\1\2\10", "ababa0", "abab")]
    [InlineData("(?x) a b # and c\n c", "abc", "ab")]
    [InlineData("(?x)[a b] +", "abba", "c")]
    [InlineData("(?iu)ü", "ü Ü", "u")]
    [InlineData("(?i)ü", "ü", "Ü")]
    [InlineData("[]a]+", "a]", "b")]
    [InlineData("[^]a]+", "bc", "a] b]")]
    [InlineData(@"\0101\cA?", "A", "101")]
    [InlineData(@"a\x{2d}\x{1F600}", "a-😀", "a-")]
    [InlineData(".{2}", "a😀 😀😀 ab", "😀 a😀b")]
    [InlineData("[^a]", "😀 b", "a 😀😀")]
    public void A_construct_means_what_it_means_in_Java(string regex, string matching, string others)
    {
        var pattern = TopicPattern.Parse(regex);

        Assert.All(matching.Split(' '), topic => Assert.True(pattern.Matches(topic), topic));
        Assert.All(others.Split(' '), topic => Assert.False(pattern.Matches(topic), topic));
    }

    [Theory]
    [InlineData("*a", "nothing for '*'")]
    [InlineData("a**", "nothing for '*'")]
    [InlineData("a{", "numbers")]
    [InlineData("a{1001}", "up to 1000")]
    [InlineData("a{,3}", "numbers")]
    [InlineData("a)", "has no '('")]
    [InlineData(@"(a)\2", "no group 2")]
    [InlineData(@"\k<a>", "no group a")]
    [InlineData(@"[\1]", "cannot refer")]
    [InlineData("(?<a>x)(?<a>y)", "two groups a")]
    [InlineData("(?<1>x)", "begins with a letter")]
    [InlineData("(?U)a", "of the flags")]
    [InlineData(@"\x{110000}", "hexadecimal")]
    [InlineData(@"\08", "octal")]
    [InlineData(@"\p{IsKlingon}", "property")]
    [InlineData(@"\p{Lu", "not closed")]
    [InlineData(@"\Ka", @"\K is not supported")]
    [InlineData("[a", "ends too early")]
    [InlineData("[a&&]", "empty")]
    [InlineData(@"[\d-z]", "range")]
    [InlineData("(?#comment)", "flags")]
    [InlineData("(?", "this kind of group")]
    [InlineData(@"\x6", "hexadecimal")]
    [InlineData("[😀]", "U+FFFF")]
    public void What_cannot_be_said_is_refused_with_the_reason(string regex, string reason)
    {
        var error = Assert.Throws<BrokerException>(() => TopicPattern.Parse(regex));

        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
        Assert.Equal("topic_pattern", error.Subject);
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void A_pattern_that_is_too_long_is_refused() =>
        Assert.Contains("2048 are allowed", Assert.Throws<BrokerException>(() => TopicPattern.Parse(new string('a', TopicPattern.MaxLength + 1))).Message);

    [Fact]
    public void Repetitions_inside_repetitions_do_not_hold_anybody_up() =>
        Assert.False(TopicPattern.Parse("(a*)*(a|aa)*((a+)+)+b").Matches(new string('a', 249)));

    [Fact]
    public void A_pattern_that_looks_around_and_never_ends_is_ended_and_not_tried_again()
    {
        var pattern = TopicPattern.Parse("(?!b)(?:a|aa|aaa)*(?<=a)b");

        var error = Assert.Throws<BrokerException>(() => pattern.Matches(new string('a', 200) + "-b"));

        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
        Assert.Throws<BrokerException>(() => pattern.Matches("b"));
    }

    [Fact]
    public void Any_text_is_a_pattern_or_refused()
    {
        var random = new Random(9);
        string[] pieces = ["a", "b", "(", ")", "[", "]", "*", "+", "?", "{2}", "{", "}", "|", "^", "$", ".", "\\", "\\d", "\\Q", "\\E", "(?:", "(?=", "(?<", "(?i)", "&&", "-", "\\p{L}", "\\b", ">", ":"];
        var accepted = 0;
        for (var i = 0; i < 1500; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                TopicPattern.Parse(text).Matches("ab");
                accepted++;
            }
            catch (BrokerException)
            {
            }
        }

        Assert.InRange(accepted, 150, 1350);
    }

    private static IEnumerable<string> Strings(JsonElement array) => array.EnumerateArray().Select(t => t.GetString()!);
}
