using System.Net;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.Processes;
using static RestStream.Tests.Groups.GroupCalls;

namespace RestStream.Tests.Groups;

/// <summary>Groups over the server as its users run it.</summary>
public sealed class GroupRestartTests : IDisposable
{
    private readonly TempFolder _folder = new("groups");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_member_goes_on_where_it_was_after_the_server_was_killed_or_stopped(bool killed)
    {
        JsonElement first, second;
        await using (var server = await ServerProcess.StartAsync(_folder["data"]))
        {
            await SendAsync(server, HttpMethod.Put, "topics/orders", """{"partitions":2}""");
            await SendAsync(server, HttpMethod.Post, "topics/orders/partitions/0/records", "[{\"value\":1},{\"value\":2},{\"value\":3}]");
            first = await PollAsync(server, null, 1);
            second = await PollAsync(server, Cursor(first), 1);
            if (killed)
                await server.KillAsync();
            else
                Assert.Equal(0, await server.StopAsync());
        }

        await using var restarted = await ServerProcess.StartAsync(_folder["data"]);
        var repeated = await PollAsync(restarted, Cursor(first), 1);
        var third = await PollAsync(restarted, Cursor(second), 1);

        Assert.Equal(["2"], Values(second));
        Assert.Equal(second.GetRawText(), repeated.GetRawText());
        Assert.Equal(["3"], Values(third));
        Assert.Equal(Generation(first), Generation(third));
        Assert.Equal([0, 1], Partitions(third));
    }

    private static Task<JsonElement> PollAsync(ServerProcess server, string? ack, int maxRecords) => SendAsync(
        server, HttpMethod.Post, "groups/billing/poll",
        $"{{\"topics\":[\"orders\"],\"member\":\"w1\",\"timeout\":20000,\"max_records\":{maxRecords}{(ack is null ? "" : $",\"ack\":\"{ack}\"")}}}");

    private static async Task<JsonElement> SendAsync(ServerProcess server, HttpMethod method, string path, string body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var answer = await server.Client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
