using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Connect;

/// <summary>An answer, read whole.</summary>
internal sealed record Answer(int Status, string Text, HttpResponseHeaders Headers, HttpContentHeaders Content)
{
    public JsonElement Json { get; } = Text.StartsWith('{') || Text.StartsWith('[') ? JsonDocument.Parse(Text).RootElement : default;

    /// <summary>The message of Connect's error body.</summary>
    public string Message => Json.GetProperty("message").GetString()!;

    public override string ToString() => $"{Status} {Text}";
}

/// <summary>A server process with the bundled connectors and those of RestStream.TestConnectors, and the calls that tests make.</summary>
public sealed class ConnectServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new("connect");
    private int _lastName;

    private ConnectServer()
    {
    }

    public ServerProcess Server { get; private set; } = null!;

    public HttpClient Client => Server.Client;

    /// <summary>The folder that connectors may use.</summary>
    public string Files => _folder["data/files"];

    private static string PluginPath =>
        string.Join(',', Path.Combine(Path.GetDirectoryName(ServerProcess.BuiltProgram)!, "plugins"), Path.Combine(Locations.RepositoryRoot, "artifacts", "bin", "RestStream.TestConnectors"));

    public static async Task<ConnectServer> StartAsync(params string[] arguments)
    {
        var connect = new ConnectServer();
        Directory.CreateDirectory(connect.Files);
        connect.Server = await ServerProcess.StartAsync(connect._folder["data"],
            ["--RestStream:Connect:PluginPath", PluginPath, "--RestStream:AutoCreateTopics", "true", "--RestStream:Connect:OffsetFlushInterval", "00:00:00.200", .. arguments]);
        return connect;
    }

    /// <summary>A name that no other test has.</summary>
    public string NewName(string stem) => $"{stem}-{Interlocked.Increment(ref _lastName)}";

    public string FilePath(string name) => Path.Combine(Files, name);

    internal async Task<Answer> CallAsync(HttpMethod method, string path, object? body = null, string? accept = "application/json", string? type = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(Client.BaseAddress!, path));
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body as string ?? JsonSerializer.Serialize(body)));
            if (type is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        using var answer = await Client.SendAsync(request);
        return new Answer((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers, answer.Content.Headers);
    }

    internal Task<Answer> GetAsync(string path) => CallAsync(HttpMethod.Get, path);
    internal Task<Answer> PostAsync(string path, object? body = null) => CallAsync(HttpMethod.Post, path, body);
    internal Task<Answer> PutAsync(string path, object? body = null) => CallAsync(HttpMethod.Put, path, body);
    internal Task<Answer> PatchAsync(string path, object body) => CallAsync(HttpMethod.Patch, path, body);
    internal Task<Answer> DeleteAsync(string path) => CallAsync(HttpMethod.Delete, path);

    /// <summary>Creates it and waits until it and <paramref name="tasks"/> tasks run.</summary>
    internal async Task CreateAsync(string name, Dictionary<string, string> config, int tasks = 1)
    {
        var created = await PostAsync("connectors", new { name, config });
        Assert.True(created.Status == 201, created.ToString());
        await UntilAsync(name, "RUNNING", [.. Enumerable.Repeat("RUNNING", tasks)]);
    }

    /// <summary>Waits until connector and tasks are in these states, and that is all there is.</summary>
    internal async Task<JsonElement> UntilAsync(string name, string connector, params string[] tasks)
    {
        Answer status = null!;
        await UntilAsync(async () =>
        {
            status = await GetAsync($"connectors/{Uri.EscapeDataString(name)}/status");
            return status.Status == 200 && status.Json.GetProperty("connector").GetProperty("state").GetString() == connector
                && status.Json.GetProperty("tasks").EnumerateArray().Select(t => t.GetProperty("state").GetString()).SequenceEqual(tasks);
        }, () => $"{name} to be {connector} with tasks [{string.Join(',', tasks)}]; it is {status}\n{Server.Output}");
        return status.Json;
    }

    internal static async Task UntilAsync(Func<Task<bool>> reached, Func<string> what)
    {
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await reached())
        {
            Assert.False(enough.IsCancellationRequested, $"Waited in vain for {what()}");
            await Task.Delay(20);
        }
    }

    internal Task UntilAsync(Func<Task<bool>> reached, string what) => UntilAsync(reached, () => what + "\n" + Server.Output);

    /// <summary>The values of a topic in order of their offsets; empty when there is no topic.</summary>
    internal async Task<IReadOnlyList<JsonElement>> RecordsAsync(string topic)
    {
        var page = await GetAsync($"topics/{topic}/records?from=earliest&max_records=100000");
        return page.Status == 404 ? [] : [.. page.Json.GetProperty("records").EnumerateArray()];
    }

    internal async Task UntilRecordsAsync(string topic, int count)
    {
        var have = 0;
        await UntilAsync(async () => (have = (await RecordsAsync(topic)).Count) >= count, () => $"{count} records in {topic}; there are {have}\n{Server.Output}");
    }

    internal async Task ProduceAsync(string topic, params string[] values)
    {
        using var answer = await Client.PostAsync($"topics/{topic}/records", JsonContent.Create(values.Select(v => new { value = v })));
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>What a test connector wrote of its life; empty before it did.</summary>
    internal IReadOnlyList<string> Journal(string name) => File.Exists(FilePath(name)) ? File.ReadAllLines(FilePath(name)) : [];

    internal static Dictionary<string, string> FileSource(string file, string topic) => new()
    {
        ["connector.class"] = "FileStreamSource",
        ["file"] = file,
        ["topic"] = topic,
        ["value.converter"] = "org.apache.kafka.connect.storage.StringConverter",
    };

    internal static Dictionary<string, string> FileSink(string file, string topics) => new()
    {
        ["connector.class"] = "FileStreamSink",
        ["file"] = file,
        ["topics"] = topics,
        ["value.converter"] = "org.apache.kafka.connect.storage.StringConverter",
    };

    /// <summary>A source that tells of its life in the file <c>{name}.journal</c> and fails by <c>{name}.failures</c>.</summary>
    internal static Dictionary<string, string> Source(string name, int messages = 0, int maxTasks = 1) => new()
    {
        ["connector.class"] = "test.MonitorableSourceConnector",
        ["topic"] = name,
        ["messages"] = $"{messages}",
        ["tasks.max"] = $"{maxTasks}",
        ["journal"] = $"{name}.journal",
        ["failures"] = $"{name}.failures",
        ["restart.policy"] = "never",
    };

    internal static Dictionary<string, string> Sink(string name, string topics, int maxTasks = 1) => new()
    {
        ["connector.class"] = "test.MonitorableSinkConnector",
        ["topics"] = topics,
        ["tasks.max"] = $"{maxTasks}",
        ["output"] = $"{name}.out",
        ["journal"] = $"{name}.journal",
        ["failures"] = $"{name}.failures",
        ["restart.policy"] = "never",
    };

    /// <summary>What shall fail from now on: <c>connector</c>, <c>task 0</c>, <c>start 0</c>, <c>hang 0</c>.</summary>
    internal void Fail(string name, params string[] what)
    {
        var temporary = FilePath($"{name}.failures.tmp");
        File.WriteAllLines(temporary, what);
        File.Move(temporary, FilePath($"{name}.failures"), overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>One server for all checks that need no settings of their own; they run one after the other.</summary>
public sealed class ConnectFixture : IAsyncLifetime
{
    public ConnectServer Connect { get; private set; } = null!;

    public async Task InitializeAsync() => Connect = await ConnectServer.StartAsync();

    public async Task DisposeAsync() => await Connect.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class ConnectChecks : ICollectionFixture<ConnectFixture>
{
    public const string Name = "connect checks";
}
