using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Tasks;

public class TaskSplitTests
{
    private static readonly GoldenFile s_file = GoldenFile.Open("functions.json");

    public static TheoryData<string> Cases => s_file.Ids(golden => golden.Text("op") == "groupPartitions");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Work_is_divided_among_tasks_as_in_Kafka(string id)
    {
        var golden = s_file[id];
        var elements = Enumerable.Range(0, golden.Json.GetProperty("elements").GetInt32()).Select(i => $"e{i}").ToList();
        var groups = golden.Json.GetProperty("groups").GetInt32();

        if (golden.Error is { } error)
        {
            Assert.StartsWith(error.Message, Assert.Throws<ArgumentOutOfRangeException>(() => TaskSplit.Group(elements, groups)).Message);
            return;
        }

        var expected = golden.Json.GetProperty("output").EnumerateArray().Select(group => string.Join(' ', group.EnumerateArray().Select(e => e.GetString())));
        Assert.Equal(expected, TaskSplit.Group(elements, groups).Select(group => string.Join(' ', group)));
    }
}
