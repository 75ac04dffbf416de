using System.Net;
using System.Text;
using RestStream.Broker.Topics;

namespace RestStream.Tests.Produce;

/// <summary>What is stored, for every form of body, and what is answered.</summary>
[Collection(ProduceCollection.Name)]
public sealed class ProduceFormsTests(ProduceServer server)
{
    [Theory]
    [InlineData("""{"value":1.50}""", "1.50")]
    [InlineData("""{"value": {"a" : [1, 2.0e3]} }""", """{"a" : [1, 2.0e3]}""")]
    [InlineData("""{"value":"text"}""", "\"text\"")]
    [InlineData("""{"value":"a\u00e9\n"}""", "\"a\\u00e9\\n\"")]
    [InlineData("""{"value":true}""", "true")]
    [InlineData("""{"value":12345678901234567890123.0}""", "12345678901234567890123.0")]
    [InlineData("""{"value":1e999}""", "1e999")]
    [InlineData("""{"value":null}""", null)]
    [InlineData("\uFEFF{\"value\":1}", "1")]
    [InlineData("""{"value":"a\u00e9\n","value_format":"text"}""", "aé\n")]
    [InlineData("""{"value":"\ud83d\ude00","value_format":"text"}""", "😀")]
    [InlineData("""{"value":{"a":1},"value_format":"text"}""", """{"a":1}""")]
    [InlineData("""{"value":"aGk=","value_format":"base64"}""", "hi")]
    [InlineData("""{"value":"aG\u006b=","value_format":"base64"}""", "hi")]
    [InlineData("""{"value":"","value_format":"base64"}""", "")]
    [InlineData("""{"value":null,"value_format":"base64"}""", null)]
    [InlineData("""{"v\u0061lue":7}""", "7")]
    public async Task A_value_is_stored_byte_for_byte_as_its_format_says(string body, string? stored)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", body)).Is(HttpStatusCode.OK);

