using System.Text;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Tests.Read;

public sealed class LatestTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("delete")]
    [InlineData("compact")]
    public async Task The_newest_record_of_a_key_is_found_in_the_partition_that_the_key_belongs_to(string policy)
    {
        await _server.CreateAsync("t", 4, ("cleanup.policy", policy), ("segment.bytes", "1100"));
        for (var i = 0; i < 60; i++)
            await ProduceAsync("t", $"k{i % 7}", $"{{\"n\":{i}}}");
        await _server.Broker.Compaction.RoundAsync(default);

        for (var k = 0; k < 7; k++)
        {
            var (status, body, response) = await _server.GetAsync($"/topics/t/records/latest?key=k{k}");

            Assert.Equal(200, status);
            Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
            Assert.Equal($"k{k}", body.GetProperty("key").GetString());
            Assert.Equal(Enumerable.Range(0, 60).Last(i => i % 7 == k), body.GetProperty("value").GetProperty("n").GetInt32());
            Assert.Equal(Partitioner.ForKey(Encoding.UTF8.GetBytes($"k{k}"), 4), body.GetProperty("partition").GetInt32());
            Assert.Equal("t", body.GetProperty("topic").GetString());
            Assert.True(body.GetProperty("offset").GetInt64() >= 0 && body.GetProperty("timestamp").GetInt64() > 0);
        }
    }

    [Fact]
    public async Task A_key_that_was_never_written_or_is_deleted_is_not_found()
    {
        await _server.CreateAsync("t", 2);
        await ProduceAsync("t", "deleted", "1");
        await ProduceAsync("t", "deleted", null);

        foreach (var key in (string[])["never", "deleted", ""])
        {
            var (status, body, _) = await _server.GetAsync($"/topics/t/records/latest?key={key}");
            Assert.Equal(404, status);
            Assert.Equal(40407, body.GetProperty("error_code").GetInt32());
            Assert.Equal("https://reststream.dev/errors/key-not-found", body.GetProperty("type").GetString());
            Assert.Contains("key_format", body.GetProperty("message").GetString());
        }

        await ProduceAsync("t", "deleted", "2");
        Assert.Equal(200, (await _server.GetAsync("/topics/t/records/latest?key=deleted")).Status);
    }

    [Fact]
    public async Task The_key_is_written_as_key_format_says_and_shown_so()
    {
        await _server.CreateAsync("t");
        await ProduceAsync("t", "\"c-17\"", "1");
        await ProduceAsync("t", "a+b ü", "\"text\"");

        Assert.Equal("c-17", (await OkAsync("key=%22c-17%22&key_format=json")).GetProperty("key").GetString());
        Assert.Equal("\"c-17\"", (await OkAsync("key=%22c-17%22")).GetProperty("key").GetString());
        Assert.Equal("text", (await OkAsync("key=a%2Bb%20%C3%BC")).GetProperty("value").GetString());
        var base64 = await OkAsync($"key={Uri.EscapeDataString(Convert.ToBase64String("a+b ü"u8))}&key_format=base64&value_format=base64");
        Assert.Equal(Convert.ToBase64String("a+b ü"u8), base64.GetProperty("key").GetString());
        Assert.Equal(Convert.ToBase64String("\"text\""u8), base64.GetProperty("value").GetString());

        async Task<System.Text.Json.JsonElement> OkAsync(string query)
        {
            var (status, body, _) = await _server.GetAsync($"/topics/t/records/latest?{query}");
            Assert.True(status == 200, body.ToString());
            return body;
        }
    }

    [Fact]
    public async Task Another_partition_can_be_named()
    {
        await _server.CreateAsync("t", 3);
        var home = Partitioner.ForKey("k"u8, 3);
        await _server.ProduceAsync("t", home, "1");
        await _server.ProduceAsync("t", (home + 1) % 3, "2");

        Assert.Equal(1, (await _server.GetAsync("/topics/t/records/latest?key=k")).Body.GetProperty("value").GetInt32());
        Assert.Equal(2, (await _server.GetAsync($"/topics/t/records/latest?key=k&partition={(home + 1) % 3}")).Body.GetProperty("value").GetInt32());
        Assert.Equal(404, (await _server.GetAsync($"/topics/t/records/latest?key=k&partition={(home + 2) % 3}")).Status);
    }

    [Fact]
    public async Task A_key_that_was_written_when_the_topic_had_fewer_partitions_is_found_and_what_deletes_it_counts()
    {
        await _server.CreateAsync("t");
        var key = Enumerable.Range(0, 100).Select(i => $"k{i}").First(k => Partitioner.ForKey(Encoding.UTF8.GetBytes(k), 2) == 1 && Partitioner.ForKey(Encoding.UTF8.GetBytes(k), 4) == 3);
        await ProduceAsync("t", key, "1");
        await GrowAsync(2);
        Assert.Equal(1, await ValueAsync());

        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        await ProduceAsync("t", key, "2");
        await GrowAsync(4);
        Assert.Equal(2, await ValueAsync());
        Assert.Equal(404, (await _server.GetAsync($"/topics/t/records/latest?key={key}&partition=3")).Status);

        await ProduceAsync("t", key, null);
        Assert.Equal(404, (await _server.GetAsync($"/topics/t/records/latest?key={key}")).Status);

        async Task GrowAsync(int partitions) => await _server.Broker.AlterTopicAsync("t", new TopicChange(partitions, new Dictionary<string, string?>()), default);

        async Task<int> ValueAsync() => (await _server.GetAsync($"/topics/t/records/latest?key={key}")).Body.GetProperty("value").GetInt32();
    }

    [Theory]
    [InlineData("/topics/t/records/latest", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&key=b", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&key_format=avro", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&value_format=avro", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&key_format=json", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&key_format=base64", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&partition=x", 400, 40001)]
    [InlineData("/topics/t/records/latest?key=a&partition=-1", 404, 40402)]
    [InlineData("/topics/t/records/latest?key=a&partition=9", 404, 40402)]
    [InlineData("/topics/nobody/records/latest?key=a", 404, 40401)]
    [InlineData("/topics/no!/records/latest?key=a", 422, 42200)]
    public async Task What_is_wrong_with_the_request_is_said(string path, int status, int code)
    {
        await _server.CreateAsync("t");

        var answer = await _server.GetAsync(path);

        Assert.Equal((status, code), (answer.Status, answer.Body.GetProperty("error_code").GetInt32()));
    }

    [Fact]
    public async Task Only_json_is_answered()
    {
        await _server.CreateAsync("t");
        Assert.Equal(406, (await _server.GetAsync("/topics/t/records/latest?key=a", ("Accept", "text/event-stream"))).Status);
    }

    [Fact]
    public async Task Damage_that_may_hide_a_newer_value_is_told()
    {
        await _server.CreateAsync("t");
        await ProduceAsync("t", "old", "1");
        await _server.ProduceAsync("t", 0, "2");
        await _server.ProduceAsync("t", 0, "3");
        _server.Damage("t", 0, 1);

        Assert.Equal(3, (await _server.GetAsync("/topics/t/records/latest?key=k")).Body.GetProperty("value").GetInt32());
        var (status, body, _) = await _server.GetAsync("/topics/t/records/latest?key=old");
        Assert.Equal((500, 50004), (status, body.GetProperty("error_code").GetInt32()));
    }

    private async Task ProduceAsync(string topic, string key, string? value)
    {
        using var builder = new RecordBatchBuilder();
        var bytes = Encoding.UTF8.GetBytes(key);
        builder.Append(_server.Clock.GetUtcNow().ToUnixTimeMilliseconds(), false, bytes, value is null, Encoding.UTF8.GetBytes(value ?? ""));
        var partition = Partitioner.ForKey(bytes, _server.Broker.DescribeTopic(topic).Partitions.Count);
        await _server.Broker.ProduceAsync(new TopicPartition(topic, partition), builder.Build());
    }
}
