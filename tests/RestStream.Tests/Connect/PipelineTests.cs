using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.VisualBasic.FileIO;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Web;

namespace RestStream.Tests.Connect;

/// <summary>The pipeline of the README on real data, by REST alone: files of a folder → topic, changed on the way → a web server and a file.</summary>
public sealed class PipelineTests : IAsyncLifetime
{
    private const string Text = "org.apache.kafka.connect.storage.StringConverter";

    private readonly TempFolder _folder = new("pipeline");
    private ServerProcess _server = null!;

    [FlightsTests.RequiresFlightsFact]
    public async Task Every_row_arrives_once_through_pause_stop_restart_change_and_reset()
    {
        await using var receiver = await WebReceiver.StartAsync();
        var csv = await File.ReadAllLinesAsync(Path.Combine(FlightsTests.Data, "airports.csv"));
        var expected = Expected(csv);
        foreach (var name in new[] { "in", "done" })
            Directory.CreateDirectory(_folder["data/files/" + name]);
        _server = await StartAsync();
        await PutAsync("airports", Source());
        await PutAsync("to-http", Http(receiver));
        await PutAsync("to-file", new() { ["connector.class"] = "FileStreamSink", ["topics"] = "airports", ["file"] = "out.txt", ["key.converter"] = Text, ["value.converter"] = Text });
        var rows = csv.Length - 1;

        DropFile(csv, 0, rows / 4);
        await UntilAsync(() => Received(receiver).Count > rows / 8);
        await CallAsync(HttpMethod.Put, "connectors/to-http/pause");

        DropFile(csv, rows / 4, rows / 2);
        await UntilAsync(() => FileLines("out.txt").Count > rows / 3);
        await CallAsync(HttpMethod.Put, "connectors/to-http/resume");
        await CallAsync(HttpMethod.Put, "connectors/airports/stop");

        DropFile(csv, rows / 2, rows * 3 / 4);
        Assert.Equal(0, await _server.StopAsync());
        await _server.DisposeAsync();
        _server = await StartAsync();
        await CallAsync(HttpMethod.Put, "connectors/airports/resume");
        await UntilAsync(() => FileLines("out.txt").Count > rows * 5 / 8);
        await PutAsync("airports", Source(("batch.size", "7")));
        await PutAsync("to-http", Http(receiver, ("batch.max.size", "11")));
        await CallAsync(HttpMethod.Post, "connectors/to-file/restart?includeTasks=true");

        DropFile(csv, rows * 3 / 4, rows);
        await UntilAsync(() => FileLines("out.txt").Count >= rows && Received(receiver).Count >= rows);

        Assert.Equal(Hash(expected), Hash(await TopicAsync()));
        Assert.Equal(Hash(expected), Hash(FileLines("out.txt")));
        Assert.Equal(Hash(expected), Hash(Received(receiver)));

        await CallAsync(HttpMethod.Put, "connectors/to-file/stop");
        await CallAsync(HttpMethod.Delete, "connectors/to-file/offsets");
        await PutAsync("to-file", new() { ["connector.class"] = "FileStreamSink", ["topics"] = "airports", ["file"] = "again.txt", ["key.converter"] = Text, ["value.converter"] = Text });
        await CallAsync(HttpMethod.Put, "connectors/to-file/resume");
        await UntilAsync(() => FileLines("again.txt").Count >= rows);
        Assert.Equal(Hash(expected), Hash(FileLines("again.txt")));
        Assert.Equal(4, Directory.GetFiles(_folder["data/files/done"]).Length);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private Task<ServerProcess> StartAsync() => ServerProcess.StartAsync(_folder["data"], "--RestStream:Connect:AllowedNetworks:0=127.0.0.0/8");

    private static Dictionary<string, string> Source(params (string Name, string Value)[] settings) => With(settings, new()
    {
        ["connector.class"] = "DirectorySource",
        ["topic"] = "airports",
        ["format"] = "csv",
        ["csv.first.row.as.header"] = "true",
        ["input.path"] = "in",
        ["finished.path"] = "done",
        ["key.fields"] = "iata",
        ["file.minimum.age.ms"] = "0",
        ["empty.poll.wait.ms"] = "50",
        ["batch.size"] = "50",
        ["topic.creation.default.partitions"] = "3",
        ["topic.creation.default.replication.factor"] = "1",
        ["key.converter"] = Text,
        ["transforms"] = "rename,source",
        ["transforms.rename.type"] = "org.apache.kafka.connect.transforms.ReplaceField$Value",
        ["transforms.rename.renames"] = "iata:code",
        ["transforms.source.type"] = "org.apache.kafka.connect.transforms.InsertField$Value",
        ["transforms.source.static.field"] = "source",
        ["transforms.source.static.value"] = "vega",
    });

    private static Dictionary<string, string> Http(WebReceiver receiver, params (string Name, string Value)[] settings) => With(settings, new()
    {
        ["connector.class"] = "HttpSink",
        ["topics"] = "airports",
        ["http.url"] = receiver.Address.ToString(),
        ["key.converter"] = Text,
        ["value.converter"] = Text,
        ["batching.enabled"] = "true",
        ["batch.max.size"] = "100",
    });

    private static Dictionary<string, string> With((string Name, string Value)[] settings, Dictionary<string, string> config)
    {
        foreach (var (name, value) in settings)
            config[name] = value;
        return config;
    }

    private async Task PutAsync(string connector, Dictionary<string, string> config)
    {
        using var answer = await _server.Client.PutAsJsonAsync($"connectors/{connector}/config", config);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task CallAsync(HttpMethod method, string path)
    {
        // A connector that was just told to stop needs a moment until its offsets may be changed.
        for (var tries = 0; ; tries++)
        {
            using var request = new HttpRequestMessage(method, path);
            using var answer = await _server.Client.SendAsync(request);
            if (answer.IsSuccessStatusCode)
                return;
            Assert.True(tries < 100 && method == HttpMethod.Delete, $"{method} {path}: {await answer.Content.ReadAsStringAsync()}");
            await Task.Delay(50);
        }
    }

    /// <summary>Renamed into the folder, as who hands files over does it.</summary>
    private void DropFile(string[] csv, int from, int to)
    {
        var path = _folder[$"part-{from:D6}.csv"];
        File.WriteAllLines(path, [csv[0], .. csv[(1 + from)..(1 + to)]]);
        File.Move(path, _folder[$"data/files/in/part-{from:D6}.csv"]);
    }

    private static List<string> Received(WebReceiver receiver) => [.. receiver.Requests.SelectMany(r => r.Body.Split('\n'))];

    private List<string> FileLines(string name) => File.Exists(_folder["data/files/" + name]) ? [.. File.ReadAllLines(_folder["data/files/" + name])] : [];

    private async Task<List<string>> TopicAsync()
    {
        var rows = new List<string>();
        for (var query = "from=earliest"; ;)
        {
            var page = await _server.Client.GetFromJsonAsync<JsonElement>($"topics/airports/records?{query}&max_records=10000");
            rows.AddRange(page.GetProperty("records").EnumerateArray().Select(r => r.GetProperty("value").GetRawText()));
            if (page.GetProperty("end").GetBoolean())
                return rows;
            query = $"cursor={page.GetProperty("cursor").GetString()}";
        }
    }

    /// <summary>Over all rows in the order of their text: equal rows, equal counts.</summary>
    private static string Hash(IEnumerable<string> rows)
    {
        var lines = rows.Select(Normal).Order(StringComparer.Ordinal).ToList();
        return $"{lines.Count} rows {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))))}";
    }

    private static string Normal(string json) => string.Join('|', JsonSerializer.Deserialize<SortedDictionary<string, string>>(json)!.Select(e => $"{e.Key}={e.Value}"));

    private static List<string> Expected(string[] csv)
    {
        using var parser = new TextFieldParser(new StringReader(string.Join('\n', csv))) { Delimiters = [","], HasFieldsEnclosedInQuotes = true };
        var names = parser.ReadFields()!;
        var rows = new List<string>();
        while (!parser.EndOfData)
        {
            var row = parser.ReadFields()!.Zip(names, (value, name) => (Name: name == "iata" ? "code" : name, value)).ToDictionary(f => f.Name, f => f.value);
            row["source"] = "vega";
            rows.Add(JsonSerializer.Serialize(row));
        }

        return rows;
    }

    private async Task UntilAsync(Func<bool> done)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (!done())
        {
            Assert.True(DateTime.UtcNow < deadline, $"It does not go on: {await _server.Client.GetStringAsync("connectors?expand=status")}\n{_server.Output}");
            await Task.Delay(20);
        }
    }
}
