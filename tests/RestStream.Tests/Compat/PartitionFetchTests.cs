using System.Text;
using System.Text.Json;
using RestStream.Storage;
using RestStream.Storage.Records;
using RestStream.Tests.Read;

namespace RestStream.Tests.Compat;

/// <summary>The stateless read of one partition that Redpanda's proxy has: <c>offset</c>, <c>timeout</c> and <c>max_bytes</c>, an array of records.</summary>
public sealed class PartitionFetchTests : IAsyncLifetime
{
    private const string Records = "/topics/orders/partitions/0/records";
    private const string JsonType = "application/vnd.kafka.json.v2+json";
    private const string BinaryType = "application/vnd.kafka.binary.v2+json";
    private ReadServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ReadServer.StartAsync();
        await _server.CreateAsync("orders");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Records_have_exactly_the_members_of_the_family()
    {
        var time = _server.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await AppendAsync(time, "{\"k\":1}", "{\"a\": 1.50}");

        var json = await GetAsync("?offset=0&timeout=0&max_bytes=100000", JsonType);
        var binary = await GetAsync("?offset=0&timeout=0&max_bytes=100000", BinaryType);

        Assert.Equal((200, JsonType), (json.Status, json.Type));
        Assert.Equal($$"""[{"topic":"orders","key":{"k":1},"value":{"a": 1.50},"partition":0,"offset":0,"timestamp":{{time}}}]""", json.Body.GetRawText());
        Assert.Equal((200, BinaryType), (binary.Status, binary.Type));
        Assert.Equal(
            $$"""[{"topic":"orders","key":"eyJrIjoxfQ==","value":"eyJhIjogMS41MH0=","partition":0,"offset":0,"timestamp":{{time}}}]""", binary.Body.GetRawText());
    }

    [Fact]
    public async Task What_is_no_json_comes_as_a_string_that_says_so()
    {
        await AppendAsync(0, null, "plain");

        var record = (await GetAsync("?offset=0&timeout=0&max_bytes=100000", JsonType)).Body[0];

        Assert.Equal(("plain", "text"), (record.GetProperty("value").GetString(), record.GetProperty("value_format").GetString()));
        Assert.Equal(JsonValueKind.Null, record.GetProperty("key").ValueKind);
    }

    [Fact]
    public async Task Reading_goes_on_behind_the_last_offset_until_the_array_is_empty()
    {
        await _server.ProduceAsync("orders", 0, "0", "1", "2", "3", "4");

        var (offset, values) = (0L, new List<int>());
        while (true)
        {
            var (status, page, _) = await GetAsync($"?offset={offset}&timeout=0&max_bytes=1", JsonType);
            Assert.Equal(200, status);
            if (page.GetArrayLength() == 0)
                break;
            values.AddRange(page.EnumerateArray().Select(r => r.GetProperty("value").GetInt32()));
            offset = page.EnumerateArray().Last().GetProperty("offset").GetInt64() + 1;
        }

        Assert.Equal([0, 1, 2, 3, 4], values);
        Assert.Equal(5, offset);
    }

    [Fact]
    public async Task One_record_is_given_even_if_it_is_larger_than_max_bytes()
    {
        await _server.ProduceAsync("orders", 0, $"\"{new string('x', 5000)}\"", "1");

        var page = (await GetAsync("?offset=0&timeout=0&max_bytes=100", JsonType)).Body;

        Assert.Equal(5000, Assert.Single(page.EnumerateArray()).GetProperty("value").GetString()!.Length);
    }

    [Fact]
    public async Task The_end_is_an_empty_array_and_beyond_it_is_416_with_the_end()
    {
        await _server.ProduceAsync("orders", 0, "0", "1");

        var atEnd = await GetAsync("?offset=2&timeout=0&max_bytes=100000", JsonType);
        var beyond = await GetAsync("?offset=3&timeout=0&max_bytes=100000", JsonType);

        Assert.Equal((200, JsonType, "[]"), (atEnd.Status, atEnd.Type, atEnd.Body.GetRawText()));
        Assert.Equal((416, "application/vnd.kafka.v2+json"), (beyond.Status, beyond.Type));
        Assert.Equal(41601, beyond.Body.GetProperty("error_code").GetInt32());
        Assert.Equal(2, beyond.Body.GetProperty("end").GetInt64());
    }

    [Fact]
    public async Task Below_the_log_start_is_410_with_the_first_offset()
    {
        await _server.ProduceAsync("orders", 0, "0", "1", "2");
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 2 }, default);

        var (status, error, type) = await GetAsync("?offset=1&timeout=0&max_bytes=100000", JsonType);

        Assert.Equal((410, "application/vnd.kafka.v2+json"), (status, type));
        Assert.Equal((41001, 2), (error.GetProperty("error_code").GetInt32(), error.GetProperty("earliest").GetInt32()));
    }

    [Fact]
    public async Task A_fetch_at_the_end_waits_for_the_next_record()
    {
        var waiting = GetAsync("?offset=0&timeout=30000&max_bytes=100000", JsonType);
        await _server.UntilParkedAsync();

        await _server.ProduceAsync("orders", 0, "7");

        Assert.Equal(7, Assert.Single((await waiting).Body.EnumerateArray()).GetProperty("value").GetInt32());
    }

    [Fact]
    public async Task A_fetch_at_the_end_is_answered_with_an_empty_array_when_its_time_is_up()
    {
        var waiting = GetAsync("?offset=0&timeout=1000&max_bytes=100000", BinaryType);
        await _server.UntilParkedAsync();
        _server.Clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(waiting.IsCompleted);

        // A reader counts as parked a moment before its timer is armed; further moves cover that.
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!waiting.IsCompleted)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            _server.Clock.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(1);
        }

        var (status, page, type) = await waiting;
        Assert.Equal((200, BinaryType, "[]"), (status, type, page.GetRawText()));
    }

    [Theory]
    [InlineData("/topics/orders/partitions/0/records?offset=-1", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?offset=x", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?offset=", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?offset=9223372036854775808", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?offset=0&offset=1", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?timeout=-1", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?timeout=1s", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?max_bytes=0", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/records?max_bytes=x", 400, 40001)]
    [InlineData("/topics/orders/partitions/x/records?offset=0", 400, 40001)]
    [InlineData("/topics/orders/partitions/1/records?offset=0", 404, 40402)]
    [InlineData("/topics/orders/partitions/-1/records?offset=0", 404, 40402)]
    [InlineData("/topics/missing/partitions/0/records?offset=0", 404, 40403)]
    public async Task What_cannot_be_read_is_refused_in_the_v2_type(string path, int expected, int code)
    {
        var (status, error, response) = await _server.GetAsync(path, ("Accept", JsonType));

        Assert.Equal((expected, "application/vnd.kafka.v2+json"), (status, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal(code, error.GetProperty("error_code").GetInt32());
    }

    private async Task<(int Status, JsonElement Body, string Type)> GetAsync(string query, string accept)
    {
        var (status, body, response) = await _server.GetAsync(Records + query, ("Accept", accept));
        return (status, body, response.Content.Headers.ContentType!.ToString());
    }

    private async Task AppendAsync(long time, string? key, string value)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(time, key is null, Encoding.UTF8.GetBytes(key ?? ""), false, Encoding.UTF8.GetBytes(value));
        await _server.Broker.ProduceAsync(new TopicPartition("orders", 0), builder.Build());
    }
}
