using System.Net;
using System.Text;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Judges;

/// <summary>Kafka's dump tool sees the producers of our batches and snapshots, and can read the topics of our own.</summary>
[Collection(Faults.ProcessTests.Name)]
public class ProducerJudgeTests
{
    [RequiresToolFact("kafka")]
    public async Task Kafkas_dump_tool_shows_the_producers_as_they_were_sent()
    {
        using var folder = new TempFolder("producers");
        await using (var server = await ServerProcess.StartAsync(folder["data"]))
        {
            await SendAsync(server, HttpMethod.Put, "topics/t", "{}");
            await SendAsync(server, HttpMethod.Post, "producers", "");
            await SendAsync(server, HttpMethod.Post, "topics/t/records", "[{\"value\":1},{\"value\":2}]", ("Producer-Id", "77"), ("Producer-Epoch", "3"), ("Producer-Seq", "2147483647"));
            await SendAsync(server, HttpMethod.Post, "topics/t/records", "{\"value\":3}", ("Producer-Id", "77"), ("Producer-Epoch", "3"), ("Producer-Seq", "1"));
            await SendAsync(server, HttpMethod.Post, "topics/t/records", "{\"value\":4}", ("Idempotency-Key", "k"));
            Assert.Equal(0, await server.StopAsync());
        }

        var log = await KafkaDumpLog.DumpAsync(folder["data/t-0/00000000000000000000.log"]);
        var snapshot = await KafkaDumpLog.DumpAsync(folder["data/t-0/00000000000000000004.snapshot"]);
        Assert.Contains("baseOffset: 0 lastOffset: 1 count: 2 baseSequence: 2147483647 lastSequence: 0 producerId: 77 producerEpoch: 3", log);
        Assert.Contains("baseOffset: 2 lastOffset: 2 count: 1 baseSequence: 1 lastSequence: 1 producerId: 77 producerEpoch: 3", log);
        Assert.Contains("baseOffset: 3 lastOffset: 3 count: 1 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1", log);
        Assert.Contains("producerId: 77 producerEpoch: 3 ", snapshot);
        Assert.Contains("firstSequence: 1 lastSequence: 1 lastOffset: 2 offsetDelta: 0", snapshot);
        await KafkaDumpLog.AssertAcceptsAsync(folder["data"]);
    }

    private static async Task SendAsync(ServerProcess server, HttpMethod method, string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var answer = await server.Client.SendAsync(request);
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }
}
