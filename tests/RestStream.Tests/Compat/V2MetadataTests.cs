using System.Text.Json;
using RestStream.Tests.Read;

namespace RestStream.Tests.Compat;

/// <summary>The metadata calls of REST Proxy v2: which types get the v2 members, and the errors in the v2 type.</summary>
public sealed class V2MetadataTests : IAsyncLifetime
{
    private const string V2 = "application/vnd.kafka.v2+json";
    private ReadServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ReadServer.StartAsync();
        await _server.CreateAsync("orders", 2, ("retention.ms", "1000"));
        await _server.ProduceAsync("orders", 1, "1", "2", "3");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(V2)]
    [InlineData("application/vnd.kafka.json.v2+json")]
    [InlineData("application/vnd.kafka.binary.v2+json")]
    [InlineData("application/vnd.kafka.v2+json; q=0.9, application/json; q=0.5")]
    [InlineData("application/vnd.kafka.v1+json, application/vnd.kafka+json; q=0.9, application/json; q=0.8")]
    public async Task A_client_that_names_a_type_of_the_family_gets_the_v2_members(string accept)
    {
        var (status, topic, response) = await _server.GetAsync("/topics/orders", ("Accept", accept));

        Assert.Equal((200, V2), (status, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal(["name", "configs", "partitions"], topic.EnumerateObject().Select(p => p.Name));
        Assert.Equal("1000", topic.GetProperty("configs").GetProperty("retention.ms").GetString());
        Assert.All(topic.GetProperty("configs").EnumerateObject(), config => Assert.Equal(JsonValueKind.String, config.Value.ValueKind));
        Assert.Equal([0, 1], topic.GetProperty("partitions").EnumerateArray().Select(p => p.GetProperty("partition").GetInt32()));
        Assert.All(topic.GetProperty("partitions").EnumerateArray(), p => Assert.Equal(["partition", "leader", "replicas"], p.EnumerateObject().Select(m => m.Name)));
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("application/json")]
    [InlineData(null)]
    public async Task Any_other_client_gets_the_same_members_and_more_as_json(string? accept)
    {
        foreach (var path in new[] { "/topics", "/topics/orders", "/topics/orders/partitions", "/topics/orders/partitions/0", "/topics/orders/partitions/1/offsets", "/brokers" })
        {
            (string, string)[] headers = accept is null ? [] : [("Accept", accept)];
            var (status, body, response) = await _server.GetAsync(path, headers);
            var (_, v2, _) = await _server.GetAsync(path, ("Accept", V2));

            Assert.Equal((200, "application/json"), (status, response.Content.Headers.ContentType!.ToString()));
            Assert.Equal(v2.ValueKind, body.ValueKind);
            if (v2.ValueKind == JsonValueKind.Object)
                Assert.Empty(v2.EnumerateObject().Select(p => p.Name).Except(body.EnumerateObject().Select(p => p.Name)));
        }
    }

    [Fact]
    public async Task Offsets_are_those_of_the_first_record_and_of_the_next_one()
    {
        await _server.Broker.TruncateAsync("orders", new Dictionary<int, long> { [1] = 2 }, default);

        var (status, offsets, response) = await _server.GetAsync("/topics/orders/partitions/1/offsets", ("Accept", V2));

        Assert.Equal((200, V2), (status, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal("""{"beginning_offset":2,"end_offset":3}""", offsets.GetRawText());
    }

    [Theory]
    [InlineData("/topics/missing", 404, 40403)]
    [InlineData("/topics/missing/partitions/0/offsets", 404, 40403)]
    [InlineData("/topics/orders/partitions/2", 404, 40402)]
    [InlineData("/topics/orders/partitions/2/offsets", 404, 40402)]
    [InlineData("/topics/orders/partitions/x/offsets", 400, 40001)]
    [InlineData("/topics/or%20ders", 422, 42200)]
    [InlineData("/nothing", 404, 40400)]
    public async Task Errors_have_the_v2_type_and_members(string path, int expected, int code)
    {
        var (status, error, response) = await _server.GetAsync(path, ("Accept", V2));

        Assert.Equal((expected, V2), (status, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal(code, error.GetProperty("error_code").GetInt32());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
    }
}
