using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Tests.Produce;

/// <summary>All tests of produce share one server. No others run meanwhile: some look at what the whole process allocates.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProduceCollection : ICollectionFixture<ProduceServer>
{
    public const string Name = "produce";
}

/// <summary>The real host on a free port, in this process, so that a test can look into the log behind it.</summary>
public sealed class ProduceServer : IAsyncLifetime
{
    private static int s_topics;
    private readonly TempFolder _folder = new("produce");
    private WebApplicationFactory<Program>? _host;

    /// <summary>Small limits, so that tests reach them quickly.</summary>
    public const int MaxRequestBytes = 256 * 1024;
    public const int MaxRecords = 50;
    public const int MaxKeyBytes = 1000;

    public HttpClient Client { get; private set; } = null!;
    public Uri Address => Client.BaseAddress!;
    internal IBroker Broker { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _host = await HostAsync(autoCreate: false, _folder["data"]);
        (Client, Broker) = (_host.CreateClient(), _host.Services.GetRequiredService<IBroker>());
    }

    public async Task DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A host with a data folder of its own.</summary>
    public static async Task<WebApplicationFactory<Program>> HostAsync(bool autoCreate, string dataDirectory)
    {
        var host = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
        {
            builder.UseEnvironment("Production");
            builder.UseSetting("urls", "http://127.0.0.1:0");
            builder.UseSetting("RestStream:DataDirectory", dataDirectory);
            builder.UseSetting("RestStream:AutoCreateTopics", autoCreate ? "true" : "false");
            builder.UseSetting("RestStream:Limits:MaxRequestBytes", $"{MaxRequestBytes}");
            builder.UseSetting("RestStream:Limits:MaxRecordsPerRequest", $"{MaxRecords}");
            builder.UseSetting("RestStream:Limits:MaxKeyBytes", $"{MaxKeyBytes}");
            builder.UseSetting("RestStream:Limits:MaxHeadersPerRecord", "5");
            builder.UseSetting("RestStream:Broker:MinFreeBytes", "0");
        });
        host.UseKestrel(0);
        host.StartServer();
        using var client = host.CreateClient();
        while (!(await client.GetAsync("/health/ready")).IsSuccessStatusCode)
            await Task.Delay(1);
        return host;
    }

    public async Task<string> CreateTopicAsync(int partitions = 1, params (string Key, string Value)[] configs)
    {
        var name = $"t{Interlocked.Increment(ref s_topics)}";
        await Broker.CreateTopicAsync(new TopicSpec(name, partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);
        return name;
    }

    public async Task<Answer> PostAsync(string path, string body, string? contentType = "application/json", params (string Name, string Value)[] headers) =>
        await PostAsync(path, Encoding.UTF8.GetBytes(body), contentType, headers);

    public async Task<Answer> PostAsync(string path, byte[] body, string? contentType, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (contentType is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await Client.SendAsync(request);
        return new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync(), response.Headers);
    }

    /// <summary>Everything in the topic, partition by partition.</summary>
    internal List<StoredRecord> Read(string topic) => Read(Broker, topic);

    internal static List<StoredRecord> Read(IBroker broker, string topic)
    {
        var collected = new Collector();
        var description = broker.DescribeTopic(topic);
        foreach (var partition in description.Partitions)
        {
            using var fetch = broker.OpenFetch([new FetchPosition(new TopicPartition(topic, partition.Partition), 0)]);
            var slices = new List<EncodedSlice>();
            while (fetch.Read(collected, 1000, 1 << 20, slices) > 0)
            {
            }
        }

        return collected.Records;
    }

    public long CountOf(string topic) => Broker.DescribeTopic(topic).Partitions.Sum(p => p.HighWatermark);

    /// <summary>Reads batches as records instead of encoding them.</summary>
    private sealed class Collector : RecordEncoder
    {
        public List<StoredRecord> Records { get; } = [];

        public override EncodedBatch Encode(TopicPartition partition, ReadOnlySpan<byte> batch)
        {
            Assert.True(RecordBatch.IsCrcValid(batch));
            var (ends, offsets, timestamps) = (new List<int>(), new List<long>(), new List<long>());
            using var reader = new RecordReader(batch);
            while (reader.MoveNext())
            {
                var record = reader.Current;
                var headers = new List<(string, string?)>();
                var walk = new HeaderReader(record);
                while (walk.MoveNext())
                    headers.Add((Encoding.UTF8.GetString(walk.Key), walk.ValueIsNull ? null : Encoding.UTF8.GetString(walk.Value)));
                Records.Add(new StoredRecord(
                    partition.Partition, record.Offset, record.Timestamp, record.KeyIsNull ? null : record.Key.ToArray(), record.ValueIsNull ? null : record.Value.ToArray(), headers));
                ends.Add(ends.Count + 1);
                offsets.Add(record.Offset);
                timestamps.Add(record.Timestamp);
            }

            return new EncodedBatch(new byte[ends.Count], [.. ends], [.. offsets], [.. timestamps], hasLineBreaks: false);
        }
    }
}

internal sealed record StoredRecord(int Partition, long Offset, long Timestamp, byte[]? Key, byte[]? Value, List<(string Key, string? Value)> Headers)
{
    public string? KeyText => Key is null ? null : Encoding.UTF8.GetString(Key);
    public string? ValueText => Value is null ? null : Encoding.UTF8.GetString(Value);
}

/// <summary>An answer, read to its end.</summary>
public sealed record Answer(int Status, string? ContentType, string Body, HttpResponseHeaders Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public JsonElement[] Lines => [.. Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];

    public JsonElement[] Offsets => [.. Json.GetProperty("offsets").EnumerateArray()];

    public int ErrorCode => Json.GetProperty("error_code").GetInt32();

    public string[] Fields => FieldsOf(Json);

    public static string[] FieldsOf(JsonElement error) =>
        error.TryGetProperty("errors", out var errors) ? [.. errors.EnumerateArray().Select(e => e.GetProperty("field").GetString()!)] : [];

    /// <summary>The one error body of the API, with the same status as the answer.</summary>
    public void IsError(int status, int errorCode, params string[] fields)
    {
        Assert.True(status == Status, $"{Status}, not {status}: {Body}");
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.Equal(errorCode, ErrorCode);
        Assert.StartsWith("https://reststream.dev/errors/", Json.GetProperty("type").GetString());
        Assert.Equal(Json.GetProperty("detail").GetString(), Json.GetProperty("message").GetString());
        Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        Assert.Equal(fields, Fields);
    }

    public Answer Is(HttpStatusCode status)
    {
        Assert.True((int)status == Status, $"{Status}, not {(int)status}: {Body}");
        return this;
    }
}
