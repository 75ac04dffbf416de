using System.Net;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Operations;

public class RequestGuardTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private ServerProcess Server => fixture.Server;

    [Theory]
    [InlineData("evil.com", 421)]
    [InlineData("evil.com:8082", 421)]
    [InlineData("127.0.0.1.evil.com", 421)]
    [InlineData("localhost.evil.com", 421)]
    [InlineData("10.0.0.1", 421)]
    [InlineData("localhost", 200)]
    [InlineData("localhost:1234", 200)]
    [InlineData("LOCALHOST", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:8082", 200)]
    [InlineData("log.example.com", 200)]
    public async Task On_loopback_only_local_and_configured_names_are_served(string host, int expected)
    {
        var answer = await SendAsync(HttpMethod.Get, "health/live", ("Host", host));

        Assert.Equal(expected, (int)answer.StatusCode);
        if (expected == 421)
            Assert.Contains("RestStream:AllowedHosts", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("Origin", "http://evil.com")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "https://app.example.com.evil.com")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_page_of_another_origin_cannot_change_anything(string header, string value)
    {
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Patch })
        {
            var answer = await SendAsync(method, "topics/demo", (header, value));

            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.Contains("RestStream:CorsOrigins", await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task A_page_of_our_own_or_of_an_allowed_origin_is_not_refused()
    {
        Assert.NotEqual(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Delete, "topics/none", ("Origin", Server.Address.GetLeftPart(UriPartial.Authority)))).StatusCode);
        Assert.NotEqual(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Delete, "topics/none", ("Sec-Fetch-Site", "same-origin"))).StatusCode);
        Assert.NotEqual(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Delete, "topics/none", ("Sec-Fetch-Site", "none"))).StatusCode);
        Assert.NotEqual(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Delete, "topics/none", ("Sec-Fetch-Site", "cross-site"), ("Origin", "https://app.example.com"))).StatusCode);
    }

    [Theory]
    [InlineData("https://app.example.com", "https://app.example.com")]
    [InlineData("https://evil.com", null)]
    public async Task Cross_origin_access_is_granted_to_configured_origins_only(string origin, string? granted)
    {
        var preflight = await SendAsync(HttpMethod.Options, "topics/demo/records", ("Origin", origin), ("Access-Control-Request-Method", "POST"));
        var read = await SendAsync(HttpMethod.Get, "health/live", ("Origin", origin));

        Assert.Equal(granted, Header(preflight, "Access-Control-Allow-Origin"));
        Assert.Equal(granted, Header(read, "Access-Control-Allow-Origin"));
        Assert.Null(Header(read, "Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task Content_length_with_transfer_encoding_is_refused_and_the_connection_closed()
    {
        var (answer, closed) = await RawHttp.SendAsync(Server.Address, """
            POST /topics/demo/records HTTP/1.1
            Host: localhost
            Content-Length: 6
            Transfer-Encoding: chunked

            0

            GET /health/live HTTP/1.1
            Host: localhost


            """);

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("ambiguous-length", answer);
        Assert.Single(answer.Split("HTTP/1.1 "), part => part.Length > 0);
        Assert.True(closed);
    }

    [Theory]
    [InlineData("GET /health/live HTTP/1.1\n\n", "400")]
    [InlineData("GET /health/live HTTP/1.1\nHost: localhost\nHost: localhost\n\n", "400")]
    [InlineData("POST /topics/x/records HTTP/1.1\nHost: localhost\nContent-Length: -1\n\n", "400")]
    [InlineData("GET /health/live HTTP/1.1\nHost: localhost\nX-A: 1\n folded\n\n", "400")]
    public async Task Requests_that_can_be_read_in_two_ways_are_refused(string request, string expected)
    {
        var (answer, _) = await RawHttp.SendAsync(Server.Address, request);

        Assert.StartsWith("HTTP/1.1 " + expected, answer);
    }

    [Fact]
    public async Task Header_floods_are_refused_with_the_status_that_names_them()
    {
        var many = string.Concat(Enumerable.Range(0, 101).Select(i => $"X-{i}: 1\n"));
        var large = $"X-Large: {new string('a', 40 * 1024)}\n";
        var longUrl = new string('a', 9 * 1024);

        Assert.StartsWith("HTTP/1.1 431", (await RawHttp.SendAsync(Server.Address, $"GET / HTTP/1.1\nHost: localhost\n{many}\n")).Answer);
        Assert.StartsWith("HTTP/1.1 431", (await RawHttp.SendAsync(Server.Address, $"GET / HTTP/1.1\nHost: localhost\n{large}\n")).Answer);
        Assert.StartsWith("HTTP/1.1 414", (await RawHttp.SendAsync(Server.Address, $"GET /{longUrl} HTTP/1.1\nHost: localhost\n\n")).Answer);
    }

    [Fact]
    public async Task What_a_proxy_might_have_said_changes_nothing()
    {
        var answer = await SendAsync(HttpMethod.Get, "", ("X-Forwarded-Host", "evil.com"), ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Proto", "https"), ("Accept", "text/html"));

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/swagger/", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task The_server_does_not_say_what_it_is_made_of() => Assert.Null(Header(await SendAsync(HttpMethod.Get, "health/live"), "Server"));

    [Fact]
    public async Task Refused_requests_are_counted_by_reason()
    {
        await SendAsync(HttpMethod.Post, "topics/demo", ("Origin", "http://evil.com"));

        Assert.Matches("reststream_requests_rejected_total\\{reason=\"cross-site\"\\} [1-9]", await Server.Client.GetStringAsync("metrics"));
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        using var request = new HttpRequestMessage(method, new Uri(Server.Address, path));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request);
    }

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
