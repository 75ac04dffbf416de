using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace RestStream.Tests.Produce;

/// <summary>Produce from a stream of lines: a receipt for each, in order, as soon as it is durable.</summary>
[Collection(ProduceCollection.Name)]
public sealed class NdJsonProduceTests(ProduceServer server)
{
    private const string NdJson = "application/x-ndjson";

    [Fact]
    public async Task Receipts_come_while_the_body_is_still_being_sent()
    {
        var topic = await server.CreateTopicAsync();
        using var connection = new TcpClient();
        await connection.ConnectAsync(server.Address.Host, server.Address.Port);
        var stream = connection.GetStream();
        using var answers = new StreamReader(stream, Encoding.UTF8);
        await SendAsync(stream, Head(topic, "Transfer-Encoding: chunked"));

        for (var i = 0; i < 5; i++)
        {
            await SendChunkAsync(stream, $"{{\"value\":{i}}}\n");
            var receipt = await NextLineAsync(answers, '{');
            Assert.Equal(i, JsonDocument.Parse(receipt).RootElement.GetProperty("offset").GetInt64());
            Assert.Equal(i + 1, server.CountOf(topic));
        }

        await SendAsync(stream, "0\r\n\r\n");
        Assert.Equal("0", await NextLineAsync(answers, '0'));
        Assert.Equal(["0", "1", "2", "3", "4"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task Every_line_is_a_record_with_key_headers_and_partition_and_its_receipt_tells_where_it_is()
    {
        var topic = await server.CreateTopicAsync(partitions: 3);

        var answer = (await server.PostAsync($"/topics/{topic}/records", """
            {"key":"a","value":{"n":1.50},"partition":2,"headers":{"h":"x"},"timestamp":1790000000123}
            {"key":null,"value":"text","value_format":"text","partition":0}
            {"value":null,"key":"gone","partition":2}
            """, NdJson)).Is(HttpStatusCode.OK);

        Assert.Equal(NdJson, answer.ContentType);
        Assert.Equal([(2, 0L), (0, 0L), (2, 1L)], answer.Lines.Select(l => (l.GetProperty("partition").GetInt32(), l.GetProperty("offset").GetInt64())));
        var stored = server.Read(topic);
        Assert.Equal([("text", null), ("""{"n":1.50}""", "a"), (null, "gone")], stored.Select(r => (r.ValueText, r.KeyText)));
        Assert.Equal(1790000000123, stored[1].Timestamp);
        Assert.Equal([("h", "x")], stored[1].Headers);
    }

    [Theory]
    [InlineData("{\"value\":1}\n{\"value\":2}")]
    [InlineData("{\"value\":1}\r\n{\"value\":2}\r\n")]
    [InlineData("\n\n{\"value\":1}\n \t\n\n{\"value\":2}\n\n")]
    public async Task Line_ends_and_empty_lines_do_not_matter(string body)
    {
        var topic = await server.CreateTopicAsync();

        var answer = (await server.PostAsync($"/topics/{topic}/records", body, NdJson)).Is(HttpStatusCode.OK);

        Assert.Equal([0L, 1L], answer.Lines.Select(l => l.GetProperty("offset").GetInt64()));
        Assert.Equal(["1", "2"], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("{\"value\":", 40000)]
    [InlineData("no json", 40000)]
    [InlineData("{\"value\":1,\"value\":2}", 40000)]
    [InlineData("{\"value\":1,\"partition\":9}", 40402)]
    [InlineData("{\"total\":1}", 42200)]
    public async Task A_bad_line_is_an_error_with_its_number_and_the_others_are_written(string bad, int code)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await server.PostAsync($"/topics/{topic}/records", $"{{\"value\":1}}\n\n{bad}\n{{\"value\":3}}\n", NdJson);

        Assert.Equal(207, answer.Status);
        var lines = answer.Lines;
        Assert.Equal(3, lines.Length);
        Assert.Equal(3, lines[1].GetProperty("line").GetInt64());
        Assert.Equal(code, lines[1].GetProperty("error").GetProperty("error_code").GetInt32());
        Assert.Equal([0L, 1L], new[] { lines[0], lines[2] }.Select(l => l.GetProperty("offset").GetInt64()));
        Assert.Equal(["1", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_body_of_any_length_is_taken_line_by_line()
    {
        var topic = await server.CreateTopicAsync();
        var line = $"{{\"value\":\"{new string('x', 1000)}\"}}\n";
        var count = ProduceServer.MaxRequestBytes * 4 / line.Length;

        var answer = (await server.PostAsync($"/topics/{topic}/records", string.Concat(Enumerable.Repeat(line, count)), NdJson)).Is(HttpStatusCode.OK);

        Assert.Equal(Enumerable.Range(0, count).Select(i => (long)i), answer.Lines.Select(l => l.GetProperty("offset").GetInt64()));
        Assert.Equal(count, server.CountOf(topic));
    }

    [Theory]
    [InlineData(1, 1)] // whole in one read of the server
    [InlineData(20, 1)] // larger than everything that is buffered on the way
    [InlineData(20, 4096)]
    public async Task A_line_beyond_the_limit_is_refused_in_its_place_however_it_arrives(int timesTheLimit, int blanksInFront)
    {
        var topic = await server.CreateTopicAsync();
        var tooLong = new string(' ', ProduceServer.MaxRequestBytes / 4096 * blanksInFront) + $"{{\"value\":\"{new string('x', ProduceServer.MaxRequestBytes * timesTheLimit)}\"}}";

        var answer = await server.PostAsync($"/topics/{topic}/records", $"{{\"value\":1}}\n{tooLong}\n{{\"value\":3}}\n", NdJson);

        var lines = answer.Lines;
        Assert.Equal(3, lines.Length);
        Assert.Equal(41305, lines[1].GetProperty("error").GetProperty("error_code").GetInt32());
        Assert.Equal(2, lines[1].GetProperty("line").GetInt64());
        Assert.Equal([0L, 1L], new[] { lines[0], lines[2] }.Select(l => l.GetProperty("offset").GetInt64()));
        Assert.Equal(["1", "3"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_body_that_is_one_line_beyond_the_limit_is_413()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", new string('x', ProduceServer.MaxRequestBytes * 20), NdJson)).IsError(413, 41305);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Theory]
    [InlineData("xyz\r\n")]
    [InlineData("ffffffffffffffffff\r\n")]
    public async Task A_chunk_that_is_none_cuts_the_connection_behind_the_receipts(string chunk)
    {
        var topic = await server.CreateTopicAsync();
        using var connection = new TcpClient();
        await connection.ConnectAsync(server.Address.Host, server.Address.Port);
        var stream = connection.GetStream();
        using var answers = new StreamReader(stream, Encoding.UTF8);
        await SendAsync(stream, Head(topic, "Transfer-Encoding: chunked"));
        await SendChunkAsync(stream, "{\"value\":1}\n");
        await NextLineAsync(answers, '{');

        await SendAsync(stream, chunk);

        // Neither another receipt nor the chunk that ends an answer well.
        await Assert.ThrowsAnyAsync<IOException>(() => NextLineAsync(answers, '{', '0'));
        Assert.Equal(["1"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task Lines_for_several_topics_each_name_theirs()
    {
        var (one, other) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());

        var answer = await server.PostAsync("/records", $"{{\"topic\":\"{one}\",\"value\":1}}\n{{\"value\":2}}\n{{\"topic\":\"{other}\",\"value\":3}}\n", NdJson);

        var lines = answer.Lines;
        Assert.Equal([one, other], new[] { lines[0], lines[2] }.Select(l => l.GetProperty("topic").GetString()));
        Assert.Equal(2, lines[1].GetProperty("line").GetInt64());
        Assert.Equal((1, 1), (server.CountOf(one), server.CountOf(other)));
    }

    [Fact]
    public async Task Without_acks_only_refusals_are_answered_and_the_records_follow()
    {
        var topic = await server.CreateTopicAsync();

        var taken = await server.PostAsync($"/topics/{topic}/records?acks=0", "{\"value\":1}\n{\"value\":2}\n", NdJson);
        var mixed = await server.PostAsync($"/topics/{topic}/records?acks=0", "{\"value\":3}\nno json\n", NdJson);

        Assert.Equal((202, ""), (taken.Status, taken.Body));
        Assert.Equal(207, mixed.Status);
        Assert.Equal(2, Assert.Single(mixed.Lines).GetProperty("line").GetInt64());

        // Appends are taken in order: when this one is answered, those before it are there.
        (await server.PostAsync($"/topics/{topic}/records", "{\"value\":4}\n", NdJson)).Is(HttpStatusCode.OK);
        Assert.Equal(["1", "2", "3", "4"], server.Read(topic).Select(r => r.ValueText));
    }

    [Fact]
    public async Task When_every_line_is_refused_the_status_says_so()
    {
        var topic = await server.CreateTopicAsync();

        (await server.PostAsync($"/topics/{topic}/records", "x\ny\n", NdJson)).IsError(400, 40000);
        (await server.PostAsync("/topics/nope/records", "{\"value\":1}\n", NdJson)).IsError(404, 40401);

        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task A_connection_that_is_cut_in_a_line_leaves_the_lines_before_it()
    {
        var topic = await server.CreateTopicAsync();
        using (var connection = new TcpClient())
        {
            await connection.ConnectAsync(server.Address.Host, server.Address.Port);
            var stream = connection.GetStream();
            await SendAsync(stream, Head(topic, "Content-Length: 1000") + "{\"value\":1}\n{\"value\":2}");
            using var answers = new StreamReader(stream, Encoding.UTF8);
            await NextLineAsync(answers, '{');
            connection.Client.Shutdown(SocketShutdown.Send);

            // The server is done with the request when it closes its side, or resets it.
            await Assert.ThrowsAnyAsync<IOException>(() => NextLineAsync(answers, 'x'));
        }

        Assert.Equal(["1"], server.Read(topic).Select(r => r.ValueText));
    }

    private static string Head(string topic, string framing) => $"POST /topics/{topic}/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: {NdJson}\r\n{framing}\r\n\r\n";

    /// <summary>The next line that begins with one of these; others are the head of the answer and the lengths of chunks.</summary>
    /// <exception cref="IOException">The server closed the connection.</exception>
    /// <exception cref="TimeoutException">No such line within half a minute.</exception>
    private static async Task<string> NextLineAsync(StreamReader answers, params char[] begins)
    {
        while (true)
        {
            var line = await answers.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) ?? throw new IOException("The server closed the connection.");
            if (line.Length > 0 && begins.Contains(line[0]))
                return line;
        }
    }

    private static Task SendChunkAsync(NetworkStream stream, string text) => SendAsync(stream, $"{text.Length:x}\r\n{text}\r\n");

    private static async Task SendAsync(NetworkStream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text));
}
