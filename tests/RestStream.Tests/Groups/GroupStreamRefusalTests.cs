using RestStream.Tests.Read;

namespace RestStream.Tests.Groups;

public sealed class GroupStreamRefusalTests : IAsyncLifetime
{
    private ReadServer _server = null!;

    public async Task InitializeAsync() => _server = await ReadServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("", 400)]
    [InlineData("topics=orders&topic_pattern=o.*", 400)]
    [InlineData("topics=orders,,bills", 400)]
    [InlineData("topics=a%20b", 422)]
    [InlineData("topics=orders&member=a%2Fb", 422)]
    [InlineData("topics=orders&commit=always", 400)]
    [InlineData("topics=orders&window=0", 400)]
    [InlineData("topics=orders&from=begin", 400)]
    [InlineData("topics=orders&assignor=fair", 400)]
    [InlineData("topics=orders&rejoin_grace=soon", 400)]
    [InlineData("topics=orders&session_timeout=1", 422)]
    [InlineData("topics=orders&key_format=xml", 400)]
    [InlineData("topics=orders&cursor=0:1", 400)]
    [InlineData("topics=orders&cursor=orders/0:9", 422)]
    [InlineData("topic_pattern=(", 422)]
    public async Task A_stream_that_cannot_be_is_refused_with_a_status(string query, int expected)
    {
        await _server.CreateAsync("orders");

        var (status, _, _) = await _server.GetAsync($"/groups/billing/stream?{query}", ("Accept", "text/event-stream"));

        Assert.Equal(expected, status);
        Assert.Equal(0, _server.Broker.ListGroups(null, 10).Sum(g => g.Members));
    }

    [Fact]
    public async Task A_stream_is_one_of_events_only_and_its_member_must_fit_the_group()
    {
        await _server.CreateAsync("orders");
        await _server.PollAsync("billing", "w1", null, ",\"assignor\":\"sticky\"");

        var (other, _, _) = await _server.GetAsync("/groups/billing/stream?topics=orders", ("Accept", "application/json"));
        var (inconsistent, refusal, _) = await _server.GetAsync("/groups/billing/stream?topics=orders&assignor=range", ("Accept", "text/event-stream"));

        Assert.Equal(406, other);
        Assert.Equal((409, 40908), (inconsistent, refusal.GetProperty("error_code").GetInt32()));
    }
}
