using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Web;

namespace RestStream.Tests.Faults;

/// <summary>
/// kill -9 of the server while connectors work: lines of a growing file reach the log exactly once and in order; two sinks get each of them at least once; no offset is ever ahead of what it stands for.
/// </summary>
[Collection(ProcessTests.Name)]
public class ConnectKillTests
{
    private const int Rounds = 30;

    private readonly Random _random = new(ProcessTests.Seed);

    [Fact]
    public async Task Thirty_kills_write_each_line_of_a_file_once_and_deliver_it_at_least_once()
    {
        using var folder = new TempFolder("connect-kill");
        await using var receiver = await WebReceiver.StartAsync();
        Directory.CreateDirectory(folder["data/files"]);
        using var stop = new CancellationTokenSource();
        var writer = WriteLinesAsync(folder["data/files/in.txt"], stop.Token);

        for (var round = 0; round < Rounds; round++)
        {
            await using var server = await StartAsync(folder);
            if (round == 0)
                await CreateConnectorsAsync(server, receiver);
            await CheckOffsetsAsync(server, receiver);
            var goal = receiver.Requests.Count + _random.Next(1, 30);
            await UntilAsync(server, () => Task.FromResult(receiver.Requests.Count >= goal), "more requests");
            await server.KillAsync();
        }

        await stop.CancelAsync();
        var lines = await writer;
        await using var last = await StartAsync(folder);
        await UntilAsync(last, async () => await CommittedAsync(last, "to-http") == lines && await CommittedAsync(last, "to-file") == lines, $"{lines} lines committed");
        await CheckOffsetsAsync(last, receiver);

        var expected = Enumerable.Range(0, lines).Select(Line).ToList();
        Assert.True(lines > 500, $"only {lines} lines");
        Assert.Equal(expected, await TopicAsync(last));
        Assert.Equal(expected, File.ReadLines(folder["data/files/out.txt"]).Distinct().Order());
        Assert.Equal(expected, receiver.Requests.SelectMany(r => r.Body.Split('\n')).Distinct().Order());
        Assert.Equal(0, await last.StopAsync());
    }

    private static string Line(int number) => $"line {number:D8}";

    private static Task<ServerProcess> StartAsync(TempFolder folder) => ServerProcess.StartAsync(
        folder["data"], [.. ProcessTests.BusyJournal, "--RestStream:AutoCreateTopics=true", "--RestStream:Connect:AllowedNetworks:0=127.0.0.0/8", "--RestStream:Connect:OffsetFlushInterval=00:00:00.200"]);

    private static async Task CreateConnectorsAsync(ServerProcess server, WebReceiver receiver)
    {
        const string text = "org.apache.kafka.connect.storage.StringConverter";
        await PutAsync(server, "from-file", new() { ["connector.class"] = "FileStreamSource", ["file"] = "in.txt", ["topic"] = "lines", ["batch.size"] = "20", ["value.converter"] = text });
        await PutAsync(server, "to-file", new() { ["connector.class"] = "FileStreamSink", ["file"] = "out.txt", ["topics"] = "lines", ["value.converter"] = text });
        await PutAsync(server, "to-http", new()
        {
            ["connector.class"] = "HttpSink",
            ["http.url"] = receiver.Address.ToString(),
            ["topics"] = "lines",
            ["value.converter"] = text,
            ["batching.enabled"] = "true",
            ["batch.max.size"] = "10",
            ["http.headers.content.type"] = "text/plain",
        });
    }

    private static async Task PutAsync(ServerProcess server, string name, Dictionary<string, string> config)
    {
        using var answer = await server.Client.PutAsJsonAsync($"connectors/{name}/config", config);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What offsets say is done is done.</summary>
    private static async Task CheckOffsetsAsync(ServerProcess server, WebReceiver receiver)
    {
        var delivered = await CommittedAsync(server, "to-http");
        var received = receiver.Requests.SelectMany(r => r.Body.Split('\n')).ToHashSet();
        Assert.True(Enumerable.Range(0, delivered).All(n => received.Contains(Line(n))), $"the sink's offset is {delivered}, but {received.Count} lines came");

        var position = await server.Client.GetFromJsonAsync<JsonElement>("connectors/from-file/offsets");
        if (position.GetProperty("offsets").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } stored)
        {
            var read = stored.GetProperty("offset").GetProperty("position").GetInt64() / (Line(0).Length + 1);
            var written = (await TopicAsync(server)).Count;
            Assert.True(written >= read, $"the source's offset is behind line {read}, but the topic has {written}");
        }
    }

    private static async Task<int> CommittedAsync(ServerProcess server, string sink)
    {
        var offsets = await server.Client.GetFromJsonAsync<JsonElement>($"connectors/{sink}/offsets");
        return offsets.GetProperty("offsets").EnumerateArray().Sum(o => o.GetProperty("offset").GetProperty("kafka_offset").GetInt32());
    }

    private static async Task<List<string>> TopicAsync(ServerProcess server)
    {
        var values = new List<string>();
        for (var query = "from=earliest"; ;)
        {
            var page = await server.Client.GetFromJsonAsync<JsonElement>($"topics/lines/records?{query}&max_records=10000");
            values.AddRange(page.GetProperty("records").EnumerateArray().Select(r => r.GetProperty("value").GetString()!));
            if (page.GetProperty("end").GetBoolean())
                return values;
            query = $"cursor={page.GetProperty("cursor").GetString()}";
        }
    }

    /// <summary>Goes on until it is told to stop; answers how many lines there are.</summary>
    private static async Task<int> WriteLinesAsync(string path, CancellationToken stop)
    {
        await using var file = new StreamWriter(path) { AutoFlush = true };
        for (var number = 0; ; number++)
        {
            // Half a line now and then: nobody may take it for a whole one.
            var line = Line(number);
            await file.WriteAsync(line[..5]);
            if (number % 2 == 0)
                await Task.Delay(5, CancellationToken.None);
            await file.WriteAsync(line[5..] + "\n");
            if (stop.IsCancellationRequested)
                return number + 1;
        }
    }

    private static async Task UntilAsync(ServerProcess server, Func<Task<bool>> done, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(120);
        while (!await done())
        {
            Assert.True(DateTime.UtcNow < deadline, $"Waited in vain for {what}: {await server.Client.GetStringAsync("connectors?expand=status")}\n{server.Output}");
            await Task.Delay(20);
        }
    }
}
