using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Tests.Produce;

namespace RestStream.Tests.Compat;

/// <summary>The real host on a free port, in this process, for the tests of one class. With a clock of the test's, or the system's.</summary>
public sealed class CompatServer : IAsyncLifetime
{
    public const string V2 = "application/vnd.kafka.v2+json";
    public const string JsonType = "application/vnd.kafka.json.v2+json";
    public const string BinaryType = "application/vnd.kafka.binary.v2+json";
    public const string TextType = "application/vnd.kafka.text.v2+json";

    private static int s_names;
    private readonly TempFolder _folder = new("compat");
    private readonly TimeProvider _clock;
    private readonly (string Setting, string Value)[] _settings;
    private WebApplicationFactory<Program>? _host;

    public CompatServer() : this(TimeProvider.System) { }

    internal CompatServer(TimeProvider clock, params (string Setting, string Value)[] settings)
    {
        _clock = clock;
        _settings = settings;
    }

    public HttpClient Client { get; private set; } = null!;
    internal IBroker Broker { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _host = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
        {
            builder.UseEnvironment("Production");
            builder.UseSetting("urls", "http://127.0.0.1:0");
            builder.UseSetting("RestStream:DataDirectory", _folder["data"]);
            builder.UseSetting("RestStream:Broker:MinFreeBytes", "0");
            foreach (var (setting, value) in _settings)
                builder.UseSetting(setting, value);
            builder.ConfigureTestServices(services => services.AddSingleton(_clock));
        });
        _host.UseKestrel(0);
        _host.StartServer();
        Client = _host.CreateClient();
        while (!(await Client.GetAsync("/health/ready")).IsSuccessStatusCode)
            await Task.Delay(1);
        Broker = _host.Services.GetRequiredService<IBroker>();
    }

    public async Task DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();

        // The program disposes of its services itself, on its own thread; its last word is the marker of a clean stop.
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!File.Exists(Path.Combine(_folder["data"], ".kafka_cleanshutdown")))
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }

        _folder.Dispose();
    }

    /// <summary>Waits until this many readers are parked, of all that this server has.</summary>
    public async Task UntilParkedAsync(int readers)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (((EmbeddedBroker)Broker).ParkedReaders != readers)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }
    }

    /// <summary>A name that no other test of this process has.</summary>
    public static string NewName(string kind = "t") => $"{kind}{Interlocked.Increment(ref s_names)}";

    public async Task<string> CreateTopicAsync(int partitions = 1, params (string Key, string Value)[] configs)
    {
        var name = NewName();
        await Broker.CreateTopicAsync(new TopicSpec(name, partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);
        return name;
    }

    public async Task ProduceAsync(string topic, int partition, params string[] jsonValues)
    {
        var answer = await SendAsync("POST", $"/topics/{topic}/partitions/{partition}", $$"""{"records":[{{string.Join(',', jsonValues.Select(v => $$"""{"value":{{v}}}"""))}}]}""", JsonType);
        Assert.Equal(200, answer.Status);
    }

    /// <param name="method">HTTP method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="body">Null: none, and no Content-Type either unless one is given.</param>
    /// <param name="contentType">Null: the family's own.</param>
    /// <param name="accept">Null: no such header.</param>
    /// <param name="headers">Further headers.</param>
    public async Task<Answer> SendAsync(string method, string path, string? body = null, string? contentType = null, string? accept = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null || contentType is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body ?? ""));
            if (contentType is not "")
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType ?? V2);
        }

        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Client.SendAsync(request);
        return new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsStringAsync(), response.Headers);
    }

    internal List<StoredRecord> Read(string topic) => ProduceServer.Read(Broker, topic);

    public long CountOf(string topic) => Broker.DescribeTopic(topic).Partitions.Sum(p => p.HighWatermark);
}

/// <summary>One line of the compatibility tables: a request to one product's profile, and its answer.</summary>
/// <param name="Cites">The row of the table.</param>
/// <param name="Profile">Path base without the slash; empty = the root.</param>
/// <param name="Request">Method and path; <c>{t}</c> is a topic with two partitions and a record in each.</param>
public sealed record Row(string Cites, string Profile, string Request)
{
    public string? Body { get; init; }
    public string? ContentType { get; init; }
    public string? Accept { get; init; }
    public int Status { get; init; } = 200;
    public int? Code { get; init; }

    /// <summary>The whole answer, or a part of it when it begins with <c>…</c>.</summary>
    public string? Answer { get; init; }
    public string? AnswerType { get; init; }

    /// <summary>Values that are in the topic afterwards, besides the two that were there.</summary>
    public string[]? Stored { get; init; }

    public override string ToString() => $"{(Profile.Length == 0 ? "root" : Profile)}: {Cites}: {Request} {Body}";

    /// <summary>Sends the request and compares.</summary>
    public async Task<Answer> CheckAsync(CompatServer server, params (string From, string To)[] replacements)
    {
        var method = Request[..Request.IndexOf(' ')];
        var path = (Profile.Length == 0 ? "" : "/" + Profile) + Request[(Request.IndexOf(' ') + 1)..];
        var body = Body;
        var answer = Answer;
        foreach (var (from, to) in replacements)
            (path, body, answer) = (path.Replace(from, to), body?.Replace(from, to), answer?.Replace(from, to));

        var got = await server.SendAsync(method, path, body, ContentType, Accept);

        Assert.True(got.Status == Status, $"{got.Status}, not {Status}: {got.Body}");
        if (AnswerType is not null)
            Assert.Equal(AnswerType, got.ContentType);
        if (Code is { } code)
            Assert.Equal(code, got.ErrorCode);
        if (answer is ['…', .. var part])
            Assert.Contains(part, got.Body);
        else if (answer is not null)
            Assert.Equal(answer, got.Body);
        if (Status >= 400 && Code is not null && got.Body.Length > 0)
            Assert.NotEmpty(got.Json.GetProperty("message").GetString()!);
        return got;
    }

    public static IEnumerable<object[]> Cases(IEnumerable<Row> rows) => rows.Select(r => new object[] { r });

    /// <summary>The same row for several profiles.</summary>
    public static IEnumerable<Row> For(string profiles, Func<string, Row> row) => profiles.Split(' ').Select(row);
}
