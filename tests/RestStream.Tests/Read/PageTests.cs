using System.Globalization;
using System.Text.Json;

namespace RestStream.Tests.Read;

public sealed class PageTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_topic_is_read_page_by_page_with_the_cursor_of_the_page_before()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1", "2", "3");
        await _server.ProduceAsync("orders", 1, "10");

        var values = new List<string>();
        var path = "/topics/orders/records?from=earliest&max_records=2";
        for (var pages = 0; ; pages++)
        {
            var (status, page, response) = await _server.GetAsync(path);
            Assert.Equal(200, status);
            Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
            Assert.InRange(page.GetProperty("records").GetArrayLength(), 0, 2);
            values.AddRange(Values(page));
            Assert.Equal(page.GetProperty("cursor").GetString(), response.Headers.GetValues("RestStream-Cursor").Single());
            if (page.GetProperty("end").GetBoolean())
                break;
            Assert.True(pages < 5);
            path = $"/topics/orders/records?max_records=2&cursor={page.GetProperty("cursor").GetString()}";
        }

        Assert.Equal(["1", "10", "2", "3"], values.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_record_comes_with_every_member()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "{\"total\":12.50}");

        var body = await _server.Client.GetStringAsync("/topics/orders/records");

        var time = _server.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.StartsWith("""{"records":[{"topic":"orders","partition":0,"offset":0,"timestamp":""" + time + ""","key":"k","value":{"total":12.50}}],"cursor":"@""", body);
        Assert.EndsWith(""",0:1","end":true}""", body);
    }

    [Fact]
    public async Task The_end_of_the_log_is_an_empty_page_with_the_same_cursor()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");

        var (status, page, _) = await _server.GetAsync("/topics/orders/records?cursor=0:1");

        Assert.Equal(200, status);
        Assert.Empty(page.GetProperty("records").EnumerateArray());
        Assert.EndsWith(",0:1", page.GetProperty("cursor").GetString());
        Assert.True(page.GetProperty("end").GetBoolean());
    }

    [Theory]
    [InlineData("earliest", "0 1 2 3 4")]
    [InlineData("latest", "")]
    [InlineData("3", "3 4")]
    [InlineData("5", "")]
    [InlineData("-2", "3 4")]
    [InlineData("-100", "0 1 2 3 4")]
    [InlineData("-0", "")]
    [InlineData("t=1767225600000", "0 1 2 3 4")]
    [InlineData("t=1767225720000", "2 3 4")]
    [InlineData("t=1767225720001", "3 4")]
    [InlineData("t=1867225720001", "")]
    [InlineData("2026-01-01T00:03:00Z", "3 4")]
    [InlineData("2026-01-01T00:03:00.000Z", "3 4")]
    [InlineData("2026-01-01t00:03:00z", "3 4")]
    [InlineData("2026-01-01T02:03:00%2B02:00", "3 4")]
    [InlineData("2026-01-01T02:03:00+02:00", "3 4")]
    [InlineData("2025-12-31T22:03:00-02:00", "3 4")]
    [InlineData("-60s", "3 4")]
    [InlineData("-2m", "2 3 4")]
    [InlineData("-1h", "0 1 2 3 4")]
    [InlineData("-1d", "0 1 2 3 4")]
    [InlineData("-9223372036854775807d", "0 1 2 3 4")]
    public async Task From_is_any_kind_of_place(string from, string expected)
    {
        await ProduceOneAMinuteAsync("orders", 5);

        var (status, page, _) = await _server.GetAsync($"/topics/orders/records?from={from}");

        Assert.Equal(200, status);
        Assert.Equal(expected, string.Join(' ', Values(page)));
    }

    [Theory]
    [InlineData("2", "0 1")]
    [InlineData("0", "")]
    [InlineData("99", "0 1 2 3 4")]
    [InlineData("latest", "0 1 2 3 4")]
    [InlineData("t=1767225720000", "0 1")]
    [InlineData("2026-01-01T00:03:00Z", "0 1 2")]
    [InlineData("t=1867225720001", "0 1 2 3 4")]
    public async Task Until_stops_in_front_of_a_place(string until, string expected)
    {
        await ProduceOneAMinuteAsync("orders", 5);

        var (status, page, _) = await _server.GetAsync($"/topics/orders/records?until={until}");

        Assert.Equal(200, status);
        Assert.Equal(expected, string.Join(' ', Values(page)));
        Assert.True(page.GetProperty("end").GetBoolean());
        Assert.EndsWith($",0:{Values(page).Count()}", page.GetProperty("cursor").GetString());
    }

    [Fact]
    public async Task Until_ends_each_partition_for_itself_and_does_not_wait()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1", "2", "3", "4");
        await _server.ProduceAsync("orders", 1, "10", "20", "30", "40");

        var (_, first, _) = await _server.GetAsync("/topics/orders/records?until=2&max_records=3&timeout=60000");
        var (_, second, _) = await _server.GetAsync($"/topics/orders/records?until=2&timeout=60000&cursor={first.GetProperty("cursor").GetString()}");

        Assert.Equal(["1", "10", "2", "20"], Values(first).Concat(Values(second)).Order(StringComparer.Ordinal));
        Assert.True(second.GetProperty("end").GetBoolean());
        Assert.EndsWith(",0:2,1:2", second.GetProperty("cursor").GetString());
    }

    [Fact]
    public async Task Partitions_restrict_what_is_read_and_what_the_cursor_names()
    {
        await _server.CreateAsync("orders", partitions: 3);
        for (var p = 0; p < 3; p++)
            await _server.ProduceAsync("orders", p, $"{p}");

        var (_, page, _) = await _server.GetAsync("/topics/orders/records?partitions=2,0");
        var (_, one, _) = await _server.GetAsync("/topics/orders/partitions/1/records?from=0");

        Assert.Equal(["0", "2"], Values(page).Order());
        Assert.EndsWith(",0:1,2:1", page.GetProperty("cursor").GetString());
        Assert.Equal(["1"], Values(one));
        Assert.EndsWith(",1:1", one.GetProperty("cursor").GetString());
    }

    [Fact]
    public async Task Several_topics_are_read_with_a_cursor_that_names_them()
    {
        await _server.CreateAsync("orders");
        await _server.CreateAsync("bills", partitions: 2);
        await _server.ProduceAsync("orders", 0, "1");
        await _server.ProduceAsync("bills", 1, "2");

        var (_, page, _) = await _server.GetAsync("/records?topics=orders,bills");
        var (_, next, _) = await _server.GetAsync($"/records?topics=orders,bills&cursor={page.GetProperty("cursor").GetString()}");

        Assert.Equal(["orders", "bills"], page.GetProperty("records").EnumerateArray().Select(r => r.GetProperty("topic").GetString()).OrderDescending());
        Assert.EndsWith(",orders/0:1,bills/0:0,bills/1:1", page.GetProperty("cursor").GetString());
        Assert.Empty(Values(next));
        Assert.Equal(page.GetProperty("cursor").GetString(), next.GetProperty("cursor").GetString());
    }

    [Fact]
    public async Task Partitions_that_the_cursor_does_not_know_are_read_from_their_beginning()
    {
        await _server.CreateAsync("orders", partitions: 2);
        await _server.ProduceAsync("orders", 0, "0");
        await _server.ProduceAsync("orders", 1, "1");

        var (_, page, _) = await _server.GetAsync("/topics/orders/records?cursor=0:1");

        Assert.Equal(["1"], Values(page));
    }

    [Fact]
    public async Task At_least_one_record_comes_however_large_it_is()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, $"\"{new string('x', 100_000)}\"", "2");

        var (_, page, _) = await _server.GetAsync("/topics/orders/records?max_bytes=10");
        var (_, next, _) = await _server.GetAsync("/topics/orders/records?max_bytes=10&cursor=0:1");

        Assert.Equal(100_002, Assert.Single(Values(page)).Length);
        Assert.False(page.GetProperty("end").GetBoolean());
        Assert.Equal(["2"], Values(next));
    }

    [Fact]
    public async Task Max_bytes_ends_a_page()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, [.. Enumerable.Repeat($"\"{new string('x', 1000)}\"", 50)]);

        var body = await _server.Client.GetStringAsync("/topics/orders/records?max_bytes=10000");

        Assert.InRange(body.Length, 8000, 10_200);
    }

    [Fact]
    public async Task Formats_can_be_asked_for()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "[1]");

        var (_, page, _) = await _server.GetAsync("/topics/orders/records?key_format=base64&value_format=text");

        var record = page.GetProperty("records")[0];
        Assert.Equal("aw==", record.GetProperty("key").GetString());
        Assert.Equal("[1]", record.GetProperty("value").GetString());
        Assert.False(record.TryGetProperty("value_format", out _));
    }

    [Fact]
    public async Task A_long_poll_answers_as_soon_as_a_record_is_there()
    {
        await _server.CreateAsync("orders");
        var poll = _server.GetAsync("/topics/orders/records?timeout=20000");
        await _server.UntilParkedAsync();

        await _server.ProduceAsync("orders", 0, "7");

        var (status, page, _) = await poll.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(200, status);
        Assert.Equal(["7"], Values(page));
    }

    [Fact]
    public async Task A_long_poll_waits_for_min_bytes_and_answers_what_it_has_when_the_time_is_up()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        var poll = _server.GetAsync("/topics/orders/records?timeout=5000&min_bytes=100000");
        await _server.UntilParkedAsync();
        await _server.ProduceAsync("orders", 0, "2");
        await _server.UntilParkedAsync();
        Assert.False(poll.IsCompleted);

        // The wait may be armed anew for the second record only after this moment; further moves cover that.
        while (!poll.IsCompleted)
        {
            _server.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(1);
        }

        var (_, page, _) = await poll;
        Assert.Equal("1", Values(page).First());
        Assert.True(page.GetProperty("end").GetBoolean());
    }

    [Fact]
    public async Task A_long_poll_without_records_ends_with_an_empty_page()
    {
        await _server.CreateAsync("orders");
        var poll = _server.GetAsync("/topics/orders/records", ("Prefer", "wait=20"));
        await _server.UntilParkedAsync();

        _server.Clock.Advance(TimeSpan.FromSeconds(19.9));
        Assert.Equal(1, _server.Broker.ParkedReaders);
        _server.Clock.Advance(TimeSpan.FromSeconds(0.1));

        var (status, page, response) = await poll.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(200, status);
        Assert.Empty(Values(page));
        Assert.True(page.GetProperty("end").GetBoolean());
        Assert.Equal("wait=20", response.Headers.GetValues("Preference-Applied").Single());
    }

    [Fact]
    public async Task A_long_poll_is_answered_when_the_server_stops()
    {
        await _server.CreateAsync("orders");
        var poll = _server.GetAsync("/topics/orders/records?timeout=60000");
        await _server.UntilParkedAsync();

        await _server.StopAsync().WaitAsync(TimeSpan.FromSeconds(60));

        var (status, page, _) = await poll;
        Assert.Equal(200, status);
        Assert.Empty(Values(page));
    }

    [Fact]
    public async Task A_place_below_the_log_start_is_410_with_the_earliest_and_a_cursor_that_goes_on()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2", "3");
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [0] = 2 }, default);

        var (status, error, response) = await _server.GetAsync("/topics/orders/records?cursor=0:1");
        var (_, next, _) = await _server.GetAsync($"/topics/orders/records?cursor={error.GetProperty("cursor").GetString()}");
        var (_, skipped, _) = await _server.GetAsync("/topics/orders/records?cursor=0:1&on_gap=earliest");

        Assert.Equal(410, status);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(2, error.GetProperty("earliest").GetInt64());
        Assert.Equal(1, error.GetProperty("requested").GetInt64());
        Assert.Equal(["2", "3"], Values(next));
        Assert.Equal(["2", "3"], Values(skipped));
    }

    [Fact]
    public async Task A_place_beyond_the_end_is_416_with_the_end()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0");

        var (status, error, _) = await _server.GetAsync("/topics/orders/records?from=2");

        Assert.Equal(416, status);
        Assert.Equal(1, error.GetProperty("end").GetInt64());
    }

    [Fact]
    public async Task A_place_beyond_the_end_is_waited_for()
    {
        await _server.CreateAsync("orders");
        var poll = _server.GetAsync("/topics/orders/records?from=1&timeout=10000");
        await _server.UntilParkedAsync();

        await _server.ProduceAsync("orders", 0, "0", "1");

        Assert.Equal(["1"], Values((await poll.WaitAsync(TimeSpan.FromSeconds(60))).Body));
    }

    [Fact]
    public async Task A_cursor_of_a_topic_that_was_made_again_is_409()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0");
        var (_, page, _) = await _server.GetAsync("/topics/orders/records");
        await _server.Broker.DeleteTopicAsync("orders", default);
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "new");

        var (status, error, _) = await _server.GetAsync($"/topics/orders/records?cursor={page.GetProperty("cursor").GetString()}");
        var (_, anew, _) = await _server.GetAsync($"/topics/orders/records?cursor={error.GetProperty("cursor").GetString()}");

        Assert.Equal(409, status);
        Assert.Equal("topic_recreated", error.GetProperty("reason").GetString());
        Assert.Equal(["new"], Values(anew));
    }

    [Fact]
    public async Task A_topic_that_is_deleted_during_a_long_poll_is_404()
    {
        await _server.CreateAsync("orders");
        var poll = _server.GetAsync("/topics/orders/records?timeout=20000");
        await _server.UntilParkedAsync();

        await _server.Broker.DeleteTopicAsync("orders", default);

        Assert.Equal(404, (await poll.WaitAsync(TimeSpan.FromSeconds(60))).Status);
    }

    [Fact]
    public async Task Damaged_records_are_a_500_with_the_next_good_offset_behind_which_reading_goes_on()
    {
        await _server.CreateAsync("orders");
        for (var i = 0; i < 3; i++)
            await _server.ProduceAsync("orders", 0, $"{i}0", $"{i}1");
        _server.Damage("orders", 0, offset: 2);

        var (good, first, _) = await _server.GetAsync("/topics/orders/records");
        var (status, error, _) = await _server.GetAsync($"/topics/orders/records?cursor={first.GetProperty("cursor").GetString()}");
        var (_, next, _) = await _server.GetAsync($"/topics/orders/records?cursor={error.GetProperty("cursor").GetString()}");
        var (_, skipped, _) = await _server.GetAsync("/topics/orders/records?from=2&on_gap=earliest");

        Assert.Equal(200, good);
        Assert.Equal(["00", "01"], Values(first));
        Assert.False(first.GetProperty("end").GetBoolean());
        Assert.Equal(500, status);
        Assert.Equal(2, error.GetProperty("requested").GetInt64());
        Assert.Equal(4, error.GetProperty("next_good_offset").GetInt64());
        Assert.Equal(["20", "21"], Values(next));
        Assert.Equal(["20", "21"], Values(skipped));
    }

    [Fact]
    public async Task NDJSON_has_one_record_a_line_even_when_a_value_has_line_breaks()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "{\r\n\"a\": \"x\\ny\"\n}", "2");

        using var response = await SendAsync("/topics/orders/records", "application/x-ndjson");
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.ToString());
        Assert.EndsWith(",0:2", response.Headers.GetValues("RestStream-Cursor").Single());
        Assert.Equal("true", response.Headers.GetValues("RestStream-End").Single());
        Assert.Equal(3, lines.Length);
        Assert.Equal("x\ny", JsonDocument.Parse(lines[0]).RootElement.GetProperty("value").GetProperty("a").GetString());
        Assert.Equal(2, JsonDocument.Parse(lines[1]).RootElement.GetProperty("value").GetInt32());
        Assert.Equal("", lines[2]);
    }

    [Theory]
    [InlineData("application/vnd.kafka.json.v2+json", "application/vnd.kafka.json.v2+json", "[1]")]
    [InlineData("application/vnd.kafka.binary.v2+json", "application/vnd.kafka.binary.v2+json", "\"WzFd\"")]
    [InlineData("application/vnd.kafka.text.v2+json", "application/vnd.kafka.text.v2+json", "\"[1]\"")]
    [InlineData("application/vnd.kafka.v2+json", "application/vnd.kafka.binary.v2+json", "\"WzFd\"")]
    [InlineData("text/html, application/vnd.kafka.json.v2+json; q=0.5", "application/vnd.kafka.json.v2+json", "[1]")]
    public async Task V2_types_get_an_array(string accept, string type, string value)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "[1]");

        using var response = await SendAsync("/topics/orders/partitions/0/records?offset=1&timeout=0&max_bytes=100000", accept);
        var records = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        var record = Assert.Single(records.EnumerateArray());
        Assert.Equal(["topic", "key", "value", "partition", "offset", "timestamp"], record.EnumerateObject().Select(p => p.Name).Where(n => n != "key_format"));
        Assert.Equal(value, record.GetProperty("value").GetRawText());
        Assert.Equal(1, record.GetProperty("offset").GetInt64());
    }

    [Theory]
    [InlineData("*/*", "application/json")]
    [InlineData("application/*", "application/json")]
    [InlineData("application/x-ndjson;q=0.2, application/json;q=0.1", "application/x-ndjson")]
    [InlineData("image/png, */*;q=0.1", "application/json")]
    [InlineData("APPLICATION/JSON; charset=utf-8", "application/json")]
    public async Task The_best_type_of_Accept_is_answered(string accept, string type)
    {
        await _server.CreateAsync("orders");

        using var response = await SendAsync("/topics/orders/records", accept);

        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/json;q=0")]
    [InlineData("application/vnd.kafka.avro.v2+json")]
    [InlineData("garbage")]
    public async Task A_type_that_there_is_not_is_406_naming_those_that_there_are(string accept)
    {
        await _server.CreateAsync("orders");

        using var response = await SendAsync("/topics/orders/records", accept);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal(406, (int)response.StatusCode);
        Assert.Contains("text/event-stream", error.GetProperty("accepted_types").EnumerateArray().Select(t => t.GetString()));
        Assert.Contains("application/x-ndjson", error.GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData("max_records=0")]
    [InlineData("max_records=-1")]
    [InlineData("max_records=NaN")]
    [InlineData("max_records=1.5")]
    [InlineData("max_records=9223372036854775808")]
    [InlineData("max_records=")]
    [InlineData("max_records=1&max_records=2")]
    [InlineData("max_bytes=0")]
    [InlineData("max_bytes=-9")]
    [InlineData("min_bytes=-1")]
    [InlineData("min_bytes=x")]
    [InlineData("timeout=-1")]
    [InlineData("timeout=1e3")]
    [InlineData("timeout=∞")]
    [InlineData("from=")]
    [InlineData("from=x")]
    [InlineData("from=-9x")]
    [InlineData("from=+1")]
    [InlineData("from=t=-1")]
    [InlineData("from=2026-01-01")]
    [InlineData("from=2026-01-01T00:00:00")]
    [InlineData("from=2026-13-01T00:00:00Z")]
    [InlineData("from=9223372036854775808")]
    [InlineData("from=0", true)]
    [InlineData("offset=-9")]
    [InlineData("offset=earliest")]
    [InlineData("until=x")]
    [InlineData("until=-5")]
    [InlineData("until=earliest")]
    [InlineData("cursor=x")]
    [InlineData("cursor=5:0")]
    [InlineData("cursor=bills/0:0")]
    [InlineData("last_event_id=0:-1")]
    [InlineData("partitions=")]
    [InlineData("partitions=-1")]
    [InlineData("partitions=0,0")]
    [InlineData("partitions=0,")]
    [InlineData("partitions=a")]
    [InlineData("key_format=avro")]
    [InlineData("value_format=")]
    [InlineData("on_gap=latest")]
    [InlineData("live=maybe")]
    [InlineData("live=true")]
    public async Task A_parameter_that_makes_no_sense_is_400_naming_it(string query, bool twoPartitions = false)
    {
        await _server.CreateAsync("orders", partitions: twoPartitions ? 2 : 1);

        var (status, error, _) = await _server.GetAsync($"/topics/orders/records?{query}");

        Assert.Equal(400, status);
        Assert.Equal(query[..query.IndexOf('=')], error.GetProperty("errors")[0].GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("max_records=99999999999")]
    [InlineData("max_bytes=99999999999")]
    [InlineData("min_bytes=0&timeout=99999999")]
    [InlineData("from=earliest&cursor=")]
    [InlineData("unknown=1")]
    public async Task A_number_above_its_limit_is_cut_down_to_it(string query)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");

        var (status, page, _) = await _server.GetAsync($"/topics/orders/records?{query}");

        Assert.Equal(200, status);
        Assert.Equal(["1"], Values(page));
    }

    [Theory]
    [InlineData("/topics/missing/records", 404)]
    [InlineData("/topics/orders/partitions/1/records", 404)]
    [InlineData("/topics/orders/partitions/-1/records", 404)]
    [InlineData("/topics/orders/partitions/x/records", 400)]
    [InlineData("/topics/orders/records?partitions=1", 404)]
    [InlineData("/topics/orders/partitions/0/records?partitions=1", 400)]
    [InlineData("/records", 400)]
    [InlineData("/records?topics=", 400)]
    [InlineData("/records?topics=orders,orders", 400)]
    [InlineData("/records?topics=orders,missing", 404)]
    [InlineData("/records?topics=..", 422)]
    [InlineData("/topics/a%20b/records", 422)]
    [InlineData("/topics/..%2f..%2fetc/records", 422)]
    [InlineData("/topics/..%5c..%5cetc/records", 422)]
    [InlineData("/topics/a%0d%0aX/records", 422)]
    [InlineData("/topics/%E2%9C%88/records", 422)]
    public async Task A_path_that_leads_nowhere_is_refused(string path, int expected)
    {
        await _server.CreateAsync("orders");

        var (status, error, _) = await _server.GetAsync(path);

        Assert.Equal(expected, status);
        Assert.Equal(expected, error.GetProperty("status").GetInt32());
        Assert.DoesNotContain('\n', error.GetProperty("detail").GetString()!);
    }

    private async Task ProduceOneAMinuteAsync(string topic, int records)
    {
        await _server.CreateAsync(topic);
        for (var i = 0; i < records; i++)
        {
            await _server.ProduceAsync(topic, 0, i.ToString(CultureInfo.InvariantCulture));
            if (i < records - 1)
                _server.Clock.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await _server.Client.SendAsync(request);
    }

    private static IEnumerable<string> Values(JsonElement page) =>
        page.GetProperty("records").EnumerateArray().Select(r => r.GetProperty("value").ValueKind == JsonValueKind.String && r.TryGetProperty("value_format", out _)
            ? r.GetProperty("value").GetString()! : r.GetProperty("value").GetRawText());
}