        Assert.Equal(stored, Assert.Single(server.Read(topic)).ValueText);
    }

    [Theory]
    [InlineData("""{"value":1}""", null)]
    [InlineData("""{"value":1,"key":null}""", null)]
    [InlineData("""{"value":1,"key":"k1"}""", "k1")]
    [InlineData("""{"value":1,"key":""}""", "")]
    [InlineData("""{"value":1,"key":17}""", "17")]
    [InlineData("""{"value":1,"key":true}""", "true")]
    [InlineData("""{"value":1,"key":{"id":1.0}}""", """{"id":1.0}""")]
    [InlineData("""{"value":1,"key":[1,"a"]}""", """[1,"a"]""")]
    [InlineData("""{"value":1,"key":"k1","key_format":"json"}""", "\"k1\"")]
    [InlineData("""{"key_format":"base64","value":1,"key":"aGk="}""", "hi")]
    public async Task A_key_is_stored_as_its_format_says(string body, string? stored)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", body)).Is(HttpStatusCode.OK);

        Assert.Equal(stored, Assert.Single(server.Read(topic)).KeyText);
    }

    [Fact]
    public async Task The_query_sets_the_formats_and_a_record_may_differ()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records?key_format=base64&value_format=text",
            """[{"key":"aGk=","value":"a"},{"key":"hi","key_format":"text","value":"b","value_format":"json"}]""")).Is(HttpStatusCode.OK);

        var records = server.Read(topic);
        Assert.Equal(["hi", "hi"], records.Select(r => r.KeyText));
        Assert.Equal(["a", "\"b\""], records.Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("""[{"key":"a","value":"1"},{"key":"a","value":"2"},{"key":"n","value":null}]""", "a=1,a=2,n=-")]
    [InlineData("""{"a":"1","b":2,"c":null,"d":{"x":1}}""", "a=1,b=2,c=-,d={\"x\":1}")]
    [InlineData("""[{"key":"a","value":"aGk=","value_format":"base64"}]""", "a=hi")]
    [InlineData("""[{"key":"a","value":{"value":"aGk=","value_format":"base64"}}]""", "a=hi")]
    [InlineData("""[{"key":"a\u00e9","value":"\u00e9"}]""", "aé=é")]
    [InlineData("""[{"key":"a"}]""", "a=-")]
    [InlineData("[]", "")]
    [InlineData("null", "")]
    public async Task Headers_are_a_list_or_an_object(string headers, string stored)
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", $$"""{"headers":{{headers}},"value":1,"key":"k"}""")).Is(HttpStatusCode.OK);

        Assert.Equal(stored, string.Join(',', Assert.Single(server.Read(topic)).Headers.Select(h => $"{h.Key}={h.Value ?? "-"}")));
    }

    [Theory]
    [InlineData("""[{"value":1},{"value":2,"timestamp":1790000000000}]""")]
    [InlineData("""{"records":[{"value":1},{"value":2,"timestamp":1790000000000}]}""")]
    public async Task A_list_is_one_batch_and_receipts_come_in_its_order(string body)
    {
        var topic = await server.CreateTopicAsync(1, ("message.timestamp.after.max.ms", "9223372036854775807"));

        var answer = (await server.PostAsync($"/topics/{topic}/records", body)).Is(HttpStatusCode.OK);

        Assert.Equal("application/json", answer.ContentType);
        Assert.Equal([0L, 1L], answer.Offsets.Select(o => o.GetProperty("offset").GetInt64()));
        Assert.Equal(1790000000000, answer.Offsets[1].GetProperty("timestamp").GetInt64());
        Assert.Equal(answer.Offsets.Select(o => o.GetProperty("timestamp").GetInt64()), server.Read(topic).Select(r => r.Timestamp));
        Assert.Equal(["1", "2"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task An_empty_list_writes_nothing_and_is_no_error()
    {
        var topic = await server.CreateTopicAsync();

        Assert.Equal("""{"offsets":[]}""", (await server.PostAsync($"/topics/{topic}/records", "[]")).Is(HttpStatusCode.OK).Body);
        Assert.Equal("""{"offsets":[]}""", (await server.PostAsync($"/topics/{topic}/records", """{"records":[]}""")).Is(HttpStatusCode.OK).Body);
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task The_partition_comes_from_the_record_the_path_or_the_key_as_the_java_client_chooses_it()
    {
        var topic = await server.CreateTopicAsync(5);

        var byRecord = await server.PostAsync($"/topics/{topic}/records", """[{"value":1,"partition":3},{"value":1,"key":"c-17"},{"value":1,"key":"c-18"}]""");
        var byPath = await server.PostAsync($"/topics/{topic}/partitions/4/records", """[{"value":1},{"value":2,"key":"c-17"},{"value":3,"partition":4}]""");

        int[] expected = [3, Partitioner.ForKey("c-17"u8, 5), Partitioner.ForKey("c-18"u8, 5)];
        Assert.Equal(expected, byRecord.Offsets.Select(o => o.GetProperty("partition").GetInt32()));
        Assert.Equal([4, 4, 4], byPath.Offsets.Select(o => o.GetProperty("partition").GetInt32()));
    }

    [Fact]
    public async Task Records_without_a_key_stay_together_in_a_request_and_move_on_with_the_next()
    {
        var topic = await server.CreateTopicAsync(3);
        var used = new HashSet<int>();
        for (var i = 0; i < 12; i++)
        {
            var answer = await server.PostAsync($"/topics/{topic}/records", """[{"value":1},{"value":2},{"value":3}]""");
            used.Add(Assert.Single(answer.Offsets.Select(o => o.GetProperty("partition").GetInt32()).Distinct()));
        }

        Assert.Equal([0, 1, 2], used.Order());
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/octet-stream")]
    [InlineData(null)]
    public async Task Any_other_body_is_the_value_of_one_record(string? contentType)
    {
        var topic = await server.CreateTopicAsync(4, ("message.timestamp.after.max.ms", "9223372036854775807"));
        byte[] body = [0, 255, 10, 34];

        var answer = (await server.PostAsync($"/topics/{topic}/records?key=a%20b%2B&partition=2&timestamp=1790000000000", body, contentType,
            ("RestStream-Header-Trace", "abc"), ("RestStream-Header-Empty", ""))).Is(HttpStatusCode.OK);

        var record = Assert.Single(server.Read(topic));
        Assert.Equal(body, record.Value);
        Assert.Equal(("a b+", 2, 1790000000000), (record.KeyText, record.Partition, record.Timestamp));
        Assert.Equal([("Empty", ""), ("Trace", "abc")], record.Headers.Order());
        Assert.Equal("""{"offsets":[{"partition":2,"offset":0,"timestamp":1790000000000}]}""", answer.Body);
    }

    [Fact]
    public async Task A_raw_body_takes_a_key_of_bytes_and_may_be_empty()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/partitions/0/records?key=AP8%3D&key_format=base64", [], "application/octet-stream")).Is(HttpStatusCode.OK);

        var record = Assert.Single(server.Read(topic));
        Assert.Equal([0, 255], record.Key!);
        Assert.Empty(record.Value!);
    }

    [Fact]
    public async Task Records_for_several_topics_each_name_theirs()
    {
        var (a, b) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());

        var answer = (await server.PostAsync("/records", $$"""[{"topic":"{{a}}","value":1},{"topic":"{{b}}","value":2},{"topic":"{{a}}","value":3}]""")).Is(HttpStatusCode.OK);

        Assert.Equal([(a, 0L), (b, 0L), (a, 1L)], answer.Offsets.Select(o => (o.GetProperty("topic").GetString()!, o.GetProperty("offset").GetInt64())));
        Assert.Equal(["1", "3"], server.Read(a).Select(r => r.ValueText));
        Assert.Equal("2", Assert.Single(server.Read(b)).ValueText);
    }

    [Fact]
    public async Task Refused_records_are_errors_in_their_places_and_the_others_are_written()
    {
        var topic = await server.CreateTopicAsync(2, ("max.message.bytes", "2000"));

        var answer = (await server.PostAsync($"/topics/{topic}/records",
            $$"""[{"value":1,"partition":0},{"value":2,"partition":5},{"v":3},{"value":"{{new string('x', 3000)}}"},{"value":5,"partition":0}]""")).Is(HttpStatusCode.MultiStatus);

        Assert.Equal([0L, 1L], new[] { answer.Offsets[0], answer.Offsets[4] }.Select(o => o.GetProperty("offset").GetInt64()));
        var errors = answer.Offsets[1..4].Select(o => o.GetProperty("error")).ToArray();
        Assert.Equal([404, 422, 413], errors.Select(e => e.GetProperty("status").GetInt32()));
        Assert.Equal([40402, 42200, 41302], errors.Select(e => e.GetProperty("error_code").GetInt32()));
        Assert.Equal(["records[1].partition", "records[2].v", "records[3].value"], errors.SelectMany(Answer.FieldsOf));
        Assert.Equal(["1", "5"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task Strict_is_all_or_nothing_over_partitions()
    {
        var topic = await server.CreateTopicAsync(2);

        var refused = await server.PostAsync($"/topics/{topic}/records?strict=true", """[{"value":1,"partition":0},{"value":2,"partition":5},{"x":1}]""");
        Assert.Equal(0, server.CountOf(topic));
        var taken = (await server.PostAsync($"/topics/{topic}/records?strict=true", """[{"value":1,"partition":0},{"value":2,"partition":1},{"value":3,"partition":0}]""")).Is(HttpStatusCode.OK);

        refused.IsError(404, 40402, "records[1].partition", "records[2].x");
        Assert.Equal([0L, 0L, 1L], taken.Offsets.Select(o => o.GetProperty("offset").GetInt64()));
        Assert.Equal(3, server.CountOf(topic));
    }

    [Fact]
    public async Task When_every_record_is_refused_the_status_says_so()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", """[{"a":1},{"value":1,"partition":-1}]""")).IsError(422, 42200, "records[0].a", "records[1].partition");
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task Without_acks_the_answer_comes_at_once_and_the_records_follow()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}/records?acks=0", """[{"value":1},{"value":2}]""");
        answer.Is(HttpStatusCode.Accepted);
        Assert.Empty(answer.Body);

        // Appends of one partition are in the order in which they were taken.
        (await server.PostAsync($"/topics/{topic}/records?acks=1", """{"value":3}""")).Is(HttpStatusCode.OK);
        Assert.Equal(["1", "2", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task More_than_one_batch_may_hold_is_still_one_unit_with_offsets_in_a_row()
    {
        var topic = await server.CreateTopicAsync(1, ("max.message.bytes", "3000"));
        var body = "[" + string.Join(',', Enumerable.Range(0, 20).Select(i => $$"""{"value":"{{i:00}}{{new string('x', 1000)}}"}""")) + "]";

        var answer = (await server.PostAsync($"/topics/{topic}/records", body)).Is(HttpStatusCode.OK);

        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long)i), answer.Offsets.Select(o => o.GetProperty("offset").GetInt64()));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"\"{i:00}"), server.Read(topic).Select(r => r.ValueText![..3]));
    }

    [Fact]
    public async Task The_first_record_creates_the_topic_only_where_that_is_allowed()
    {
        using var folder = new TestKit.TempFolder("autocreate");
        await using var host = await ProduceServer.HostAsync(autoCreate: true, folder["data"]);
        using var client = host.CreateClient();

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/topics/made/records", new StringContent("x"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/records", Json("""[{"topic":"m1","value":1},{"topic":"m2","value":1}]"""))).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await client.PostAsync("/topics/a$b/records", new StringContent("x"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync("/topics/__own/records", new StringContent("x"))).StatusCode);
        (await server.PostAsync("/topics/missing/records", "x", "text/plain")).IsError(404, 40401);
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");
}
