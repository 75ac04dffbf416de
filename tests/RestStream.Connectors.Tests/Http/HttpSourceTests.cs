using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Http.Source;
using RestStream.TestKit.Web;

namespace RestStream.Connectors.Tests;

public sealed class HttpSourceTests
{
    [Fact]
    public async Task An_answer_that_did_not_change_brings_nothing()
    {
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            response.Headers.ETag = "\"v1\"";
            if (request.Headers.ContainsKey("If-None-Match"))
                response.StatusCode = 304;
            return response.StatusCode == 304 ? Task.CompletedTask : response.WriteAsync("""[{"id":1},{"id":2}]""");
        });
        await using var host = new SourceHost(() => new HttpSourceConnector(), Poll(server), new TestWorker()) { Patience = TimeSpan.FromSeconds(1) };
        await host.StartAsync();
        await ReadAsync(host, 2);

        // The place outlives a restart.
        await host.StopAsync();
        await host.StartAsync();
        Assert.Empty(await host.PollAsync());

        Assert.Equal(2, host.Log.Count);
        Assert.Equal("\"v1\"", server.Requests[1].Headers["If-None-Match"]);
    }

    [Fact]
    public async Task Pages_are_followed_by_their_links_on_the_same_host_only()
    {
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            response.Headers.Link = request.Target switch
            {
                "/" => """</?page=2>; rel="next", </?page=3>; rel="last" """,
                "/?page=2" => "</?page=3>; rel=next",
                "/?page=3" => """<http://other.example/>; rel="next" """,
                _ => "",
            };
            return response.WriteAsync($"[\"{request.Target}\"]");
        });
        await using var host = new SourceHost(() => new HttpSourceConnector(), Poll(server, ("http.paging", "link")), new TestWorker());
        await host.StartAsync();
        await host.RunAsync(2);

        var failure = await Assert.ThrowsAsync<FatalException>(() => host.PollAsync());

        Assert.Equal(["/", "/?page=2"], host.Log.Select(r => (string)r.Value!));
        Assert.Contains("other.example", failure.Message);
    }

    [Fact]
    public async Task The_offset_goes_into_the_request_and_what_is_not_behind_it_is_passed_over()
    {
        await using var server = await WebReceiver.StartAsync((_, response) => response.WriteAsync("""
            {"data":[{"id":"b","at":"2026-01-01T00:00:00Z","v":1},{"id":"c","at":"2026-01-01T00:00:00Z","v":2},{"id":"a","at":"2026-01-01T01:00:00+00:00","v":3}]}
            """));
        await using var host = new SourceHost(
            () => new HttpSourceConnector(),
            Poll(server,
                ("http.request.params", "since=${offset.timestamp}"), ("http.offset.initial", "timestamp=2026-01-01T00:00:00Z,key=b"), ("http.response.list.pointer", "/data"),
                ("http.response.record.offset.pointer", "timestamp=/at,key=/id"), ("http.response.record.key.pointer", "/id"), ("http.response.record.timestamp.pointer", "/at")),
            new TestWorker())
        { Patience = TimeSpan.FromSeconds(1) };
        await host.StartAsync();
        await ReadAsync(host, 2);
        var again = await host.PollAsync();

        Assert.Equal(["c", "a"], host.Log.Select(r => (string)r.Key!));
        Assert.Equal(DateTimeOffset.Parse("2026-01-01T01:00:00Z").ToUnixTimeMilliseconds(), host.Log[1].Timestamp);
        Assert.Empty(again);
        Assert.Equal(["/?since=2026-01-01T00%3A00%3A00Z", "/?since=2026-01-01T01%3A00%3A00%2B00%3A00"], server.Requests.Select(r => r.Target).Distinct());
    }

    [Theory]
    [InlineData("no json", "no JSON")]
    [InlineData("""{"other":[]}""", "http.response.list.pointer")]
    public async Task An_answer_that_is_not_as_expected_fails_with_what_to_do(string body, string expected)
    {
        await using var server = await WebReceiver.StartAsync((_, response) => response.WriteAsync(body));
        await using var host = new SourceHost(() => new HttpSourceConnector(), Poll(server, ("http.response.list.pointer", "/items")), new TestWorker());
        await host.StartAsync();

        var failure = await Assert.ThrowsAnyAsync<ConnectException>(() => host.PollAsync());

        Assert.Contains(expected, failure.Message);
    }

    [Fact]
    public async Task A_hook_answers_when_its_records_are_in_the_log()
    {
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Hook(), worker);
        await host.StartAsync();

        var call = worker.CallHookAsync("in", Json("""[{"a":1},{"a":2}]"""));
        await host.PollAsync();
        host.Append();
        var before = call.IsCompleted;
        await host.CommitAsync();
        var answer = await call;

        Assert.False(before);
        Assert.Equal((200, """{"records":2}"""), (answer.Status, answer.Body));
        Assert.Equal(2, host.Log.Count);
    }

    [Fact]
    public async Task A_hook_with_a_secret_takes_only_what_is_signed_with_it()
    {
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Hook(("hook.secret", "s3cret")), worker);
        await host.StartAsync();
        var signature = "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData("s3cret"u8, "1"u8));

        var unsigned = await worker.CallHookAsync("in", Json("1"));
        var wrong = await worker.CallHookAsync("in", Json("2", ("X-Hub-Signature-256", signature)));
        var garbage = await worker.CallHookAsync("in", Json("1", ("X-Hub-Signature-256", "sha256=zz")));
        var signed = worker.CallHookAsync("in", Json("1", ("x-hub-signature-256", signature)));
        await host.RunAsync(1);

        int[] statuses = [unsigned.Status, wrong.Status, garbage.Status, (await signed).Status];
        Assert.Equal([401, 401, 401, 200], statuses);
        Assert.Equal(1L, Assert.Single(host.Log).Value);
    }

    [Fact]
    public async Task A_hook_that_has_too_much_waiting_or_stops_says_so_and_bad_json_is_refused()
    {
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Hook(("hook.max.pending", "1")), worker);
        await host.StartAsync();

        var bad = await worker.CallHookAsync("in", Json("{"));
        var waiting = worker.CallHookAsync("in", Json("1"));
        var refused = await worker.CallHookAsync("in", Json("2"));
        await host.StopAsync();
        var stopped = await waiting;

        Assert.Equal([400, 503, 503], [bad.Status, refused.Status, stopped.Status]);
        Assert.Empty(host.Log);
    }

    [Fact]
    public async Task Text_that_comes_to_a_hook_is_text_and_the_name_of_an_event_is_a_header()
    {
        var worker = new TestWorker();
        await using var hook = new SourceHost(() => new HttpSourceConnector(), Hook(), worker);
        await hook.StartAsync();
        var call = worker.CallHookAsync("in", new HookRequest("POST", "", "", [new("Content-Type", "text/plain")], Encoding.UTF8.GetBytes("hällo")));
        await hook.RunAsync(1);
        await call;
        await using var server = await WebReceiver.StartAsync(async (_, response) =>
        {
            response.ContentType = "text/event-stream";
            await response.WriteAsync("id: 1\nevent: price\ndata: {\"p\":1}\n\nid: 2\nevent: price\ndata: none\n\n");
        });
        await using var events = new SourceHost(() => new HttpSourceConnector(), Events(server), new TestWorker());
        await events.StartAsync();
        await events.RunAsync(2);

        Assert.Equal("hällo", Assert.Single(hook.Log).Value);
        Assert.All(events.Log.Take(2), record => Assert.Equal(new Header("event", Connect.Data.Schema.String, "price"), Assert.Single(record.Headers)));
    }

    [Fact]
    public async Task An_event_stream_is_asked_as_the_settings_say_with_the_last_id_in_them_and_its_query_stays_out_of_the_partition()
    {
        await using var server = await WebReceiver.StartAsync(async (request, response) =>
        {
            response.ContentType = "text/event-stream";
            await response.WriteAsync(request.Headers.ContainsKey("Last-Event-ID") ? "" : "id: 7\ndata: 1\n\n");
        });
        await using var host = new SourceHost(
            () => new HttpSourceConnector(),
            new Dictionary<string, string>
            {
                ["mode"] = "sse",
                ["http.request.url"] = server.Address + "events?key=s3cret",
                ["kafka.topic"] = "t",
                ["http.request.params"] = "after=${offset.id}",
                ["http.request.headers"] = "X-After: ${offset.id}",
                ["retry.backoff.ms"] = "1",
            },
            new TestWorker())
        { Patience = TimeSpan.FromSeconds(1) };
        await host.StartAsync();
        await ReadAsync(host, 1);
        Assert.Empty(await host.PollAsync());

        Assert.Equal(["/events?key=s3cret&after=", "/events?key=s3cret&after=7"], server.Requests.Take(2).Select(r => r.Target));
        Assert.Equal("7", server.Requests[1].Headers["X-After"]);
        Assert.Equal(server.Address + "events", host.Offsets.Single().Partition["url"]);
    }

    [Fact]
    public async Task Events_that_were_read_before_the_stream_broke_off_are_not_lost()
    {
        await using var server = new CutStream();
        await using var host = new SourceHost(
            () => new HttpSourceConnector(), new Dictionary<string, string> { ["mode"] = "sse", ["http.request.url"] = server.Address, ["kafka.topic"] = "t", ["retry.backoff.ms"] = "1" }, new TestWorker());
        await host.StartAsync();
        await host.RunAsync(1);

        // Events 2, 3 and half of 4 come, and the end of the connection, before anybody polls.
        await server.CutAsync();
        await host.RunAsync(3);
        var broken = await Assert.ThrowsAsync<RetriableException>(() => host.PollAsync());
        await host.RunAsync(4);

        Assert.Equal([1L, 2L, 3L, 4L], host.Log.Select(record => record.Value));
        Assert.Contains("broke off", broken.Message);
        Assert.Equal("3", await server.LastEventId);
    }

    [Fact]
    public async Task An_event_that_cannot_be_read_fails_the_task_when_those_before_it_are_delivered()
    {
        await using var server = await WebReceiver.StartAsync((_, response) =>
        {
            response.ContentType = "text/event-stream";
            return response.WriteAsync("id: 1\ndata: 1\n\nid: 2\ndata: 234567\n\n");
        });
        var config = Events(server);
        config["http.response.max.bytes"] = "5";
        await using var host = new SourceHost(() => new HttpSourceConnector(), config, new TestWorker());
        await host.StartAsync();
        await host.RunAsync(1);

        var failure = await Assert.ThrowsAsync<ConnectException>(() => host.PollAsync());

        Assert.Equal(1L, Assert.Single(host.Log).Value);
        Assert.Contains("http.response.max.bytes", failure.Message);
    }

    [Fact]
    public async Task An_event_that_does_not_end_is_given_up_at_the_limit_and_what_is_between_events_does_not_count()
    {
        await using var server = await WebReceiver.StartAsync(async (_, response) =>
        {
            response.ContentType = "text/event-stream";
            for (var id = 1; id <= 1000; id++)
                await response.WriteAsync($": a comment of which there are many, and an empty line behind each event\r\ndata: {id}\r\nid: {id}\r\n\r\n:\n");
            for (var n = 0; n < 100; n++)
                await response.WriteAsync((n == 0 ? "data: " : "") + new string('x', 1000));
            await response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, response.HttpContext.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        var config = Events(server);
        config["http.response.max.bytes"] = "1000";
        await using var host = new SourceHost(() => new HttpSourceConnector(), config, new TestWorker());
        await host.StartAsync();
        await host.RunAsync(1000);

        var failure = await Assert.ThrowsAsync<ConnectException>(() => host.PollAsync());

        Assert.Equal(Enumerable.Range(1, 1000).Select(id => (object)(long)id), host.Log.Select(record => record.Value!));
        Assert.Contains("http.response.max.bytes", failure.Message);
    }

    [Theory]
    [InlineData("", 7)]
    [InlineData("retry: 3000\n", 7)]
    [InlineData("retry: 20000\n", 20)]
    public async Task A_stream_that_ended_is_opened_again_after_the_back_off_or_the_longer_time_its_server_asks_for(string retry, int seconds)
    {
        var clock = new TestClock();
        await using var server = await WebReceiver.StartAsync((_, response) =>
        {
            response.ContentType = "text/event-stream";
            return response.WriteAsync(retry + "id: 1\ndata: 1\n\n");
        });
        var config = Events(server);
        config["retry.backoff.ms"] = "7000";
        await using var host = new SourceHost(() => new HttpSourceConnector(), config, new TestWorker { Time = clock });
        await host.StartAsync();
        await host.RunAsync(1);

        var poll = host.PollAsync();
        await UntilAsync(() => clock.NextDue == TimeSpan.FromSeconds(seconds), poll);
        Assert.Single(server.Requests);
        clock.Advance(TimeSpan.FromSeconds(seconds));
        await poll;

        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_sender_whose_record_is_refused_on_its_way_is_told_and_the_hook_goes_on()
    {
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Hook(), worker);
        await host.StartAsync();

        var one = worker.CallHookAsync("in", Json("1"));
        var some = worker.CallHookAsync("in", Json("[2,3,4]"));
        var good = worker.CallHookAsync("in", Json("5"));
        var polled = new List<SourceRecord>();
        while (polled.Count < 5)
            polled.AddRange(await host.PollAsync());
        Assert.All(polled.Where(record => record.Value is 1L or 3L), record => Assert.True(host.Refuse(record, $"{record.Value} is too large.")));
        host.Append();
        await host.CommitAsync();

        var answers = await Task.WhenAll(one, some, good);
        Assert.Equal([400, 400, 200], answers.Select(a => a.Status));
        Assert.Equal("""{"message":"1 is too large."}""", answers[0].Body);
        Assert.Contains("1 of 3 records were refused, the others are in the log. The first: 3 is too large.", answers[1].Body);
        Assert.Equal([2L, 4L, 5L], host.Log.Select(record => record.Value));
        Assert.Equal(5L, host.Offsets.Single().Offset["received"]);
        Assert.Equal(TaskLogLevel.Warning, Assert.Single(worker.Log).Level);
    }

    [Theory]
    [InlineData("""[1,"\ud800"]""", "Unicode")]
    [InlineData("""[{"at":"2026-01-01"},{"at":"soon"}]""", "http.response.record.timestamp.pointer")]
    public async Task A_body_that_no_record_can_be_made_of_is_refused_and_the_hook_goes_on(string body, string expected)
    {
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Hook(("http.response.record.timestamp.pointer", "/at")), worker);
        await host.StartAsync();

        var bad = worker.CallHookAsync("in", Json(body));
        var good = worker.CallHookAsync("in", Json("""{"at":"2026-01-01"}"""));
        await host.RunAsync(1);

        var (refused, taken) = (await bad, await good);
        Assert.Equal((400, 200), (refused.Status, taken.Status));
        Assert.Contains(expected, refused.Body);
        Assert.Single(host.Log);
    }

    /// <summary>For hosts with little patience, which is for what does not come: what does come may take a slow machine longer.</summary>
    internal static async Task ReadAsync(SourceHost host, int records)
    {
        for (var tries = 0; tries < 10 && host.Log.Count < records; tries++)
            await host.RunAsync(records);
    }

    /// <summary>What comes of a poll that waits; the limit is for a test that would hang.</summary>
    internal static async Task UntilAsync(Func<bool> condition, Task poll)
    {
        var patience = Task.Delay(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            Assert.False(patience.IsCompleted || poll.IsFaulted, $"It never came to this; the poll is {poll.Status}, {poll.Exception}");
            await Task.Delay(5);
        }
    }

    private static Dictionary<string, string> Events(WebReceiver server) =>
        new() { ["mode"] = "sse", ["http.request.url"] = server.Address.ToString(), ["kafka.topic"] = "t", ["retry.backoff.ms"] = "1" };

    internal static Dictionary<string, string> Poll(WebReceiver server, params (string Name, string Value)[] settings)
    {
        var config = new Dictionary<string, string>
        {
            ["http.request.url"] = server.Address.ToString(),
            ["kafka.topic"] = "t",
            ["http.timer.interval.millis"] = "1",
            ["http.timer.catchup.interval.millis"] = "1",
            ["max.retries"] = "0",
        };
        foreach (var (name, value) in settings)
            config[name] = value;
        return config;
    }

    private static Dictionary<string, string> Hook(params (string Name, string Value)[] settings)
    {
        var config = new Dictionary<string, string> { ["mode"] = "webhook", ["hook.name"] = "in", ["kafka.topic"] = "t" };
        foreach (var (name, value) in settings)
            config[name] = value;
        return config;
    }

    private static HookRequest Json(string body, params (string Name, string Value)[] headers) =>
        new("POST", "", "", [new("Content-Type", "application/json"), .. headers.Select(h => KeyValuePair.Create(h.Name, h.Value))], Encoding.UTF8.GetBytes(body));
}
