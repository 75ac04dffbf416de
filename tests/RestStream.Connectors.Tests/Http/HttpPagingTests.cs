using Microsoft.AspNetCore.Http;
using RestStream.Connect;
using RestStream.Connect.Testing;
using RestStream.Connectors.Http.Source;
using RestStream.TestKit.Web;
using static RestStream.Connectors.Tests.HttpSourceTests;

namespace RestStream.Connectors.Tests;

/// <summary>Where a polling source is: within an answer, from page to page, from round to round.</summary>
public sealed class HttpPagingTests
{
    private const string SameTime = """[{"id":1,"ts":"2026-01-01T10:00:00Z"},{"id":2,"ts":"2026-01-01T10:00:00Z"},{"id":3,"ts":"2026-01-01T10:00:01Z"}]""";
    private const string NewestFirst = """[{"id":3},{"id":2},{"id":1}]""";

    [Theory]
    [InlineData("timestamp=/ts", SameTime, "1,2,3")]
    [InlineData("key=/id", NewestFirst, "3,2,1")]
    public async Task All_elements_of_an_answer_arrive_once_whatever_their_order(string pointer, string body, string expected)
    {
        await using var server = await WebReceiver.StartAsync((_, response) => response.WriteAsync(body));
        await using var host = Host(server, ("http.response.record.offset.pointer", pointer));
        await host.StartAsync();
        await ReadAsync(host, 3);

        Assert.Empty(await host.PollAsync());
        Assert.Equal(expected, Ids(host));
    }

    [Theory]
    [InlineData("timestamp=/ts", SameTime, "1,2,3", 2)]
    [InlineData("key=/id", NewestFirst, "3,2,1", 1)]
    public async Task After_a_crash_in_the_middle_of_an_answer_the_rest_of_it_is_read(string pointer, string body, string expected, int before)
    {
        await using var server = await WebReceiver.StartAsync((_, response) => response.WriteAsync(body));
        await using var host = Host(server, ("http.response.record.offset.pointer", pointer));
        await host.StartAsync();
        Assert.Equal(3, (await host.PollAsync()).Count);
        host.Append(before);
        await host.CrashAsync();
        await host.StartAsync();
        await ReadAsync(host, 3);

        Assert.Empty(await host.PollAsync());
        Assert.Equal(expected, Ids(host));
    }

    [Fact]
    public async Task An_answer_that_is_another_one_after_a_crash_in_its_middle_is_read_from_its_beginning()
    {
        var body = NewestFirst;
        await using var server = await WebReceiver.StartAsync((_, response) => response.WriteAsync(body));
        await using var host = Host(server, ("http.response.record.offset.pointer", "key=/id"));
        await host.StartAsync();
        await host.PollAsync();
        host.Append(1);
        await host.CrashAsync();
        body = """[{"id":4},{"id":3},{"id":2},{"id":1}]""";
        await host.StartAsync();
        await ReadAsync(host, 5);

        Assert.Empty(await host.PollAsync());
        Assert.Equal("3,4,3,2,1", Ids(host));
    }

