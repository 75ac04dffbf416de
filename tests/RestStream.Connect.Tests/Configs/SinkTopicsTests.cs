using RestStream.Connect.Configs;
using RestStream.Connect.Tasks;
using RestStream.Connect.Tests.Golden;

namespace RestStream.Connect.Tests.Configs;

public class SinkTopicsTests
{
    private static readonly GoldenFile s_file = GoldenFile.Open("functions.json");

    public static TheoryData<string> Cases => s_file.Ids(golden => golden.Text("op") == "sinkTopics");

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_topics_of_a_sink_are_read_and_refused_as_in_Kafka(string id)
    {
        var golden = s_file[id];
        var given = golden.Config().Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!);
        var report = new ConfigReport(given, SecretScrubber.None);

        SinkChecks.Topics(report, golden.Config());
        var topics = SinkMember.TopicsOf(given);

        Assert.Equal(golden.Json.GetProperty("topics").EnumerateArray().Select(t => t.GetString()!), topics);
        Assert.Equal(golden.Json.GetProperty("hasTopics").GetBoolean(), topics.Count > 0);
        var errors = report.ToInfos("c").Configs.Where(entry => entry.Value.Name == "topics").SelectMany(entry => entry.Value.Errors);
        Assert.Equal(golden.Error?.Message.Split("topics: ", 2)[1], errors.SingleOrDefault());
    }
}
