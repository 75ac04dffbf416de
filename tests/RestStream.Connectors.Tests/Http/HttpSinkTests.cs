using System.Text;
using Microsoft.AspNetCore.Http;
using RestStream.Connect;
using RestStream.Connect.Data;
using RestStream.Connect.Testing;
using RestStream.Connectors.Http.Sink;
using RestStream.TestKit.Web;

namespace RestStream.Connectors.Tests;

public sealed class HttpSinkTests
{
    [Fact]
    public async Task A_record_is_sent_as_json_text_or_bytes_as_its_value_is()
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var host = await StartAsync(receiver, []);
        var schema = SchemaBuilder.Struct().Field("id", Schema.Int32).Field("price", Schema.Decimal(2)).Build();

        host.Produce(
            Record(0, "plain \"text\""), Record(1, new Dictionary<string, object?> { ["a"] = 1L, ["b"] = new List<object?> { true, null, 1.5 } }), Record(2, Encoding.UTF8.GetBytes("bytes")),
            Record(3, new Struct(schema).Put("id", 7).Put("price", new BigDecimal(1250, 2))) with { ValueSchema = schema }, Record(4, null),
            Record(5, new List<object?> { 0.1f, 0.1 }));
        await host.PutAsync();

        Assert.Equal(["plain \"text\"", """{"a":1,"b":[true,null,1.5]}""", "bytes", """{"id":7,"price":12.50}""", "", "[0.1,0.1]"], receiver.Requests.Select(r => r.Body));
        Assert.All(receiver.Requests, r => Assert.Equal(("POST", "/", "application/json"), (r.Method, r.Target, r.Headers["Content-Type"])));
    }

    [Fact]
    public async Task Placeholders_are_filled_in_and_escaped_for_where_they_stand()
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var host = await StartAsync(receiver, new()
        {
            ["http.url"] = receiver.Address + "${topic}/${key}?city=${value.address.city}",
            ["http.method"] = "PUT",
            ["http.headers.additional"] = "X-Offset: ${offset},X-Trace: ${header.trace}",
            ["http.body.template"] = """{"text":"${value.text}","all":${value}}""",
        });

        host.Produce(Record(5, new Dictionary<string, object?> { ["text"] = "say \"hi\"\n", ["address"] = new Dictionary<string, object?> { ["city"] = "Köln & Co" } }) with
        {
            Key = "a/b",
            Headers = [new Header("trace", null, "t-1")],
        });
        await host.PutAsync();

        var request = Assert.Single(receiver.Requests);
        Assert.Equal("PUT", request.Method);
        Assert.Equal("/t/a%2Fb?city=K%C3%B6ln%20%26%20Co", request.Target);
        Assert.Equal(("5", "t-1"), (request.Headers["X-Offset"], request.Headers["X-Trace"]));
        Assert.Equal("""{"text":"say \"hi\"\n","all":{"text":"say \"hi\"\n","address":{"city":"Köln & Co"}}}""", request.Body);
    }

    [Fact]
    public async Task A_value_does_not_climb_the_path_and_no_delete_goes_to_what_is_left_without_one()
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var host = await StartAsync(receiver, new() { ["http.url"] = receiver.Address + "tenant/./orders/${key}?trace=${header.trace}", ["http.on.null"] = "delete" });
        string?[] bad = ["..", ".", "../x", "..\\x", "a/..", null, ""], good = ["...", "a..b", "%2e%2e", "a/b"];

        host.Produce(bad.Concat(good).Select((key, i) => Record(i, null) with { Key = key }));
        host.Produce(Record(20, "new") with { Key = null });
        await host.PutAsync();

        Assert.Equal(bad, host.Reported.Select(r => r.Record.Key));
        Assert.Equal(
            ["DELETE /tenant/orders/...?trace=", "DELETE /tenant/orders/a..b?trace=", "DELETE /tenant/orders/%2e%2e?trace=", "DELETE /tenant/orders/a%2Fb?trace=", "POST /tenant/orders/?trace="],
            receiver.Requests.Select(r => $"{r.Method} {r.Target}"));
    }

    [Fact]
    public async Task A_value_that_would_end_a_header_is_the_fault_of_its_record_and_nothing_is_sent()
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var host = await StartAsync(receiver, new() { ["http.headers.additional"] = "X-Key: ${key},Content-Language: de" });

        host.Produce(Record(0, "v") with { Key = "a\r\nX-Evil: 1" }, Record(1, "v") with { Key = "a\u0001b" }, Record(2, "w") with { Key = "Müller 数\t1" });
        await host.PutAsync();

        Assert.Equal([0, 1], host.Reported.Select(r => r.Record.Offset));
        var request = Assert.Single(receiver.Requests);
        Assert.Equal(("w", "Müller 数\t1", "de"), (request.Body, request.Headers["X-Key"], request.Headers["Content-Language"]));
    }

    [Fact]
    public async Task Batches_are_framed_and_a_refused_one_is_taken_apart()
    {
        await using var receiver = await WebReceiver.StartAsync((request, response) =>
        {
            response.StatusCode = request.Body.Contains("bad", StringComparison.Ordinal) ? 422 : 200;
            return Task.CompletedTask;
        });
        await using var host = await StartAsync(receiver, new()
        {
            ["batching.enabled"] = "true",
            ["batch.max.size"] = "3",
            ["batch.prefix"] = "[",
            ["batch.suffix"] = "]",
            ["batch.separator"] = ",",
        });

        host.Produce(Record(0, "1"), Record(1, "2"), Record(2, "3"), Record(3, "4"), Record(4, "bad"), Record(5, "6"), Record(6, "7"));
        await host.PutAsync();
        await host.FlushAsync();

        Assert.Equal(["[1,2,3]", "[4,bad,6]", "[4]", "[bad]", "[6]", "[7]"], receiver.Requests.Select(r => r.Body));
        Assert.Equal(4, Assert.Single(host.Reported).Record.Offset);
        Assert.Equal(7, host.Committed.Values.Single());
    }

    [Fact]
    public async Task What_was_taken_before_a_failure_is_not_sent_again()
    {
        var failing = true;
        await using var receiver = await WebReceiver.StartAsync((request, response) =>
        {
            response.StatusCode = failing && request.Body == "3" ? 500 : 200;
            return Task.CompletedTask;
        });
        await using var host = await StartAsync(receiver, new() { ["max.retries"] = "0" });
        host.Produce(Record(0, "1"), Record(1, "2"), Record(2, "3"), Record(3, "4"));

        await Assert.ThrowsAsync<RetriableException>(() => host.PutAsync());
        failing = false;
        await host.PutAsync();

        Assert.Equal(["1", "2", "3", "3", "4"], receiver.Requests.Select(r => r.Body));
    }

    [Fact]
    public async Task What_was_taken_before_a_failure_is_committed_however_long_its_answer_so_that_a_restart_does_not_send_it_again()
    {
        await using var receiver = await WebReceiver.StartAsync(async (request, response) =>
        {
            response.StatusCode = request.Body == "3" ? 400 : 200;
            await response.WriteAsync(request.Body == "2" ? "a longer answer" : "");
        });
        await using var host = await StartAsync(receiver, new() { ["http.response.max.bytes"] = "1" }, tolerates: false);
        host.Produce(Record(0, "1"), Record(1, "2"), Record(2, "3"), Record(3, "4"));

        for (var start = 0; start < 2; start++)
        {
            await Assert.ThrowsAsync<ConnectException>(() => host.PutAsync());
            await host.FlushAsync();
            await host.CrashAsync();
            await host.StartAsync();
        }

        Assert.Equal(["1", "2", "3", "3"], receiver.Requests.Select(r => r.Body));
        Assert.Equal(2, host.Committed.Values.Single());
    }

    [Fact]
    public async Task Retry_after_is_waited_for_and_handed_on()
    {
        var clock = new TestClock();
        var answers = new Queue<(int Status, string RetryAfter)>([(429, "17"), (200, "17"), (429, "3600")]);
        await using var receiver = await WebReceiver.StartAsync((_, response) =>
        {
            (response.StatusCode, var wait) = answers.Dequeue();
            response.Headers.RetryAfter = wait;
            return Task.CompletedTask;
        });
        await using var host = await StartAsync(receiver, new() { ["max.retries"] = "1" }, new TestWorker { Time = clock });
        host.Produce(Record(0, "1"));

        var put = host.PutAsync();
        await WaitUntilAsync(() => clock.NextDue == TimeSpan.FromSeconds(17));
        clock.Advance(TimeSpan.FromSeconds(16.9));
        var before = receiver.Requests.Count;
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await put;

        Assert.Equal((1, 2), (before, receiver.Requests.Count));

        // What is too long to wait for here is told to the worker, which can.
        host.Produce(Record(1, "2"));
        var later = await Assert.ThrowsAsync<RetriableException>(() => host.PutAsync());
        Assert.Equal((TimeSpan.FromHours(1), 3), (later.RetryAfter, receiver.Requests.Count));
    }

    [Theory]
    [InlineData(401, typeof(FatalException))]
    [InlineData(500, typeof(RetriableException))]
    public async Task A_status_that_is_no_fault_of_the_record_fails_the_put(int status, Type expected)
    {
        await using var receiver = await WebReceiver.StartAsync((_, response) =>
        {
            response.StatusCode = status;
            return response.WriteAsync("secret in the body");
        });
        await using var host = await StartAsync(receiver, new() { ["max.retries"] = "0", ["http.url"] = receiver.Address + "?token=s3cret" });
        host.Produce(Record(0, "1"));

        var failure = await Assert.ThrowsAnyAsync<ConnectException>(() => host.PutAsync());

        Assert.IsType(expected, failure);
        Assert.DoesNotContain("s3cret", failure.ToString());
        Assert.DoesNotContain("secret in the body", failure.ToString());
    }

    [Fact]
    public async Task Nulls_are_deletes_or_passed_over_when_asked_for()
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var deletes = await StartAsync(receiver, new() { ["http.url"] = receiver.Address + "${key}", ["http.on.null"] = "delete" });
        deletes.Produce(Record(0, null) with { Key = "k" });
        await deletes.PutAsync();
        await using var ignores = await StartAsync(receiver, new() { ["http.on.null"] = "ignore" });
        ignores.Produce(Record(0, null));
        await ignores.PutAsync();

        var request = Assert.Single(receiver.Requests);
        Assert.Equal(("DELETE", "/k", ""), (request.Method, request.Target, request.Body));
    }

    [Theory]
    [InlineData("http.auth.type", "Basic")]
    [InlineData("http.authorization.type", "basic")]
    public async Task Castorms_name_of_the_authorization_is_understood_and_checked(string key, string type)
    {
        await using var receiver = await WebReceiver.StartAsync();
        var config = new Dictionary<string, string?> { [key] = type, ["http.auth.user"] = "me", ["http.url"] = receiver.Address.ToString() };
        var connector = new HttpSinkConnector();
        var validation = new Connect.Config.ConfigValidation(connector.Config.Parse(config), new FileRoots([]), new OutboundPolicy([System.Net.IPNetwork.Parse("127.0.0.0/8")]));
        await connector.ValidateAsync(validation, default);
        await using var host = await StartAsync(receiver, new() { [key] = type, ["http.auth.user"] = "me", ["http.auth.password"] = "s3cret" });
        host.Produce(Record(0, "1"));
        await host.PutAsync();

        Assert.Equal("http.auth.password", Assert.Single(validation.Errors).Name);
        Assert.Equal("Basic " + Convert.ToBase64String("me:s3cret"u8), Assert.Single(receiver.Requests).Headers["Authorization"]);
    }

    [Fact]
    public async Task A_token_is_fetched_once_and_anew_when_it_is_refused()
    {
        var tokens = 0;
        await using var receiver = await WebReceiver.StartAsync((request, response) =>
        {
            if (request.Target == "/token")
                return response.WriteAsync($$"""{"access_token":"t{{++tokens}}","expires_in":"3600"}""");
            response.StatusCode = request.Headers["Authorization"] == "Bearer t1" && request.Body == "3" ? 401 : 200;
            return Task.CompletedTask;
        });
        await using var host = await StartAsync(receiver, new()
        {
            ["http.authorization.type"] = "oauth2",
            ["oauth2.access.token.url"] = receiver.Address + "token",
            ["oauth2.client.id"] = "me",
            ["oauth2.client.secret"] = "s3cret",
            ["oauth2.scope"] = "write",
        });
        host.Produce(Record(0, "1"), Record(1, "2"), Record(2, "3"), Record(3, "4"));
        await host.PutAsync();

        Assert.Equal(["grant_type=client_credentials&scope=write", "1", "2", "3", "grant_type=client_credentials&scope=write", "3", "4"], receiver.Requests.Select(r => r.Body));
        Assert.Equal("Basic " + Convert.ToBase64String("me:s3cret"u8), receiver.Requests[0].Headers["Authorization"]);
        Assert.Equal("Bearer t2", receiver.Requests[^1].Headers["Authorization"]);
    }

    [Fact]
    public async Task An_answer_without_a_token_fails_the_task_with_what_to_look_at()
    {
        string[] answers = ["[]", "null", "1", "{}", """{"access_token":null}""", """{"access_token":1}""", """{"access_token":["t"]}""", """{"access_token":""}""", """{"access_token":"a\nb"}"""];
        var given = "";
        await using var receiver = await WebReceiver.StartAsync((_, response) => response.WriteAsync(given));
        foreach (var answer in answers)
        {
            given = answer;
            await using var host = await StartAsync(receiver, new() { ["http.authorization.type"] = "oauth2", ["oauth2.access.token.url"] = receiver.Address + "token", ["oauth2.client.id"] = "me", ["oauth2.client.secret"] = "s3cret" });
            host.Produce(Record(0, "1"));

            var failure = await Assert.ThrowsAsync<FatalException>(() => host.PutAsync());
            Assert.Contains("Set oauth2.response.token.property", failure.Message);
        }

        foreach (var lifetime in (string[])["1e300", "\"soon\"", "\"NaN\"", "{}", "-1"])
        {
            given = $$"""{"access_token":"t","expires_in":{{lifetime}}}""";
            await using var host = await StartAsync(receiver, new() { ["http.authorization.type"] = "oauth2", ["oauth2.access.token.url"] = receiver.Address + "token", ["oauth2.client.id"] = "me", ["oauth2.client.secret"] = "s3cret" });
            host.Produce(Record(0, "1"));
            await host.PutAsync();
            Assert.Equal("Bearer t", receiver.Requests[^1].Headers["Authorization"]);
        }
    }

    [Fact]
    public async Task Answers_are_written_to_the_topics_that_were_named()
    {
        await using var receiver = await WebReceiver.StartAsync((request, response) =>
        {
            response.StatusCode = request.Body == "2" ? 404 : 201;
            return response.WriteAsync($"seen {request.Body}");
        });
        await using var host = await StartAsync(receiver, new() { ["reporter.result.topic.name"] = "ok", ["reporter.error.topic.name"] = "nok", ["http.response.max.bytes"] = "6" });
        host.Produce(Record(0, "1") with { Key = "a" }, Record(1, "2") with { Key = "b" }, Record(2, "3 and more") with { Key = "c" });
        await host.PutAsync();

        Assert.Equal([("ok", "a", 201L, "seen 1"), ("nok", "b", 404L, "seen 2"), ("ok", "c", 201L, "seen 3")], host.Produced.Select(p =>
        {
            var value = (IReadOnlyDictionary<string, object?>)p.Value.Value!;
            return (p.Topic, (string)p.Key.Value!, (long)value["status"]!, (string)value["body"]!);
        }));
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://0.0.0.0:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0x7f.1:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("http://10.0.0.1/")]
    public async Task Addresses_that_are_not_public_are_not_reached_unless_allowed(string url)
    {
        await using var receiver = await WebReceiver.StartAsync();
        await using var host = await StartAsync(receiver, new() { ["http.url"] = string.Format(url, receiver.Address.Port), ["max.retries"] = "0" }, new TestWorker { Network = new OutboundPolicy([]) });
        host.Produce(Record(0, "1"));

        var failure = await Assert.ThrowsAsync<FatalException>(() => host.PutAsync());

        Assert.Contains("RestStream:Connect:AllowedNetworks", failure.Message);
        Assert.Empty(receiver.Requests);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var receiver = await WebReceiver.StartAsync((request, response) =>
        {
            if (request.Target == "/")
                response.Redirect("/elsewhere");
            return Task.CompletedTask;
        });
        await using var host = await StartAsync(receiver, []);
        host.Produce(Record(0, "1"));
        await host.PutAsync();

        Assert.Equal("/", Assert.Single(receiver.Requests).Target);
        Assert.Contains("302", Assert.Single(host.Reported).Error.Message);
    }

    private static async Task<SinkHost> StartAsync(WebReceiver receiver, Dictionary<string, string> config, TestWorker? worker = null, bool tolerates = true)
    {
        config.TryAdd("http.url", receiver.Address.ToString());
        config.TryAdd("retry.backoff.ms", "1");
        var host = new SinkHost(() => new HttpSinkConnector(), config, worker) { ToleratesErrors = tolerates };
        await host.StartAsync();
        await host.OpenAsync([new TopicPartition("t", 0)]);
        return host;
    }

    private static SinkRecord Record(long offset, object? value) => new() { Topic = "t", Partition = 0, OriginalTopic = "t", OriginalPartition = 0, Offset = offset, Value = value };

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "It did not come to that.");
            await Task.Delay(5);
        }
    }
}
