using System.Net.Sockets;
using System.Text;

namespace RestStream.Tests.Produce;

/// <summary>Bodies that arrive in odd pieces, too slowly, or not at all.</summary>
[Collection(ProduceCollection.Name)]
public sealed class BodyInPiecesTests(ProduceServer server)
{
    [Theory]
    [InlineData("application/json", """[{"key":"ä","value":{"n":1.50}},{"value":"\u00e4"}]""")]
    [InlineData("application/json", """{"records":[{"value":[1,2,3]}]}""")]
    [InlineData("application/x-ndjson", "{\"key\":\"ä\",\"value\":1}\r\n\n{\"value\":null,\"key\":\"b\"}\n")]
    [InlineData("application/vnd.kafka.json.v2+json", """{"records":[{"key":"ä","value":{"n":1.50}}]}""")]
    [InlineData("text/plain", "no JSON, ä")]
    public async Task A_body_cut_anywhere_into_chunks_is_the_same_body(string contentType, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var path = contentType.Contains("v2") ? "/topics/{0}" : "/topics/{0}/records";
        var whole = await server.CreateTopicAsync();
        Assert.Equal(200, (await server.PostAsync(string.Format(path, whole), body, contentType)).Status);
        var expected = server.Read(whole).Select(r => (r.KeyText, r.ValueText)).ToList();
        Assert.NotEmpty(expected);
        using var connection = await ConnectAsync();
        var stream = connection.GetStream();
        using var answers = new StreamReader(stream, Encoding.UTF8);

        for (var cut = 1; cut < body.Length; cut++)
        {
            var topic = await server.CreateTopicAsync();
            await SendAsync(stream, Head(string.Format(path, topic), contentType, "Transfer-Encoding: chunked"));
            await SendAsync(stream, [.. Encoding.ASCII.GetBytes($"{cut:x}\r\n"), .. body[..cut], .. "\r\n"u8]);
            await SendAsync(stream, [.. Encoding.ASCII.GetBytes($"{body.Length - cut:x}\r\n"), .. body[cut..], .. "\r\n0\r\n\r\n"u8]);
            Assert.Contains(" 200 ", await ReadAnswerAsync(answers));

            Assert.Equal(expected, server.Read(topic).Select(r => (r.KeyText, r.ValueText)));
        }
    }

    [Fact]
    public async Task A_body_that_trickles_is_408_and_writes_nothing()
    {
        var topic = await server.CreateTopicAsync();
        using var connection = await ConnectAsync();
        var stream = connection.GetStream();
        await SendAsync(stream, Head($"/topics/{topic}/records", "application/json", "Content-Length: 1000") + "[{\"value\":1}");

        // The server waits five seconds for the rest, then no longer.
        var answer = await new StreamReader(stream).ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("\"error_code\":", answer);
        Assert.Equal(0, server.CountOf(topic));
        Assert.Equal(200, (await server.PostAsync($"/topics/{topic}/records", "1", "text/plain")).Status);
    }

    [Theory]
    [InlineData("xyz\r\n")]
    [InlineData("ffffffffffffffffff\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("3\r\n[1]garbage\r\n")]
    public async Task A_chunk_that_is_none_is_400_and_writes_nothing(string chunk)
    {
        var topic = await server.CreateTopicAsync();
        using var connection = await ConnectAsync();
        var stream = connection.GetStream();
        await SendAsync(stream, Head($"/topics/{topic}/records", "application/json", "Transfer-Encoding: chunked") + chunk);

        var answer = await new StreamReader(stream).ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Equal(0, server.CountOf(topic));
        Assert.Equal(200, (await server.PostAsync($"/topics/{topic}/records", "1", "text/plain")).Status);
    }

    [Fact]
    public async Task A_length_beyond_the_limit_is_refused_without_waiting_for_the_body()
    {
        var topic = await server.CreateTopicAsync();
        using var connection = await ConnectAsync();
        var stream = connection.GetStream();
        await SendAsync(stream, Head($"/topics/{topic}/records", "application/json", "Content-Length: 99999999999"));

        using var answers = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 413 ", await answers.ReadLineAsync());
    }

    private static string Head(string path, string contentType, string framing) =>
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {contentType}\r\n{framing}\r\n\r\n";

    private async Task<TcpClient> ConnectAsync()
    {
        var connection = new TcpClient { NoDelay = true };
        await connection.ConnectAsync(server.Address.Host, server.Address.Port);
        return connection;
    }

    private static Task SendAsync(NetworkStream stream, string text) => SendAsync(stream, Encoding.ASCII.GetBytes(text));

    private static async Task SendAsync(NetworkStream stream, byte[] bytes) => await stream.WriteAsync(bytes);

    /// <summary>The status line; reads to the end of the body, which has a length or is chunked.</summary>
    private static async Task<string> ReadAnswerAsync(StreamReader answers)
    {
        var status = await answers.ReadLineAsync() ?? throw new IOException("The server closed the connection.");
        var length = 0;
        var chunked = false;
        while (await answers.ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header.AsSpan("Content-Length: ".Length), System.Globalization.CultureInfo.InvariantCulture);
            chunked |= header.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        }

        // Receipts are ASCII, so that characters are bytes.
        if (!chunked)
            await answers.ReadBlockAsync(new char[length], 0, length);
        while (chunked && await answers.ReadLineAsync() is var line && line != "0")
        {
        }

        if (chunked)
            await answers.ReadLineAsync();
        return status;
    }
}
