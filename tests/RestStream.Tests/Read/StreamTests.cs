using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace RestStream.Tests.Read;

public sealed class StreamTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Headers_and_a_first_comment_are_there_before_any_record()
    {
        await _server.CreateAsync("orders");

        using var events = await _server.FollowAsync("/topics/orders/records");

        Assert.Equal(HttpStatusCode.OK, events.Response.StatusCode);
        Assert.Equal("text/event-stream", events.Response.Content.Headers.ContentType!.ToString());
        Assert.Equal(["no-cache", "no-transform"], events.Response.Headers.CacheControl!.ToString().Split(", ").Order());
        Assert.Equal("no", events.Response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.Empty(events.Response.Content.Headers.ContentEncoding);
        Assert.Equal("ok", (await events.NextAsync())!.Comment);
        Assert.Equal("2000", (await events.NextAsync())!.Retry);
    }

    [Fact]
    public async Task Records_are_unnamed_events_whose_id_is_the_cursor_behind_them()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 1, "1");
        using var events = await _server.FollowAsync("/topics/orders/records");

        var first = await events.NextEventAsync();
        await _server.ProduceAsync("orders", 0, "2", "3");
        var second = await events.NextEventAsync();
        var third = await events.NextEventAsync();

        Assert.Null(first!.Name);
        Assert.EndsWith(",0:0,1:1", first.Id);
        Assert.Equal("1", Value(first));
        Assert.EndsWith(",0:1,1:1", second!.Id);
        Assert.Equal("2", Value(second));
        Assert.EndsWith(",0:2,1:1", third!.Id);
        Assert.Equal("3", Value(third));
    }

    [Theory]
    [InlineData("header")]
    [InlineData("last_event_id")]
    [InlineData("cursor")]
    public async Task Resuming_by_id_after_every_record_loses_and_repeats_nothing(string how)
    {
        await _server.CreateAsync("orders", partitions: 3);
        for (var i = 0; i < 12; i++)
            await _server.ProduceAsync("orders", i % 3, $"{i}", $"{i + 100}");

        var seen = new List<int>();
        string? id = null;
        for (var i = 0; i < 24; i++)
        {
            var query = id is null || how == "header" ? "" : $"?{how}={id}";
            using var events = await _server.FollowAsync($"/topics/orders/records{query}", how == "header" ? id : null);
            var next = await events.NextEventAsync();
            seen.Add(int.Parse(Value(next!), CultureInfo.InvariantCulture));
            id = next!.Id;
        }

        Assert.Equal(Enumerable.Range(0, 12).Concat(Enumerable.Range(100, 12)), seen.Order());
    }

    [Fact]
    public async Task The_header_of_a_reconnect_wins_over_the_cursor_of_its_old_URL()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2");

        using var events = await _server.FollowAsync("/topics/orders/records?cursor=0:0", lastEventId: "0:2");

        Assert.Equal("2", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task A_quiet_stream_has_a_comment_every_heartbeat()
    {
        await _server.CreateAsync("orders");
        using var events = await _server.FollowAsync("/topics/orders/records");
        await events.NextAsync();
        await events.NextAsync();

        for (var i = 0; i < 3; i++)
        {
            await _server.UntilParkedAsync();
            _server.Clock.Advance(TimeSpan.FromSeconds(15));
            Assert.Equal("", (await events.NextAsync())!.Comment);
        }
    }

    [Fact]
    public async Task What_was_deleted_is_told_as_a_gap_and_the_stream_goes_on_behind_it()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2");
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 2 }, default);

        using var events = await _server.FollowAsync("/topics/orders/records", lastEventId: "0:1");
        var gap = await events.NextEventAsync();
        var record = await events.NextEventAsync();

        Assert.Equal("gap", gap!.Name);
        Assert.Equal("""{"partition":0,"requested":1,"resumed":2}""", gap.Data);
        Assert.EndsWith(",0:2", gap.Id);
        Assert.Equal("2", Value(record!));
    }

    [Fact]
    public async Task Damaged_records_are_a_gap()
    {
        await _server.CreateAsync("orders");
        for (var i = 0; i < 3; i++)
            await _server.ProduceAsync("orders", 0, $"{i}");
        _server.Damage("orders", 0, offset: 1);

        using var events = await _server.FollowAsync("/topics/orders/records");

        Assert.Equal("0", Value((await events.NextEventAsync())!));
        var gap = await events.NextEventAsync();
        Assert.Equal("gap", gap!.Name);
        Assert.Equal("""{"partition":0,"requested":1,"resumed":2,"reason":"damaged"}""", gap.Data);
        Assert.Equal("2", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task A_place_beyond_the_end_is_a_gap_back_to_the_end()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0");

        using var events = await _server.FollowAsync("/topics/orders/records", lastEventId: "0:9");
        var gap = await events.NextEventAsync();
        await _server.ProduceAsync("orders", 0, "1");

        Assert.Equal("""{"partition":0,"requested":9,"resumed":1,"reason":"beyond_end"}""", gap!.Data);
        Assert.Equal("1", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task A_topic_that_was_made_again_is_a_reset_for_whoever_follows_and_whoever_comes_back()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 1, "old");
        using var events = await _server.FollowAsync("/topics/orders/records");
        var id = (await events.NextEventAsync())!.Id;
        await _server.Broker.DeleteTopicAsync("orders", default);
        Assert.Equal("topic_deleted", Reason(await events.NextEventAsync(), "end"));
        Assert.Null(await events.NextEventAsync());

        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "7");
        using var back = await _server.FollowAsync("/topics/orders/records", lastEventId: id);

        var reset = await back.NextEventAsync();
        Assert.Equal("topic_recreated", Reason(reset, "reset"));
        Assert.NotEqual(id![..7], reset!.Id![..7]);
        Assert.EndsWith(",0:0", reset.Id);
        Assert.Equal("7", Value((await back.NextEventAsync())!));
    }

    [Fact]
    public async Task Partitions_that_are_added_are_followed_within_a_heartbeat()
    {
        await _server.CreateAsync("orders");
        using var events = await _server.FollowAsync("/topics/orders/records");
        await events.NextAsync();
        await events.NextAsync();
        await _server.UntilParkedAsync();

        await _server.Broker.AlterTopicAsync("orders", new(2, new Dictionary<string, string?>()), default);
        await _server.ProduceAsync("orders", 1, "9");
        _server.Clock.Advance(TimeSpan.FromSeconds(15));

        var record = await events.NextEventAsync();
        Assert.Equal("9", Value(record!));
        Assert.EndsWith(",0:0,1:1", record!.Id);
    }

    [Fact]
    public async Task The_server_ends_its_streams_when_it_stops()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        using var events = await _server.FollowAsync("/topics/orders/records");
        var record = await events.NextEventAsync();

        var stopped = _server.StopAsync();
        var end = await events.NextEventAsync();

        Assert.Equal("shutdown", Reason(end, "end"));
        Assert.Equal(record!.Id, end!.Id);
        Assert.Null(await events.NextEventAsync());
        await stopped.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Until_ends_a_stream()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0");
        using var events = await _server.FollowAsync("/topics/orders/records?until=2");
        await _server.ProduceAsync("orders", 0, "1", "2");

        Assert.Equal("0", Value((await events.NextEventAsync())!));
        Assert.Equal("1", Value((await events.NextEventAsync())!));
        var end = await events.NextEventAsync();
        Assert.Equal("until", Reason(end, "end"));
        Assert.EndsWith(",0:2", end!.Id);
        Assert.Null(await events.NextEventAsync());
    }

    [Fact]
    public async Task Until_a_time_that_is_yet_to_come_ends_a_stream_when_a_record_reaches_it()
    {
        await _server.CreateAsync("orders");
        var time = _server.Clock.GetUtcNow();
        using var events = await _server.FollowAsync($"/topics/orders/records?until=t={time.ToUnixTimeMilliseconds() + 1000}");

        await _server.ProduceAtAsync("orders", 0, time, "0");
        Assert.Equal("0", Value((await events.NextEventAsync())!));
        await _server.ProduceAtAsync("orders", 0, time.AddSeconds(1), "1");

        Assert.Equal("until", Reason(await events.NextEventAsync(), "end"));
    }

    [Theory]
    [InlineData("\"a\\n\\nevent: x\\ndata: evil\\n\\n\"")]
    [InlineData("{\n\n\"event\":\n\"x\"\n}")]
    [InlineData("[1,\r2,\r\n3,\n4]")]
    [InlineData("{\"a\":\r\r1}")]
    [InlineData("\n\nevent: x\ndata: evil\n\n")]
    [InlineData("\r\rid: 9:9\r\r")]
    [InlineData(": comment")]
    [InlineData("\u2028\u0085\u000b")]
    public async Task A_value_with_line_breaks_stays_one_event_and_arrives_as_it_was(string value)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, value, "\"next\"");
        using var events = await _server.FollowAsync("/topics/orders/records");

        var first = await events.NextEventAsync();
        var second = await events.NextEventAsync();

        Assert.Null(first!.Name);
        Assert.EndsWith(",0:1", first.Id);
        var shown = JsonDocument.Parse(first.Data!).RootElement.GetProperty("value");
        if (IsJson(value))
            Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(value).RootElement, shown));
        else
            Assert.Equal(value, shown.GetString());
        Assert.Equal("next", Value(second!));
        Assert.EndsWith(",0:2", second!.Id);
    }

    [Fact]
    public async Task A_catching_up_stream_delivers_everything_in_order()
    {
        await _server.CreateAsync("orders");
        for (var batch = 0; batch < 20; batch++)
            await _server.ProduceAsync("orders", 0, [.. Enumerable.Range(batch * 500, 500).Select(i => $"\"{i:D200}\"")]);
        using var events = await _server.FollowAsync("/topics/orders/records");

        for (var i = 0; i < 10_000; i++)
        {
            var next = await events.NextEventAsync();
            Assert.Equal($"{i:D200}", Value(next!));
            Assert.EndsWith($",0:{i + 1}", next!.Id);
        }
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_dropped()
    {
        await _server.CreateAsync("orders");
        for (var i = 0; i < 32; i++)
            await _server.ProduceAsync("orders", 0, $"\"{new string('x', 1_000_000)}\"");
        var idle = _server.Clock.ArmedTimers;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, _server.Client.BaseAddress!.Port);
        await socket.SendAsync("GET /topics/orders/records HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"u8.ToArray());
        await _server.UntilArmedAsync(idle + 1);
        var buffer = new byte[1024 * 1024];
        long received = await socket.ReceiveAsync(buffer.AsMemory(0, 1));

        // Time passes until the write that stands still is old enough; those before it still found room in the socket.
        using var giveUp = new CancellationTokenSource(s_patience);
        while (_server.OpenStreams > 0)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            _server.Clock.Advance(TimeSpan.FromSeconds(30));
            await Task.Delay(1);
        }

        try
        {
            while (await socket.ReceiveAsync(buffer).WaitAsync(s_patience) is > 0 and var bytes)
                received += bytes;
        }
        catch (SocketException)
        {
            // Cut off hard, which is as good.
        }

        Assert.InRange(received, 1, 31_000_000);
    }

    [Fact]
    public async Task One_stream_too_many_is_told_to_come_back_and_not_refused()
    {
        await using var server = await ReadServer.StartAsync(limits => limits.MaxStreams = 1);
        await server.CreateAsync("orders");
        using (var first = await server.FollowAsync("/topics/orders/records"))
        {
            Assert.Equal("ok", (await first.NextAsync())!.Comment);

            using var second = await server.FollowAsync("/topics/orders/records");
            Assert.Equal(HttpStatusCode.OK, second.Response.StatusCode);
            Assert.NotNull((await second.NextAsync())!.Comment);
            Assert.Equal("15000", (await second.NextAsync())!.Retry);
            Assert.Null(await second.NextAsync());

            using var lines = await LinesAsync(server, "/topics/orders/records?live=true");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, lines.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(15), lines.Headers.RetryAfter!.Delta);
        }

        // The place is free again once the server notices that the first has gone.
        using var giveUp = new CancellationTokenSource(s_patience);
        while (true)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            using var third = await server.FollowAsync("/topics/orders/records");
            if ((await third.NextAsync())!.Comment == "ok")
                break;
        }
    }

    [Fact]
    public async Task A_stream_works_over_HTTP2()
    {
        await _server.CreateAsync("orders");
        using var events = await EventReader.OpenAsync(_server.Http2, "/topics/orders/records", null);

        Assert.Equal(HttpVersion.Version20, events.Response.Version);
        Assert.Equal("ok", (await events.NextAsync())!.Comment);
        await _server.ProduceAsync("orders", 0, "1");
        Assert.Equal("1", Value((await events.NextEventAsync())!));
    }

    [Fact]
    public async Task Several_topics_can_be_followed_in_one_stream()
    {
        await _server.CreateAsync("orders");
        await _server.CreateAsync("bills");
        using var events = await _server.FollowAsync("/records?topics=orders,bills&from=latest");

        await _server.ProduceAsync("bills", 0, "1");
        var first = await events.NextEventAsync();
        await _server.ProduceAsync("orders", 0, "2");
        var second = await events.NextEventAsync();

        Assert.EndsWith(",orders/0:0,bills/0:1", first!.Id);
        Assert.EndsWith(",orders/0:1,bills/0:1", second!.Id);
    }

    [Fact]
    public async Task Mistakes_are_refused_before_the_stream_begins()
    {
        await _server.CreateAsync("orders");

        using var missing = await _server.FollowAsync("/topics/missing/records");
        using var garbage = await _server.FollowAsync("/topics/orders/records", lastEventId: "garbage");

        Assert.Equal(HttpStatusCode.NotFound, missing.Response.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, garbage.Response.StatusCode);
    }

    [Fact]
    public async Task Live_NDJSON_follows_with_an_empty_line_as_heartbeat()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "{\n\"a\":1}");
        using var response = await LinesAsync(_server, "/topics/orders/records?live=true");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("", await lines.ReadLineAsync().WaitAsync(s_patience));
        Assert.Equal(0, JsonDocument.Parse((await lines.ReadLineAsync().WaitAsync(s_patience))!).RootElement.GetProperty("offset").GetInt64());
        await _server.ProduceAsync("orders", 0, "2");
        Assert.Equal(1, JsonDocument.Parse((await lines.ReadLineAsync().WaitAsync(s_patience))!).RootElement.GetProperty("offset").GetInt64());
        await _server.UntilParkedAsync();
        _server.Clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("", await lines.ReadLineAsync().WaitAsync(s_patience));
    }

    [Fact]
    public async Task Live_NDJSON_ends_with_the_error_when_it_comes_upon_a_gap()
    {
        await _server.CreateAsync("orders");
        for (var i = 0; i < 3; i++)
            await _server.ProduceAsync("orders", 0, $"{i}");
        _server.Damage("orders", 0, offset: 1);

        using var response = await LinesAsync(_server, "/topics/orders/records?live=true");
        var lines = (await response.Content.ReadAsStringAsync().WaitAsync(s_patience)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using var below = await LinesAsync(_server, "/topics/orders/records?live=true&from=7");

        Assert.Equal(2, lines.Length);
        Assert.Equal(2, JsonDocument.Parse(lines[1]).RootElement.GetProperty("error").GetProperty("next_good_offset").GetInt64());
        Assert.Equal(416, (int)below.StatusCode);
    }

    private static async Task<HttpResponseMessage> LinesAsync(ReadServer server, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", "application/x-ndjson");
        return await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(s_patience);
    }

    private static string Value(ServerEvent record)
    {
        var value = JsonDocument.Parse(record.Data!).RootElement.GetProperty("value");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }

    private static string? Reason(ServerEvent? ended, string name)
    {
        Assert.Equal(name, ended!.Name);
        return JsonDocument.Parse(ended.Data!).RootElement.GetProperty("reason").GetString();
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
