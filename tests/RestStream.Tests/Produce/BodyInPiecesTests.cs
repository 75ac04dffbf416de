using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace RestStream.Tests.Produce;

/// <summary>Bodies that arrive in odd pieces, too slowly, or not at all.</summary>
[Collection(ProduceCollection.Name)]
public sealed partial class BodyInPiecesTests(ProduceServer server)
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
        var answer = await server.PostAsync(string.Format(path, whole), body, contentType);
        Assert.Equal(200, answer.Status);
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
            var (status, receipts) = await ReadAnswerAsync(answers).WaitAsync(TimeSpan.FromSeconds(60));

            Assert.Contains(" 200 ", status);
            Assert.Equal(WithoutTimes(answer.Body), WithoutTimes(receipts));
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
        var answer = await new StreamReader(stream).ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("\"error_code\":40800,", answer);
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

        var answer = await new StreamReader(stream).ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));

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
        Assert.StartsWith("HTTP/1.1 413 ", await answers.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)));
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

    private static string WithoutTimes(string receipts) => Timestamps().Replace(receipts, "");

    [GeneratedRegex("\"timestamp\":[0-9]+")]
    private static partial Regex Timestamps();

    /// <summary>The status line and the body, which has a length or is chunked.</summary>
    private static async Task<(string Status, string Body)> ReadAnswerAsync(StreamReader answers)
    {
        var status = await answers.ReadLineAsync() ?? throw new IOException("The server closed the connection.");
        var length = 0;
        var chunked = false;
        while (await answers.ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(header.AsSpan("Content-Length: ".Length), CultureInfo.InvariantCulture);
            chunked |= header.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        }

        var body = new StringBuilder();
        do
        {
            if (chunked)
                length = int.Parse((await answers.ReadLineAsync())!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

            // Receipts are ASCII, so that characters are bytes.
            var piece = new char[length];
            await answers.ReadBlockAsync(piece, 0, length);
            body.Append(piece);
            if (chunked)
                await answers.ReadLineAsync();
        }
        while (chunked && length > 0);
        return (status, body.ToString());
    }
}
