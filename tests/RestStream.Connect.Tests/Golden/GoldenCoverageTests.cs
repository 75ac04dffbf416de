using System.Reflection;

namespace RestStream.Connect.Tests.Golden;

public class GoldenCoverageTests
{
    [Fact]
    public void Every_golden_case_is_a_case_of_a_test()
    {
        var run = typeof(GoldenCoverageTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods().SelectMany(method => method.GetCustomAttributes<MemberDataAttribute>()).Select(data => type.GetProperty(data.MemberName)?.GetValue(null)))
            .OfType<TheoryData<string>>()
            .SelectMany(ids => ids.Cast<object[]>().Select(row => (string)row[0]))
            .ToHashSet();

        var missed = Directory.GetFiles(Path.Combine(Locations.Golden, "connect"), "*.json")
            .SelectMany(file => GoldenFile.Open(Path.GetFileName(file)).Cases.Where(golden => !run.Contains(golden.Id) && !IsOfThePartitioner(golden)).Select(golden => $"{Path.GetFileName(file)}: {golden.Id}"));

        Assert.Empty(missed);
    }

    /// <summary>PartitionerTests of RestStream.Broker.Tests runs all of these.</summary>
    private static bool IsOfThePartitioner(GoldenCase golden) => golden.Has("op") && golden.Text("op") == "murmur2";
}
