using System.IO.Compression;
using System.Net;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Tests.Produce;

/// <summary>Bodies with a Content-Encoding: read as if they were plain, and bounded in how far they may grow.</summary>
[Collection(ProduceCollection.Name)]
public sealed class CompressedBodyTests(ProduceServer server)
{
    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_compressed_body_is_read_as_if_it_were_plain(string coding)
    {
        var topic = await server.CreateTopicAsync();

        (await PostAsync(topic, Compress(coding, """[{"key":"a","value":{"n":1.50}},{"value":2}]"""), "application/json", coding)).Is(HttpStatusCode.OK);
        (await PostAsync(topic, Compress(coding, "{\"value\":3}\n{\"value\":4}\n"), "application/x-ndjson", coding)).Is(HttpStatusCode.OK);
        (await PostAsync(topic, Compress(coding, "raw text"), "text/plain", coding)).Is(HttpStatusCode.OK);

        Assert.Equal(["""{"n":1.50}""", "2", "3", "4", "raw text"], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("gzip", "application/json")]
    [InlineData("deflate", "application/json")]
    [InlineData("br", "application/json")]
    [InlineData("zstd", "application/json")]
    [InlineData("gzip", "application/octet-stream")]
    public async Task A_bomb_is_refused_before_it_has_grown(string coding, string contentType)
    {
        var topic = await server.CreateTopicAsync();
        var bomb = Compress(coding, new string(' ', 32 * 1024 * 1024) + "{\"value\":1}");
        var before = GC.GetTotalAllocatedBytes();

        var answer = await PostAsync(topic, bomb, contentType, coding);

        // Whichever limit is reached first: that of the ratio, or that of the body, which counts what was compressed.
        Assert.Contains(answer.ErrorCode, new[] { 41300, 41303 });
        answer.IsError(413, answer.ErrorCode);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 16 * 1024 * 1024);
        Assert.Equal(0, server.CountOf(topic));
        (await PostAsync(topic, Compress(coding, """{"value":1}"""), "application/json", coding)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_bomb_in_a_stream_of_lines_ends_it_with_the_reason()
    {
        var topic = await server.CreateTopicAsync();

        var answer = await PostAsync(topic, Compress("gzip", "{\"value\":1}\n" + new string('\n', 32 * 1024 * 1024)), "application/x-ndjson", "gzip");

        Assert.Contains("41303", answer.Body);
        Assert.True(server.CountOf(topic) <= 1);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_body_that_ends_early_or_is_damaged_or_not_compressed_is_400(string coding)
    {
        var topic = await server.CreateTopicAsync();
        var whole = Compress(coding, $"[{string.Join(',', Enumerable.Range(0, 40).Select(i => $"{{\"value\":\"{Guid.NewGuid()}\"}}"))}]");

        (await PostAsync(topic, whole[..(whole.Length / 2)], "application/json", coding)).IsError(400, 40000);
        (await PostAsync(topic, [.. whole[..20], 0xff, 0xff, 0xff, 0xff, .. whole[24..]], "application/json", coding)).IsError(400, 40000);
        (await PostAsync(topic, """{"value":1}"""u8.ToArray(), "application/json", coding)).IsError(400, 40000);

        Assert.Equal(0, server.CountOf(topic));
        (await PostAsync(topic, whole, "application/json", coding)).Is(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task A_stream_of_lines_that_ends_early_says_so_and_holds_no_line_in_part(string coding)
    {
        var topic = await server.CreateTopicAsync();
        var values = Enumerable.Range(0, 400).Select(i => $"\"{i} {Guid.NewGuid()}\"").ToList();
        var whole = Compress(coding, string.Concat(values.Select(v => $"{{\"value\":{v}}}\n")));

        var answer = await PostAsync(topic, whole[..(whole.Length / 2)], "application/x-ndjson", coding);

        Assert.Contains("\"error_code\":", answer.Body);
        var written = server.Read(topic).Select(r => r.ValueText!).ToList();
        Assert.True(written.Count < values.Count);
        Assert.Equal(values.Take(written.Count), written);
        (await PostAsync(topic, whole, "application/x-ndjson", coding)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Identity_is_no_coding()
    {
        var topic = await server.CreateTopicAsync();

        (await PostAsync(topic, """{"value":1}"""u8.ToArray(), "application/json", "identity")).Is(HttpStatusCode.OK);

        Assert.Equal(["1"], server.Read(topic).Select(r => r.ValueText));
    }

    [Theory]
    [InlineData("lzma")]
    [InlineData("gzip, br")]
    public async Task A_coding_that_cannot_be_read_is_415_and_the_others_are_named(string coding)
    {
        var topic = await server.CreateTopicAsync();

        var answer = await PostAsync(topic, [1, 2, 3], "application/json", coding);

        answer.IsError(415, 41501);
        Assert.Equal(["gzip", "deflate", "br", "zstd"], answer.Json.GetProperty("accepted_encodings").EnumerateArray().Select(c => c.GetString()));
        Assert.Equal(0, server.CountOf(topic));
    }

    [Fact]
    public async Task Pages_are_compressed_for_whoever_asks_and_streams_are_not()
    {
        var topic = await server.CreateTopicAsync();
        (await server.PostAsync($"/topics/{topic}/records", $"{{\"value\":\"{new string('x', 5000)}\"}}")).Is(HttpStatusCode.OK);

        using var page = await GetAsync($"/topics/{topic}/records", "application/json");
        using var events = await GetAsync($"/topics/{topic}/records?from=earliest&until=latest", "text/event-stream");

        Assert.Equal(["gzip"], page.Content.Headers.ContentEncoding);
        await using var text = new GZipStream(await page.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        Assert.Contains(new string('x', 5000), await new StreamReader(text).ReadToEndAsync());
        Assert.Empty(events.Content.Headers.ContentEncoding);
        Assert.Contains(new string('x', 5000), await events.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept", accept);
        request.Headers.Add("Accept-Encoding", "gzip");
        return await server.Client.SendAsync(request);
    }

    private Task<Answer> PostAsync(string topic, byte[] body, string contentType, string coding) =>
        server.PostAsync($"/topics/{topic}/records", body, contentType, ("Content-Encoding", coding));

    private static byte[] Compress(string coding, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (coding == "zstd")
        {
            using var into = BatchBuffer.Rent(1024);
            Compression.Compress(CompressionCodec.Zstd, bytes, into);
            return into.Span.ToArray();
        }

        var compressed = new MemoryStream();
        using (Stream encoder = coding switch
        {
            "br" => new BrotliStream(compressed, CompressionLevel.Optimal),
            "deflate" => new ZLibStream(compressed, CompressionLevel.Optimal),
            _ => new GZipStream(compressed, CompressionLevel.Optimal),
        })
        {
            encoder.Write(bytes);
        }

        return compressed.ToArray();
    }
}
