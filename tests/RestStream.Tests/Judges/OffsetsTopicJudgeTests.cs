using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Storage.Files;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Judges;

/// <summary>Kafka's dump tool decodes what the coordinator wrote into <c>__consumer_offsets</c>, and reads in it what was done.</summary>
[Collection(Faults.ProcessTests.Name)]
public sealed class OffsetsTopicJudgeTests : IDisposable
{
    private readonly TempFolder _folder = new("offsets-judge");

    public void Dispose() => _folder.Dispose();

    [RequiresToolFact("kafka")]
    public async Task Kafkas_dump_tool_decodes_every_record_of_a_group()
    {
        Guid topicId;
        string memberId;
        await using (var broker = await OpenAsync())
        {
            topicId = (await broker.CreateTopicAsync(new TopicSpec("orders", 2, new Dictionary<string, string>()), default)).TopicId;
            var member = broker.JoinGroup(new GroupJoin { Group = "judged", InstanceId = "w1", Topics = ["orders"], ClientId = "judge" });
            Assert.True(await member.ReadyAsync(TimeSpan.FromMinutes(1), default));
            memberId = member.MemberId;
            await member.CommitAsync([new OffsetCommit(new("orders", 0), 42, "note ünï"), new OffsetCommit(new("orders", 1), 7)], -1, default);
            await member.LeaveAsync();
            await broker.DeleteOffsetsAsync("judged", [new("orders", 1)], default);
        }

        var records = (await KafkaDumpLog.DecodeOffsetsAsync(_folder["data"])).Select(Parse).ToList();

        Assert.Equal(["2", "2", "1", "1", "2", "1"], records.Select(r => r.Type));
        var (appeared, stable, first, second, empty, deleted) = (records[0].Value, records[1].Value, records[2].Value, records[3].Value, records[4].Value, records[5]);
        Assert.Equal(("", 0, 0), (appeared.GetProperty("protocolType").GetString(), appeared.GetProperty("generation").GetInt32(), appeared.GetProperty("members").GetArrayLength()));
        Assert.Equal(("consumer", 1, "range", memberId), (
            stable.GetProperty("protocolType").GetString(), stable.GetProperty("generation").GetInt32(), stable.GetProperty("protocol").GetString(), stable.GetProperty("leader").GetString()));
        var stored = Assert.Single(stable.GetProperty("members").EnumerateArray());
        Assert.Equal((memberId, "w1", "judge"), (stored.GetProperty("memberId").GetString(), stored.GetProperty("groupInstanceId").GetString(), stored.GetProperty("clientId").GetString()));
        Assert.Equal((42, "note ünï", Base64Url(topicId)), (first.GetProperty("offset").GetInt64(), first.GetProperty("metadata").GetString(), first.GetProperty("topicId").GetString()));
        Assert.Equal(7, second.GetProperty("offset").GetInt64());
        Assert.Equal((2, 0), (empty.GetProperty("generation").GetInt32(), empty.GetProperty("members").GetArrayLength()));
        Assert.Equal((1, JsonValueKind.Null), (deleted.Key.GetProperty("partition").GetInt32(), deleted.Value.ValueKind));
        Assert.All(records, r => Assert.Equal("judged", r.Key.GetProperty("group").GetString()));
    }

    private Task<EmbeddedBroker> OpenAsync() =>
        EmbeddedBroker.OpenAsync(_folder["data"], new BrokerOptions(), new LinuxFileSystem(), TimeProvider.System, NullLogger.Instance, new GroupOptions { OffsetsTopicPartitions = 3 });

    /// <summary><c>… key: {"type":"1","data":{…}} payload: {"version":"4","data":{…}}</c>, payload null for a tombstone.</summary>
    private static (string Type, JsonElement Key, JsonElement Value) Parse(string line)
    {
        var (key, payload) = (line.IndexOf(" key: ", StringComparison.Ordinal), line.IndexOf(" payload: ", StringComparison.Ordinal));
        Assert.True(key > 0 && payload > key, line);
        var keyJson = JsonDocument.Parse(line[(key + 6)..payload]).RootElement;
        var value = line[(payload + 10)..] is "null" or "<DELETE>" ? JsonDocument.Parse("null").RootElement : JsonDocument.Parse(line[(payload + 10)..]).RootElement;
        return (keyJson.GetProperty("type").GetString()!, keyJson.GetProperty("data"), value.ValueKind == JsonValueKind.Null ? value : value.GetProperty("data"));
    }

    private static string Base64Url(Guid id) => Convert.ToBase64String(id.ToByteArray(bigEndian: true)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
