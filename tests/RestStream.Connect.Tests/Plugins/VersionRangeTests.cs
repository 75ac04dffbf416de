using RestStream.Connect.Plugins;

namespace RestStream.Connect.Tests.Plugins;

public class VersionRangeTests
{
    [Fact]
    public void Versions_are_ordered_as_Maven_orders_them()
    {
        // The examples of Maven's specification, and of Kafka's snapshots and release candidates.
        string[] ascending =
        [
            "0.9", "1-alpha-1", "1-a2", "1-beta", "1-m3", "1-rc", "1-cr2", "1-SNAPSHOT", "1", "1-sp", "1-abc", "1-foo2", "1-foo10", "1-1", "1.1", "1.2", "1.10", "2.0.0-rc1", "2", "4.3.1", "4.10",
            "99999999999999999999999",
        ];

        for (var i = 0; i < ascending.Length; i++)
        {
            for (var j = 0; j < ascending.Length; j++)
                Assert.True(Math.Sign(new PluginVersion(ascending[i]).CompareTo(new PluginVersion(ascending[j]))) == Math.Sign(i.CompareTo(j)), $"{ascending[i]} and {ascending[j]}");
        }
    }

    [Theory]
    [InlineData("1", "1.0.0")]
    [InlineData("1-ga", "1")]
    [InlineData("1.0-final", "1-release")]
    [InlineData("1-rc1", "1-CR1")]
    [InlineData("1.0.0-foo.0.0", "1-foo")]
    [InlineData("1-a1", "1-alpha-1")]
    public void Nothings_at_the_end_do_not_count(string one, string other) => Assert.Equal(0, new PluginVersion(one).CompareTo(new PluginVersion(other)));

    [Theory]
    [InlineData("1.5", "1.5", true)]
    [InlineData("1.5", "1.5.0", true)]
    [InlineData("1.5", "1.6", false)]
    [InlineData("[1.0,2.0)", "1.0", true)]
    [InlineData("[1.0,2.0)", "1.9.9", true)]
    [InlineData("[1.0,2.0)", "2.0", false)]
    [InlineData("(1.0,2.0]", "1.0", false)]
    [InlineData("(1.0,2.0]", "2.0", true)]
    [InlineData("(,2.0]", "0.1", true)]
    [InlineData("[2.0,)", "17", true)]
    [InlineData("[2.0,)", "1.9", false)]
    [InlineData("[1.0]", "1.0", true)]
    [InlineData("[1.0]", "1.0.1", false)]
    [InlineData("(,1.0],[1.2,)", "1.1", false)]
    [InlineData("(,1.0],[1.2,)", "1.2", true)]
    [InlineData("latest", "0.0.1", true)]
    public void A_range_allows_what_Maven_allows(string range, string version, bool allowed) => Assert.Equal(allowed, VersionRange.Parse(range)?.Allows(new PluginVersion(version)) ?? true);

    [Theory]
    [InlineData("[1.0", "Unbounded range: [1.0")]
    [InlineData("(1.0)", "Single version must be surrounded by []: (1.0)")]
    [InlineData("[2.0,1.0]", "Range defies version ordering: [2.0,1.0]")]
    [InlineData("[1.0,1.0)", "Range defies version ordering: [1.0,1.0)")]
    [InlineData("[1.0,2.0],[1.5,3.0]", "Ranges overlap: [1.0,2.0],[1.5,3.0]")]
    [InlineData("[1.0,2.0],3.0", "Only fully-qualified sets allowed in multiple set scenario: [1.0,2.0],3.0")]
    public void What_is_no_range_is_refused_in_Mavens_words(string range, string message) => Assert.Equal(message, Assert.Throws<PluginNotFoundException>(() => VersionRange.Parse(range)).Message);
}
