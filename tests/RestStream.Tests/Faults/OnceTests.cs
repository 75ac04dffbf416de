using System.Text.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;
using RestStream.Tests.Judges;

namespace RestStream.Tests.Faults;

/// <summary>
/// kill -9 of the real process while clients write with Producer-Seq, with Idempotency-Key, and all or nothing over two topics, and send again whatever was not answered,
/// to the next process: every record is there once, with the offset of its answer, and no unit by half.
/// </summary>
[Collection(ProcessTests.Name)]
public class OnceTests
{
    private static readonly Dictionary<string, int> s_topics = new() { ["sequenced"] = 3, ["keyed"] = 3, ["left"] = 2, ["right"] = 1 };

    private readonly Random _random = new(ProcessTests.Seed);

    [Fact]
    public async Task Twenty_kills_under_load_write_every_retried_request_once_and_no_unit_by_half()
    {
        using var folder = new TempFolder("once");
        List<OnceClient> clients = [];
        for (var round = 0; round < 20; round++)
        {
            await using var server = await ServerProcess.StartAsync(new ServerProcessOptions { DataDirectory = folder["data"], Arguments = ProcessTests.LogAlone });
            if (round == 0)
                clients = await PrepareAsync(server);
            var before = clients.Sum(c => c.Answered);
            var running = clients.Select(c => c.RunAsync(server.Client)).ToArray();
            while (clients.Sum(c => c.Answered) < before + 100 && !running.Any(r => r.IsFaulted))
                await Task.Delay(5);
            await Task.Delay(_random.Next(20));
            await server.KillAsync();
            await Task.WhenAll(running);
        }

        await using (var server = await ServerProcess.StartAsync(folder["data"]))
        {
            foreach (var client in clients)
                await client.FinishAsync(server.Client);
            var found = new Dictionary<string, List<(int Partition, long Offset)>>();
            foreach (var topic in s_topics.Keys)
                await ReadAsync(server.Client, topic, found);

            Assert.True(clients.Sum(c => c.Repeated) > 0, "No request had to be sent again: the kills hit nothing.");
            foreach (var (value, places) in clients.SelectMany(c => c.Written))
            {
                Assert.True(found.Remove(value, out var there), $"{value} was answered and is not there");
                Assert.True(there.SequenceEqual(places), $"{value} was answered {string.Join(' ', places)} and is at {string.Join(' ', there)}");
            }

            // What was never answered and not sent again: units without a key. Both halves, or none.
            Assert.All(found, rest => Assert.True(rest.Key.StartsWith("unit", StringComparison.Ordinal) && rest.Value.Count == 2, $"{rest.Key} at {string.Join(' ', rest.Value)}"));
            Assert.Equal(0, await server.StopAsync());
        }

        if (Tool.WhyMissing("kafka") is null)
            await KafkaDumpLog.AssertAcceptsAsync(folder["data"]);
    }

    [Fact]
    public async Task Keys_and_producers_outlive_a_clean_restart()
    {
        using var folder = new TempFolder("once-clean");
        List<string>[] answers = [[], []];
        foreach (var answersOfRun in answers)
        {
            await using var server = await ServerProcess.StartAsync(folder["data"], "--RestStream:AutoCreateTopics=true");
            answersOfRun.Add(await AnswerAsync(server.Client, "[{\"value\":\"a\"},{\"value\":\"b\"}]", ("Idempotency-Key", "k")));
            answersOfRun.Add(await AnswerAsync(server.Client, "{\"value\":\"c\",\"timestamp\":7}", ("Producer-Id", "0"), ("Producer-Epoch", "0"), ("Producer-Seq", "0")));
            var found = new Dictionary<string, List<(int, long)>>();
            await ReadAsync(server.Client, "made", found);
            Assert.Equal([0, 1, 2], found.SelectMany(f => f.Value).Select(place => place.Item2));
            Assert.Equal(0, await server.StopAsync());
        }

        Assert.Equal(answers[0], answers[1]);
    }

    private static async Task<string> AnswerAsync(HttpClient client, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "topics/made/records") { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var answer = await client.SendAsync(request);
        return $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private async Task<List<OnceClient>> PrepareAsync(ServerProcess server)
    {
        foreach (var (topic, partitions) in s_topics)
        {
            using var created = await server.Client.PutAsync($"topics/{topic}", new StringContent($"{{\"partitions\":{partitions},\"configs\":{{\"segment.bytes\":\"100000\"}}}}"));
            created.EnsureSuccessStatusCode();
        }

        var clients = new List<OnceClient>();
        for (var i = 0; i < 3; i++)
        {
            using var answer = await server.Client.PostAsync("producers", null);
            using var producer = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            clients.Add(OnceClient.Sequenced($"seq{i}", i, producer.RootElement.GetProperty("producer_id").GetInt64(), _random.Next()));
            clients.Add(OnceClient.Keyed($"key{i}", _random.Next()));
            clients.Add(OnceClient.KeyedUnit($"keyunit{i}", _random.Next()));
            clients.Add(OnceClient.Unit($"unit{i}", _random.Next()));
        }

        return clients;
    }

    /// <summary>Where each value stands, in the order of topics and offsets.</summary>
    private static async Task ReadAsync(HttpClient client, string topic, Dictionary<string, List<(int, long)>> into)
    {
        using var page = JsonDocument.Parse(await client.GetStringAsync($"topics/{topic}/records?from=earliest&max_records=100000&max_bytes=60000000"));
        Assert.True(page.RootElement.GetProperty("end").GetBoolean());
        foreach (var record in page.RootElement.GetProperty("records").EnumerateArray())
        {
            var value = record.GetProperty("value").GetString()!;
            if (!into.TryGetValue(value, out var places))
                into.Add(value, places = []);
            places.Add((record.GetProperty("partition").GetInt32(), record.GetProperty("offset").GetInt64()));
        }
    }
}
