using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Http.Errors;
using RestStream.Http.Groups;
using RestStream.Http.Records;
using RestStream.Http.Topics;
using RestStream.Settings;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Tests.Read;

/// <summary>Reading and topics over real HTTP (one listener for HTTP/1.1, one for HTTP/2) on a broker in a temp folder, with a clock that the test moves.</summary>
internal sealed class ReadServer : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly WebApplication _app;

    private ReadServer(TempFolder folder, WebApplication app, EmbeddedBroker broker, ManualClock clock)
    {
        _folder = folder;
        _app = app;
        Broker = broker;
        Clock = clock;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        Client = new HttpClient { BaseAddress = new Uri(addresses[0]) };
        Http2 = new HttpClient
        {
            BaseAddress = new Uri(addresses[1]),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public EmbeddedBroker Broker { get; }
    public ManualClock Clock { get; }
    public HttpClient Client { get; }
    public HttpClient Http2 { get; }
    public string DataDirectory => _folder.Path;

    /// <summary>Members of groups whose stream was cut and who may still come back.</summary>
    public int OpenStreams => _app.Services.GetRequiredService<StreamGate>().Open;

    public int StreamsInGrace => _app.Services.GetRequiredService<GroupStreams>().InGrace;

    public static async Task<ReadServer> StartAsync(Action<LimitOptions>? limits = null, GroupOptions? groups = null)
    {
        var folder = new TempFolder("read");
        var clock = new ManualClock();
        var broker = await EmbeddedBroker.OpenAsync(folder.Path, new BrokerOptions { MinFreeBytes = 0 }, new LinuxFileSystem(), clock, NullLogger.Instance, groups);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Logging.ClearProviders();
        builder.Services.AddRoutingCore().AddErrorResponses();
        builder.Services.AddSingleton<TimeProvider>(clock).AddSingleton<IBroker>(broker);
        builder.Services.AddSingleton<StreamGate>().AddSingleton<GroupStreams>();
        builder.Services.AddOptions<LimitOptions>().Configure(o => limits?.Invoke(o));
        builder.Services.AddOptions<GroupMemberOptions>();
        var app = builder.Build();
        app.UseErrorResponses();
        app.UseRouting();
        app.MapRecords();
        app.MapTopics();
        app.MapGroups();
        await app.StartAsync();
        return new ReadServer(folder, app, broker, clock);
    }

    public Task<TopicDescription> CreateAsync(string topic, int partitions = 1, params (string Key, string Value)[] configs) =>
        Broker.CreateTopicAsync(new TopicSpec(topic, partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);

    /// <summary>One batch of records with these values, key <c>k</c> and the clock's time.</summary>
    public Task ProduceAsync(string topic, int partition, params string[] values) => ProduceAtAsync(topic, partition, Clock.GetUtcNow(), values);

    public async Task ProduceAtAsync(string topic, int partition, DateTimeOffset time, params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(time.ToUnixTimeMilliseconds(), false, "k"u8, false, Encoding.UTF8.GetBytes(value));
        await Broker.ProduceAsync(new TopicPartition(topic, partition), builder.Build());
    }

    /// <summary>Flips one bit of the last byte of the batch with base offset <paramref name="offset"/> in a partition's only segment.</summary>
    public void Damage(string topic, int partition, long offset)
    {
        var path = Directory.GetFiles(Path.Combine(DataDirectory, $"{topic}-{partition}"), "*.log").Single();
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var header = new byte[RecordBatchHeader.Size];
        long position = 0;
        while (true)
        {
            file.Position = position;
            file.ReadExactly(header);
            var batch = RecordBatchHeader.Read(header);
            if (batch.BaseOffset == offset)
            {
                file.Position = position + batch.TotalBytes - 1;
                var last = file.ReadByte();
                file.Position--;
                file.WriteByte((byte)(last ^ 1));
                return;
            }

            position += batch.TotalBytes;
        }
    }

    /// <summary>Waits until the one reader of the test is parked: its wait is armed, and nothing that happens from now on is missed.</summary>
    public async Task UntilParkedAsync()
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Broker.ParkedReaders != 1)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }
    }

    /// <summary>Waits until this many timers are armed.</summary>
    public async Task UntilArmedAsync(int timers)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Clock.ArmedTimers != timers)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }
    }

    public async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> GetAsync(string path, params (string Name, string Value)[] headers) =>
        await SendAsync(HttpMethod.Get, path, null, headers);

    public async Task<(int Status, JsonElement Body, HttpResponseMessage Response)> SendAsync(
        HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement, response);
    }

    /// <summary>Opens a stream; returns when its headers are there.</summary>
    public Task<EventReader> FollowAsync(string path, string? lastEventId = null) => EventReader.OpenAsync(Client, path, lastEventId);

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Http2.Dispose();
        await _app.DisposeAsync();
        await Broker.DisposeAsync();
        _folder.Dispose();
    }
}
