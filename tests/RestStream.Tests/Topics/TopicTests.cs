using System.Text.Json;
using RestStream.Tests.Read;

namespace RestStream.Tests.Topics;

public sealed class TopicTests : IAsyncLifetime
{
    private static readonly (string, string) s_v2 = ("Accept", "application/vnd.kafka.v2+json");
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Put_creates_a_topic_and_says_where_it_is()
    {
        var (status, topic, response) = await _server.SendAsync(HttpMethod.Put, "/topics/orders", """{"partitions":3,"configs":{"retention.ms":"86400000"}}""");

        Assert.Equal(201, status);
        Assert.Equal("/topics/orders", response.Headers.Location!.ToString());
        Assert.Equal("orders", topic.GetProperty("name").GetString());
        Assert.Equal(3, topic.GetProperty("partitions").GetArrayLength());
        Assert.Equal("86400000", topic.GetProperty("configs").GetProperty("retention.ms").GetString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{}")]
    public async Task Put_needs_no_body(string? body)
    {
        var (status, topic, _) = await _server.SendAsync(HttpMethod.Put, "/topics/orders", body);

        Assert.Equal(201, status);
        Assert.Equal(1, topic.GetProperty("partitions").GetArrayLength());
    }

    [Fact]
    public async Task Put_takes_what_curl_sends_without_a_type()
    {
        using var content = new StringContent("""{"partitions":2}""", System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");

        using var response = await _server.Client.PutAsync("/topics/orders", content);

        Assert.Equal(201, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("""{"partitions":3,"configs":{"retention.ms":"1000"}}""", 200)]
    [InlineData("""{"partitions":3,"configs":{"retention.ms":1000}}""", 200)]
    [InlineData("""{"partitions":3}""", 200)]
    [InlineData("{}", 200)]
    [InlineData("""{"partitions":2,"configs":{"retention.ms":"1000"}}""", 409)]
    [InlineData("""{"partitions":3,"configs":{"retention.ms":"1001"}}""", 409)]
    [InlineData("""{"partitions":3,"configs":{}}""", 409)]
    [InlineData("""{"partitions":3,"configs":{"retention.ms":"1000","retention.bytes":"5"}}""", 409)]
    public async Task Put_again_is_200_when_the_topic_is_the_same_and_409_when_it_is_not(string body, int expected)
    {
        await _server.SendAsync(HttpMethod.Put, "/topics/orders", """{"partitions":3,"configs":{"retention.ms":"1000"}}""");

        var (status, _, _) = await _server.SendAsync(HttpMethod.Put, "/topics/orders", body);

        Assert.Equal(expected, status);
    }

    [Theory]
    [InlineData("""{"partitions":0}""", "partitions")]
    [InlineData("""{"partitions":-1}""", "partitions")]
    [InlineData("""{"partitions":2147483647}""", "partitions")]
    [InlineData("""{"partitions":"3"}""", "partitions")]
    [InlineData("""{"partitions":1.5}""", "partitions")]
    [InlineData("""{"partition":3}""", "partition")]
    [InlineData("""{"configs":[]}""", "configs")]
    [InlineData("""{"configs":{"retention.ms":"soon"}}""", "configs.retention.ms")]
    [InlineData("""{"configs":{"retention.ms":null}}""", "configs.retention.ms")]
    [InlineData("""{"configs":{"retention.ms":[1]}}""", "configs.retention.ms")]
    [InlineData("""{"configs":{"retention":"1"}}""", "configs.retention")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    public async Task A_rule_that_is_broken_is_422_naming_the_field(string body, string field)
    {
        var (status, error, _) = await _server.SendAsync(HttpMethod.Put, "/topics/orders", body);

        Assert.Equal(422, status);
        Assert.Equal(field, error.GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.Equal(404, (await _server.GetAsync("/topics/orders")).Status);
    }

    [Fact]
    public async Task Every_broken_rule_is_reported()
    {
        var (_, error, _) = await _server.SendAsync(
            HttpMethod.Put, "/topics/orders", """{"partitions":0,"configs":{"retention.ms":"soon","nope":"1","segment.bytes":"x"},"partitons":3}""");

        Assert.Equal(
            ["configs.nope", "configs.retention.ms", "configs.segment.bytes", "partitions", "partitons"],
            error.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()!).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"partitions\":1}x")]
    [InlineData("{\"partitions\":1,\"partitions\":2}")]
    [InlineData("partitions=3")]
    public async Task Broken_JSON_is_400(string body) => Assert.Equal(400, (await _server.SendAsync(HttpMethod.Put, "/topics/orders", body)).Status);

    [Fact]
    public async Task A_body_beyond_a_mebibyte_is_413() =>
        Assert.Equal(413, (await _server.SendAsync(HttpMethod.Put, "/topics/orders", new string(' ', 1024 * 1024 + 1))).Status);

    [Theory]
    [InlineData("..%2f..%2fetc")]
    [InlineData("..%5c..%5c")]
    [InlineData("a%00b")]
    [InlineData("a%0d%0aX")]
    [InlineData("%2e%2e%2f")]
    [InlineData("%252e%252e")]
    [InlineData("a%20b")]
    [InlineData("%E2%9C%88")]
    [InlineData("a;b")]
    [InlineData("a:b")]
    [InlineData("{250}")]
    public async Task A_name_that_cannot_be_is_refused_before_it_touches_the_disk(string name)
    {
        name = name.Replace("{250}", new string('a', 250));
        var before = Directory.GetFileSystemEntries(Path.GetDirectoryName(_server.DataDirectory)!, "*etc*");

        foreach (var method in new[] { HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete, HttpMethod.Patch })
        {
            var (status, error, _) = await _server.SendAsync(method, $"/topics/{name}", method == HttpMethod.Put ? "{}" : null);
            Assert.InRange(status, 400, 422);
            Assert.DoesNotContain('\n', error.ValueKind == JsonValueKind.Undefined ? "" : error.GetProperty("detail").GetString()!);
        }

        Assert.Equal(["__reststream_metadata-0"], Directory.GetDirectories(_server.DataDirectory, "*-*").Select(d => Path.GetFileName(d)));
        Assert.Equal(before, Directory.GetFileSystemEntries(Path.GetDirectoryName(_server.DataDirectory)!, "*etc*"));
    }

    [Fact]
    public async Task The_servers_own_topics_cannot_be_made_changed_or_deleted()
    {
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Put, "/topics/__mine"), (HttpMethod.Patch, "/topics/__reststream_metadata"), (HttpMethod.Delete, "/topics/__reststream_metadata"),
            (HttpMethod.Post, "/topics/__reststream_metadata/truncate"),
        })
        {
            Assert.Equal(403, (await _server.SendAsync(method, path, "{}")).Status);
        }

        Assert.Equal(200, (await _server.GetAsync("/topics/__reststream_metadata")).Status);
    }

    [Fact]
    public async Task A_topic_is_described_with_its_partitions_offsets_and_effective_configs()
    {
        await _server.CreateAsync("orders", 2, ("retention.ms", "1000"));
        await _server.ProduceAsync("orders", 1, "1", "2");

        var (status, topic, response) = await _server.GetAsync("/topics/orders");

        Assert.Equal(200, status);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(22, topic.GetProperty("topic_id").GetString()!.Length);
        Assert.Equal(_server.Clock.GetUtcNow(), topic.GetProperty("created").GetDateTimeOffset());
        Assert.Equal("1000", topic.GetProperty("configs").GetProperty("retention.ms").GetString());
        Assert.Equal("delete", topic.GetProperty("configs").GetProperty("cleanup.policy").GetString());
        var partition = topic.GetProperty("partitions")[1];
        Assert.Equal(1, partition.GetProperty("partition").GetInt32());
        Assert.Equal(0, partition.GetProperty("leader").GetInt32());
        Assert.Equal("""[{"broker":0,"leader":true,"in_sync":true}]""", partition.GetProperty("replicas").GetRawText());
        Assert.Equal(0, partition.GetProperty("log_start_offset").GetInt64());
        Assert.Equal(2, partition.GetProperty("high_watermark").GetInt64());
        Assert.True(partition.GetProperty("bytes").GetInt64() > 61);
    }

    [Fact]
    public async Task V2_clients_get_exactly_the_v2_members_and_type()
    {
        await _server.CreateAsync("orders");
        const string partition = """{"partition":0,"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}]}""";

        var (_, topic, response) = await _server.GetAsync("/topics/orders", s_v2);

        Assert.Equal("application/vnd.kafka.v2+json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(["name", "configs", "partitions"], topic.EnumerateObject().Select(p => p.Name));
        Assert.Equal($"[{partition}]", topic.GetProperty("partitions").GetRawText());
        Assert.Equal($"[{partition}]", (await _server.GetAsync("/topics/orders/partitions", s_v2)).Body.GetRawText());
        Assert.Equal(partition, (await _server.GetAsync("/topics/orders/partitions/0", s_v2)).Body.GetRawText());
        Assert.Equal("""{"beginning_offset":0,"end_offset":0}""", (await _server.GetAsync("/topics/orders/partitions/0/offsets", s_v2)).Body.GetRawText());
        Assert.Equal("""["orders"]""", (await _server.GetAsync("/topics", s_v2)).Body.GetRawText());
        Assert.Equal("""{"brokers":[0]}""", (await _server.GetAsync("/brokers", s_v2)).Body.GetRawText());
    }

    [Theory]
    [InlineData("/topics/missing", 404, 40403)]
    [InlineData("/topics/missing/partitions", 404, 40403)]
    [InlineData("/topics/orders/partitions/1", 404, 40402)]
    [InlineData("/topics/orders/partitions/-1", 404, 40402)]
    [InlineData("/topics/orders/partitions/x", 400, 40001)]
    [InlineData("/topics/orders/partitions/99999999999", 400, 40001)]
    [InlineData("/topics/orders/partitions/1/offsets", 404, 40402)]
    [InlineData("/topics/orders/partitions/1/segments", 404, 40402)]
    [InlineData("/topics/orders/partitions/0/offsets?at=x", 400, 40001)]
    [InlineData("/topics/orders/partitions/0/offsets?at=-5", 400, 40001)]
    public async Task What_is_not_there_is_refused(string path, int expected, int code)
    {
        await _server.CreateAsync("orders");

        var (status, error, _) = await _server.GetAsync(path, s_v2);

        Assert.Equal(expected, status);
        Assert.Equal(code, error.GetProperty("error_code").GetInt32());
    }

    [Fact]
    public async Task Head_answers_like_get_without_a_body()
    {
        await _server.CreateAsync("orders");

        var (there, _, response) = await _server.SendAsync(HttpMethod.Head, "/topics/orders", null);
        var (missing, _, _) = await _server.SendAsync(HttpMethod.Head, "/topics/missing", null);

        Assert.Equal(200, there);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(404, missing);
    }

    [Fact]
    public async Task Topics_are_listed_by_name_without_the_internal_ones()
    {
        foreach (var name in new[] { "b", "a", "connect-offsets", "C" })
            await _server.CreateAsync(name);

        Assert.Equal("""["C","a","b"]""", (await _server.GetAsync("/topics")).Body.GetRawText());
        Assert.Equal("""["C","__reststream_metadata","a","b","connect-offsets"]""", (await _server.GetAsync("/topics?internal=true")).Body.GetRawText());
    }

    [Fact]
    public async Task Topics_are_listed_in_pages_with_detail()
    {
        for (var i = 0; i < 5; i++)
            await _server.CreateAsync($"t{i}", 2, ("retention.ms", "1000"));
        await _server.ProduceAsync("t0", 1, "1", "2");

        var names = new List<string>();
        var token = "";
        do
        {
            var (status, page, _) = await _server.GetAsync($"/topics?detail=true&limit=2&page_token={token}");
            Assert.Equal(200, status);
            Assert.InRange(page.GetProperty("topics").GetArrayLength(), 1, 2);
            names.AddRange(page.GetProperty("topics").EnumerateArray().Select(t => t.GetProperty("name").GetString()!));
            if (names.Count == 2)
            {
                var first = page.GetProperty("topics")[0];
                Assert.Equal(2, first.GetProperty("partitions").GetInt32());
                Assert.Equal("""{"retention.ms":"1000"}""", first.GetProperty("configs").GetRawText());
                Assert.Equal(2, first.GetProperty("records").GetInt64());
                Assert.True(first.GetProperty("bytes").GetInt64() > 61);
                Assert.False(first.GetProperty("internal").GetBoolean());
            }

            token = page.GetProperty("next_page_token").GetString();
        }
        while (token is not null);

        Assert.Equal(["t0", "t1", "t2", "t3", "t4"], names);
    }

    [Fact]
    public async Task Names_too_can_be_paged_by_following_the_link()
    {
        for (var i = 0; i < 3; i++)
            await _server.CreateAsync($"t{i}");

        var (_, first, response) = await _server.GetAsync("/topics?limit=2");
        var link = response.Headers.GetValues("Link").Single();
        var (_, second, last) = await _server.GetAsync(link[1..link.IndexOf('>')]);

        Assert.Equal("""["t0","t1"]""", first.GetRawText());
        Assert.Equal("""["t2"]""", second.GetRawText());
        Assert.False(last.Headers.Contains("Link"));
    }

    [Theory]
    [InlineData("limit=0", 400)]
    [InlineData("limit=-1", 400)]
    [InlineData("limit=NaN", 400)]
    [InlineData("limit=9223372036854775808", 400)]
    [InlineData("limit=9223372036854775807", 200)]
    [InlineData("limit=2147483647", 200)]
    [InlineData("detail=true&limit=99999", 200)]
    [InlineData("detail=yes", 400)]
    [InlineData("internal=1", 400)]
    [InlineData("page_token=!!", 400)]
    [InlineData("page_token=Li4", 400)]
    public async Task Numbers_and_tokens_that_make_no_sense_are_refused_and_large_ones_cut_down(string query, int expected) =>
        Assert.Equal(expected, (await _server.GetAsync($"/topics?{query}")).Status);

    [Fact]
    public async Task Patch_adds_partitions_and_sets_and_resets_configs()
    {
        await _server.CreateAsync("orders", 1, ("retention.ms", "1000"));

        var (status, topic, _) = await _server.SendAsync(HttpMethod.Patch, "/topics/orders", """{"partitions":6,"configs":{"retention.ms":null,"segment.ms":5000}}""");

        Assert.Equal(200, status);
        Assert.Equal(6, topic.GetProperty("partitions").GetArrayLength());
        Assert.Equal("604800000", topic.GetProperty("configs").GetProperty("retention.ms").GetString());
        Assert.Equal("5000", topic.GetProperty("configs").GetProperty("segment.ms").GetString());
    }

    [Theory]
    [InlineData("""{"partitions":1}""", "partitions")]
    [InlineData("""{"configs":{"nope":"1"}}""", "configs.nope")]
    [InlineData("""{"configs":{"nope":null}}""", "configs.nope")]
    [InlineData("""{"configs":{"retention.ms":"x"}}""", "configs.retention.ms")]
    public async Task A_change_that_cannot_be_is_422_naming_it(string body, string field)
    {
        await _server.CreateAsync("orders", 2);

        var (status, error, _) = await _server.SendAsync(HttpMethod.Patch, "/topics/orders", body);

        Assert.Equal(422, status);
        Assert.Equal(field, error.GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.Equal(2, (await _server.GetAsync("/topics/orders")).Body.GetProperty("partitions").GetArrayLength());
    }

    [Fact]
    public async Task A_deleted_topic_is_gone_and_starts_anew_with_another_id()
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "1");
        var id = (await _server.GetAsync("/topics/orders")).Body.GetProperty("topic_id").GetString();

        var (status, _, _) = await _server.SendAsync(HttpMethod.Delete, "/topics/orders", null);

        Assert.Equal(204, status);
        Assert.Equal(404, (await _server.GetAsync("/topics/orders")).Status);
        Assert.Equal(404, (await _server.SendAsync(HttpMethod.Delete, "/topics/orders", null)).Status);
        var (_, again, _) = await _server.SendAsync(HttpMethod.Put, "/topics/orders", null);
        Assert.NotEqual(id, again.GetProperty("topic_id").GetString());
        Assert.Equal(0, again.GetProperty("partitions")[0].GetProperty("high_watermark").GetInt64());
    }

    [Fact]
    public async Task Truncate_deletes_the_records_before_an_offset_or_the_high_watermark()
    {
        await _server.CreateAsync("orders", 3);
        for (var p = 0; p < 3; p++)
            await _server.ProduceAsync("orders", p, "0", "1", "2");

        var (status, body, _) = await _server.SendAsync(HttpMethod.Post, "/topics/orders/truncate", """{"before":{"0":2,"1":"high_watermark"}}""");

        Assert.Equal(200, status);
        Assert.Equal("""{"log_start_offsets":{"0":2,"1":3}}""", body.GetRawText());
        Assert.Equal("""{"beginning_offset":2,"end_offset":3}""", (await _server.GetAsync("/topics/orders/partitions/0/offsets")).Body.GetRawText());
        Assert.Equal("""{"beginning_offset":0,"end_offset":3}""", (await _server.GetAsync("/topics/orders/partitions/2/offsets")).Body.GetRawText());
    }

    [Theory]
    [InlineData("{}", 422)]
    [InlineData("""{"before":{}}""", 422)]
    [InlineData("""{"before":{"x":1}}""", 422)]
    [InlineData("""{"before":{"0":-1}}""", 422)]
    [InlineData("""{"before":{"0":4}}""", 422)]
    [InlineData("""{"before":{"0":1.5}}""", 422)]
    [InlineData("""{"before":{"0":9223372036854775808}}""", 422)]
    [InlineData("""{"before":{"0":"low_watermark"}}""", 422)]
    [InlineData("""{"before":{"0":1},"after":{}}""", 422)]
    [InlineData("""{"before":{"1":1}}""", 404)]
    [InlineData("{", 400)]
    public async Task A_truncation_that_cannot_be_is_refused_and_deletes_nothing(string body, int expected)
    {
        await _server.CreateAsync("orders");
        await _server.ProduceAsync("orders", 0, "0", "1", "2");

        Assert.Equal(expected, (await _server.SendAsync(HttpMethod.Post, "/topics/orders/truncate", body)).Status);
        Assert.Equal("""{"beginning_offset":0,"end_offset":3}""", (await _server.GetAsync("/topics/orders/partitions/0/offsets")).Body.GetRawText());
    }

    [Theory]
    [InlineData("earliest", 0)]
    [InlineData("latest", 3)]
    [InlineData("1767225600000", 0)]
    [InlineData("1767225600001", 1)]
    [InlineData("t=1767225601000", 1)]
    [InlineData("2026-01-01T00:00:02Z", 2)]
    [InlineData("2026-01-01T00:00:02.001Z", 3)]
    [InlineData("-1s", 1)]
    public async Task The_offset_at_a_time_is_that_of_the_first_record_at_or_after_it(string at, long expected)
    {
        await _server.CreateAsync("orders");
        for (var i = 0; i < 3; i++)
            await _server.ProduceAtAsync("orders", 0, _server.Clock.GetUtcNow().AddSeconds(i), $"{i}");
        _server.Clock.Advance(TimeSpan.FromSeconds(2));

        var (status, body, _) = await _server.GetAsync($"/topics/orders/partitions/0/offsets?at={at}");

        Assert.Equal(200, status);
        Assert.Equal(expected, body.GetProperty("offset_at").GetInt64());
        Assert.Equal(3, body.GetProperty("end_offset").GetInt64());
    }

    [Fact]
    public async Task Segments_are_listed_oldest_first_and_the_last_is_active()
    {
        await _server.CreateAsync("orders", 1, ("segment.bytes", "1024"));
        for (var i = 0; i < 4; i++)
            await _server.ProduceAsync("orders", 0, $"\"{new string('x', 600)}\"");

        var (_, segments, _) = await _server.GetAsync("/topics/orders/partitions/0/segments");

        var states = segments.EnumerateArray().Select(s => s.GetProperty("state").GetString()).ToList();
        Assert.True(states.Count > 1);
        Assert.Equal("active", states[^1]);
        Assert.All(states[..^1], state => Assert.Equal("sealed", state));
        Assert.Equal(4, segments.EnumerateArray().Sum(s => s.GetProperty("records").GetInt64()));
        Assert.Equal(0, segments[0].GetProperty("base_offset").GetInt64());
        Assert.True(segments[0].GetProperty("bytes").GetInt64() > 600);
        Assert.Equal(_server.Clock.GetUtcNow().ToUnixTimeMilliseconds(), segments[0].GetProperty("first_timestamp").GetInt64());
    }
}