    [Fact]
    public async Task Elements_of_further_pages_are_compared_with_the_round_before_and_not_with_the_pages_before()
    {
        var newer = "";
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            if (!request.Target.Contains("page=2", StringComparison.Ordinal))
                response.Headers.Link = "<?page=2>; rel=next";
            return response.WriteAsync(request.Target.Contains("page=2", StringComparison.Ordinal) ? """[{"id":2,"ts":2},{"id":1,"ts":1}]""" : $$"""[{{newer}}{"id":4,"ts":3},{"id":3,"ts":2}]""");
        });
        await using var host = Host(server, ("http.response.record.offset.pointer", "timestamp=/ts"), ("http.paging", "link"));
        await host.StartAsync();
        await ReadAsync(host, 4);
        newer = """{"id":5,"ts":4},""";
        await ReadAsync(host, 5);

        Assert.Equal("4,3,2,1,5", Ids(host));
    }

    [Fact]
    public async Task New_elements_of_later_pages_are_seen_although_the_first_page_did_not_change()
    {
        var second = """[{"id":2}]""";
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            if (request.Target != "/")
                return response.WriteAsync(second);
            response.Headers.ETag = "\"first\"";
            response.Headers.Link = "</?page=2>; rel=next";
            if (request.Headers.ContainsKey("If-None-Match"))
                response.StatusCode = 304;
            return response.StatusCode == 304 ? Task.CompletedTask : response.WriteAsync("""[{"id":1}]""");
        });
        await using var host = Host(server, ("http.response.record.offset.pointer", "key=/id"), ("http.paging", "link"));
        await host.StartAsync();
        await ReadAsync(host, 2);
        second = """[{"id":2},{"id":3}]""";
        await ReadAsync(host, 3);

        Assert.Equal("1,2,3", Ids(host));
    }

    [Fact]
    public async Task The_place_of_a_page_does_not_repeat_the_parameters_of_the_settings_and_asks_with_them()
    {
        await using var server = await WebReceiver.StartAsync((request, response) =>
        {
            if (!request.Target.Contains("page=2", StringComparison.Ordinal))
                response.Headers.Link = $"<http://{request.Headers["Host"]}/items/of?api_key=s3%63ret&page=2&size=5>; rel=next";
            return response.WriteAsync("[1]");
        });
        await using var host = Host(server, ("http.request.url", server.Address + "items/of?size=10"), ("http.request.params", "api_key=s3cret"), ("http.paging", "link"));
        await host.StartAsync();
        await ReadAsync(host, 1);
        var page = (string)host.Offsets.Single().Offset["page"]!;
        await host.CrashAsync();
        await host.StartAsync();
        await ReadAsync(host, 2);

        Assert.Equal("?api_key&page=2&size=5", page);
        Assert.Equal(["/items/of?size=10&api_key=s3cret", "/items/of?api_key=s3cret&page=2&size=5"], server.Requests.Take(2).Select(r => r.Target));
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("false")]
    [InlineData("\"two\"")]
    public async Task A_cursor_that_is_empty_or_the_one_that_was_asked_with_ends_the_round(string last)
    {
        var clock = new TestClock();
        await using var server = await WebReceiver.StartAsync(
            (request, response) => response.WriteAsync($$"""{"items":[1],"next":{{(request.Target.Contains("two", StringComparison.Ordinal) ? last : "\"two\"")}}}"""));
        await using var host = new SourceHost(
            () => new HttpSourceConnector(),
            Poll(server, ("http.request.params", "cursor=${offset.cursor}"), ("http.paging", "cursor"), ("http.response.list.pointer", "/items"), ("http.response.cursor.pointer", "/next"), ("http.timer.catchup.interval.millis", "7000")),
            new TestWorker { Time = clock });
        await host.StartAsync();
        await host.RunAsync(2);

        var more = host.PollAsync();
        await UntilAsync(() => clock.NextDue == TimeSpan.FromSeconds(7), more);

        Assert.Equal(["/?cursor=", "/?cursor=two"], server.Requests.Select(r => r.Target));
    }

    [Fact]
    public async Task An_offset_that_would_climb_the_path_is_refused()
    {
        await using var server = await WebReceiver.StartAsync();
        await using var host = Host(server, ("http.request.url", server.Address + "tenant/orders/${offset.key}"), ("http.offset.initial", "key=.."));
        await host.StartAsync();

        await Assert.ThrowsAsync<FatalException>(() => host.PollAsync());

        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Of_a_redirect_there_is_one_warning()
    {
        var status = 301;
        await using var server = await WebReceiver.StartAsync((_, response) =>
        {
            response.StatusCode = status;
            return Task.CompletedTask;
        });
        var worker = new TestWorker();
        await using var host = new SourceHost(() => new HttpSourceConnector(), Poll(server), worker) { Patience = TimeSpan.FromSeconds(1) };
        await host.StartAsync();
        var poll = host.PollAsync();
        await UntilAsync(() => server.Requests.Count > 2, poll);
        status = 304;
        await poll;

        var warning = Assert.Single(worker.Log);
        Assert.Equal(TaskLogLevel.Warning, warning.Level);
        Assert.Contains("301", warning.Message);
    }

    private static SourceHost Host(WebReceiver server, params (string Name, string Value)[] settings) =>
        new(() => new HttpSourceConnector(), Poll(server, settings), new TestWorker()) { Patience = TimeSpan.FromSeconds(1) };

    private static string Ids(SourceHost host) => string.Join(',', host.Log.Select(record => ((IDictionary<string, object?>)record.Value!)["id"]));
}
