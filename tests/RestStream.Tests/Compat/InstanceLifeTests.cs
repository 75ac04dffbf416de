using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RestStream.TestKit.Processes;
using RestStream.Tests.Produce;
using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>How long a consumer instance lives: over a restart of the server, until nobody calls it, and never twice.</summary>
public sealed class InstanceLifeTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_instance_its_subscription_and_what_it_committed_survive_a_restart(bool killed)
    {
        using var folder = new TempFolder("restart");
        string uri;
        await using (var server = await ServerProcess.StartAsync(folder["data"], "--RestStream:Broker:MinFreeBytes=0"))
        {
            await SendAsync(server, "PUT", "topics/orders", "{}", "application/json");
            await SendAsync(server, "POST", "topics/orders", """{"records":[{"value":1},{"value":2},{"value":3}]}""", JsonType);
            var created = await SendAsync(server, "POST", "strimzi/consumers/billing", """{"name":"c1","format":"json","auto.offset.reset":"earliest","enable.auto.commit":false}""");
            uri = new Uri(created.Json.GetProperty("base_uri").GetString()!).PathAndQuery[1..];
            await SendAsync(server, "POST", uri + "/subscription", """{"topics":["orders"]}""");
            Assert.Equal("1 2 3", Values(await SendAsync(server, "GET", uri + "/records?timeout=5000")));
            Assert.Equal(204, (await SendAsync(server, "POST", uri + "/offsets", """{"offsets":[{"topic":"orders","partition":0,"offset":1}]}""")).Status);
            await SendAsync(server, "POST", "strimzi/consumers/billing", """{"name":"gone"}""");
            await SendAsync(server, "DELETE", "strimzi/consumers/billing/instances/gone");
            if (killed)
                await server.KillAsync();
            else
                Assert.Equal(0, await server.StopAsync());
        }

        await using var again = await ServerProcess.StartAsync(folder["data"], "--RestStream:Broker:MinFreeBytes=0");
        var duplicate = await SendAsync(again, "POST", "strimzi/consumers/billing", """{"name":"c1"}""");
        var deleted = await SendAsync(again, "GET", "strimzi/consumers/billing/instances/gone/records");
        var commit = await SendAsync(again, "POST", uri + "/offsets", """{"offsets":[{"topic":"orders","partition":0,"offset":2}]}""");
        var poll = await SendAsync(again, "GET", uri + "/records?timeout=5000");

        Assert.Equal((409, 404, 204), (duplicate.Status, deleted.Status, commit.Status));
        Assert.Equal((JsonType, "3"), (poll.ContentType, Values(poll)));
        Assert.Equal("""{"topics":["orders"],"partitions":[{"orders":[0]}]}""", (await SendAsync(again, "GET", uri + "/subscription")).Body);
    }

    [Fact]
    public async Task The_group_shows_where_the_client_of_an_instance_called_from()
    {
        using var folder = new TempFolder("host");
        await using var server = await ServerProcess.StartAsync(folder["data"], "--RestStream:Broker:MinFreeBytes=0");

        // All of 127.0.0.0/8 is this machine.
        using var elsewhere = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var client = new HttpClient(elsewhere) { BaseAddress = server.Address };
        await SendAsync(server, "PUT", "topics/orders", "{}", "application/json");
        using var created = await client.PostAsync("consumers/billing", new StringContent("""{"name":"c1","format":"json"}""", Encoding.UTF8, MediaTypeHeaderValue.Parse(V2)));
        await SendAsync(server, "POST", "consumers/billing/instances/c1/subscription", """{"topics":["orders"]}""");
        await SendAsync(server, "GET", "consumers/billing/instances/c1/records?timeout=0");

        var group = await SendAsync(server, "GET", "groups/billing", contentType: "application/json");

        Assert.Equal("/127.0.0.2", group.Json.GetProperty("members")[0].GetProperty("client_host").GetString());
    }

    [Fact]
    public async Task The_settings_of_group_members_are_those_of_instances_too()
    {
        using var folder = new TempFolder("settings");
        await using var server = await ServerProcess.StartAsync(
            folder["data"], "--RestStream:Broker:MinFreeBytes=0", "--RestStream:Groups:Assignor=roundrobin", "--RestStream:Groups:SessionTimeout=00:00:01");
        await SendAsync(server, "PUT", "topics/orders", "{}", "application/json");
        await SendAsync(server, "POST", "topics/orders", """{"records":[{"value":1}]}""", JsonType);
        foreach (var name in new[] { "c1", "c2" })
        {
            await SendAsync(server, "POST", "consumers/billing", $$"""{"name":"{{name}}","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false"}""");
            await SendAsync(server, "POST", $"consumers/billing/instances/{name}/subscription", """{"topics":["orders"]}""");
        }

        Assert.Equal("1", Values(await SendAsync(server, "GET", "consumers/billing/instances/c1/records?timeout=5000")));
        var group = await SendAsync(server, "GET", "groups/billing", contentType: "application/json");

        // c1 never calls again: the only partition comes to c2 when its second is over, long before the 45 of the default.
        var second = await SendAsync(server, "GET", "consumers/billing/instances/c2/records?timeout=20000");

        Assert.Equal("roundrobin", group.Json.GetProperty("protocol").GetString());
        Assert.Equal("1", Values(second));
    }

    [Fact]
    public async Task An_instance_that_nobody_calls_is_gone_after_five_minutes_and_a_call_makes_them_begin_anew()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var used = await CreateAsync(server);
            var idle = await CreateAsync(server);
            clock.Advance(TimeSpan.FromSeconds(299));
            Assert.Equal(200, (await server.SendAsync("GET", used + "/subscription")).Status);

            clock.Advance(TimeSpan.FromSeconds(1));
            await UntilNotFoundAsync(server, idle, meanwhile: () => { });
            Assert.Equal(200, (await server.SendAsync("GET", used + "/subscription")).Status);
            clock.Advance(TimeSpan.FromSeconds(299));
            Assert.Equal(200, (await server.SendAsync("GET", used + "/subscription")).Status);

            // The last call ends a moment after its answer is here, perhaps on the moved clock only.
            clock.Advance(TimeSpan.FromSeconds(301));
            await UntilNotFoundAsync(server, used, meanwhile: () => clock.Advance(TimeSpan.FromSeconds(10)));

            // The name is free again.
            Assert.Equal(200, (await server.SendAsync("POST", "/confluent/consumers/" + used.Split('/')[^3], $$"""{"name":"{{used.Split('/')[^1]}}"}""")).Status);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_poll_that_waits_keeps_its_instance_and_its_partitions()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock, ("RestStream:Compat:InstanceTimeout", "00:00:20"), ("RestStream:Limits:MaxWait", "00:05:00"));
        await server.InitializeAsync();
        try
        {
            var topic = await server.CreateTopicAsync();
            var created = await server.SendAsync("POST", $"/karapace/consumers/{NewName("g")}", """{"format":"json","consumer.request.timeout.ms":200000}""");
            var uri = created.Json.GetProperty("base_uri").GetString()!;
            await server.SendAsync("POST", uri + "/subscription", $$"""{"topics":["{{topic}}"]}""");
            Assert.Equal("[]", (await server.SendAsync("GET", uri + "/records?timeout=0")).Body);
            var waiting = server.SendAsync("GET", uri + "/records");
            await server.UntilParkedAsync(1);

            for (var i = 0; i < 9; i++)
                clock.Advance(TimeSpan.FromSeconds(20));
            await server.ProduceAsync(topic, 0, "7");

            Assert.Equal("7", Values(await waiting));
            Assert.Equal(200, (await server.SendAsync("GET", uri + "/subscription")).Status);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_client_that_is_silent_for_longer_than_its_session_goes_on_where_it_was()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var clients = new List<(string Settings, string Topic, string Uri)>();
            foreach (var settings in from reset in new[] { "earliest", "latest" } from commit in new[] { "true", "false" } select $"{reset}, auto-commit {commit}")
            {
                var (topic, words) = (await server.CreateTopicAsync(), settings.Split(' ', ','));
                clients.Add((settings, topic, await SubscribedAsync(server, topic, $$"""{"format":"json","auto.offset.reset":"{{words[0]}}","auto.commit.enable":"{{words[^1]}}"}""")));
                Assert.Equal("", Values(await server.SendAsync("GET", clients[^1].Uri + "/records?timeout=0")));
            }

            for (var value = 1; value <= 3; value++)
            {
                foreach (var (_, topic, uri) in clients)
                {
                    await server.ProduceAsync(topic, 0, $"{value}");
                    await UntilMembersAsync(server, uri, 1);
                }

                clock.Advance(TimeSpan.FromSeconds(46));
                foreach (var (settings, _, uri) in clients)
                {
                    await UntilMembersAsync(server, uri, 0);
                    Assert.Equal((settings, $"{value}"), (settings, Values(await server.SendAsync("GET", uri + "/records?timeout=0"))));
                }
            }

            Assert.All(clients, c => Assert.Equal(c.Settings.EndsWith("true") ? 2 : null, CommittedOffset(server, c.Uri, c.Topic)));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_was_polled_before_a_silence_can_be_committed_after_it_while_nobody_else_is_in_the_group()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var topic = await server.CreateTopicAsync();
            await server.ProduceAsync(topic, 0, "1", "2", "3");
            async Task<string> PolledAsync(string autoCommit)
            {
                var uri = await SubscribedAsync(server, topic, $$"""{"format":"json","auto.offset.reset":"earliest","auto.commit.enable":"{{autoCommit}}"}""");
                Assert.Equal("1 2 3", Values(await server.SendAsync("GET", uri + "/records?timeout=0")));
                return uri;
            }

            var (all, named, leaving) = (await PolledAsync("false"), await PolledAsync("false"), await PolledAsync("true"));
            clock.Advance(TimeSpan.FromSeconds(46));
            foreach (var uri in new[] { all, named, leaving })
                await UntilMembersAsync(server, uri, 0);

            var commits = (
                (await server.SendAsync("POST", all + "/offsets")).Status,
                (await server.SendAsync("POST", named + "/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":1}]}""")).Status,
                (await server.SendAsync("DELETE", leaving)).Status);

            Assert.Equal((200, 200, 204), commits);
            Assert.Equal((3, 2, 3), (CommittedOffset(server, all, topic), CommittedOffset(server, named, topic), CommittedOffset(server, leaving, topic)));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_commit_after_a_silence_is_refused_while_others_are_in_the_group_and_taken_after_the_next_poll()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var (topic, other) = (await server.CreateTopicAsync(), await server.CreateTopicAsync());
            await server.ProduceAsync(topic, 0, "1", "2");
            var clients = new List<(string Uri, Task<Answer> Neighbour)>();
            foreach (var autoCommit in new[] { "false", "true" })
            {
                var group = NewName("g");
                var waiting = server.SendAsync("GET", await SubscribedAsync(server, other, """{"format":"json","consumer.request.timeout.ms":60000}""", group) + "/records");
                await server.UntilParkedAsync(clients.Count + 1);
                var uri = await SubscribedAsync(server, topic, $$"""{"format":"json","auto.offset.reset":"earliest","auto.commit.enable":"{{autoCommit}}"}""", group);
                Assert.Equal("1 2", Values(await server.SendAsync("GET", uri + "/records?timeout=0")));
                clients.Add((uri, waiting));
            }

            clock.Advance(TimeSpan.FromSeconds(46));
            foreach (var (uri, _) in clients)
                await UntilMembersAsync(server, uri, 1);
            var refused = await server.SendAsync("POST", clients[0].Uri + "/offsets");
            var named = await server.SendAsync("POST", clients[0].Uri + "/offsets", $$"""{"offsets":[{"topic":"{{topic}}","partition":0,"offset":1}]}""");
            await server.ProduceAsync(topic, 0, "3");
            var polls = (Values(await server.SendAsync("GET", clients[0].Uri + "/records?timeout=0")), Values(await server.SendAsync("GET", clients[1].Uri + "/records?timeout=0")));
            var committed = (CommittedOffset(server, clients[0].Uri, topic), CommittedOffset(server, clients[1].Uri, topic));
            var taken = await server.SendAsync("POST", clients[0].Uri + "/offsets");

            Assert.Equal((409, 40906, 409, 40906), (refused.Status, refused.ErrorCode, named.Status, named.ErrorCode));
            Assert.Contains("no call for 00:00:45", refused.Body);
            Assert.Equal(("3", "3"), polls);
            Assert.Equal((null, 2), committed);
            Assert.Equal((200, 3), (taken.Status, CommittedOffset(server, clients[0].Uri, topic)));
            clock.Advance(TimeSpan.FromSeconds(60));
            await Task.WhenAll(clients.Select(c => c.Neighbour));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>§1.5: how long a poll waits that does not say so, and whether <c>timeout</c> can make it longer.</summary>
    [Theory]
    [InlineData("confluent", "{}", "", 1000)]
    [InlineData("confluent", """{"consumer.request.timeout.ms":5000}""", "", 5000)]
    [InlineData("confluent", "{}", "?timeout=30000", 1000)]
    [InlineData("confluent", "{}", "?timeout=300", 300)]
    [InlineData("strimzi", "{}", "", 100)]
    [InlineData("strimzi", "{}", "?timeout=30000", 30000)]
    [InlineData("karapace", "{}", "", 11000)]
    [InlineData("karapace", """{"consumer.request.timeout.ms":"700"}""", "", 700)]
    [InlineData("redpanda", "{}", "", 1000)]
    [InlineData("redpanda", "{}", "?timeout=2500", 2500)]
    public async Task A_poll_without_records_waits_as_long_as_the_product_says(string profile, string config, string query, int milliseconds)
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var topic = await server.CreateTopicAsync();
            var created = await server.SendAsync("POST", $"/{profile}/consumers/{NewName("g")}", config);
            var uri = created.Json.GetProperty("base_uri").GetString()!;
            await server.SendAsync("POST", uri + "/assignments", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");

            var waiting = server.SendAsync("GET", uri + "/records" + query);
            await server.UntilParkedAsync(1);
            clock.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
            Assert.Equal(1, ((Broker.EmbeddedBroker)server.Broker).ParkedReaders);
            clock.Advance(TimeSpan.FromMilliseconds(1));

            Assert.Equal((200, "[]"), ((await waiting).Status, (await waiting).Body));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_poll_waits_for_fetch_min_bytes_until_its_time_is_up()
    {
        var clock = new ManualClock();
        var server = new CompatServer(clock);
        await server.InitializeAsync();
        try
        {
            var topic = await server.CreateTopicAsync();
            var uri = await CreateAsync(server, """{"format":"json","auto.offset.reset":"earliest","fetch.min.bytes":1000,"consumer.request.timeout.ms":60000}""");
            await server.SendAsync("POST", uri + "/assignments", $$"""{"partitions":[{"topic":"{{topic}}","partition":0}]}""");
            await server.ProduceAsync(topic, 0, "1");

            var waiting = server.SendAsync("GET", uri + "/records");
            await server.UntilParkedAsync(1);
            await server.ProduceAsync(topic, 0, $"\"{new string('x', 1000)}\"");
            Assert.Equal(2, (await waiting).Json.GetArrayLength());

            await server.ProduceAsync(topic, 0, "3");
            var late = server.SendAsync("GET", uri + "/records");
            await server.UntilParkedAsync(1);
            clock.Advance(TimeSpan.FromSeconds(60));
            Assert.Equal("3", Values(await late));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static async Task<string> CreateAsync(CompatServer server, string body = "{}", string? group = null)
    {
        var created = await server.SendAsync("POST", $"/confluent/consumers/{group ?? NewName("g")}", body);
        Assert.Equal(200, created.Status);
        return created.Json.GetProperty("base_uri").GetString()!;
    }

    private static async Task<string> SubscribedAsync(CompatServer server, string topic, string body, string? group = null)
    {
        var uri = await CreateAsync(server, body, group);
        Assert.Equal(204, (await server.SendAsync("POST", uri + "/subscription", $$"""{"topics":["{{topic}}"]}""")).Status);
        return uri;
    }

    /// <summary>The group of the instance.</summary>
    private static string GroupOf(string uri) => new Uri(uri).AbsolutePath.Split('/')[^3];

    private static long? CommittedOffset(CompatServer server, string uri, string topic) => server.Broker.CommittedOffset(GroupOf(uri), new(topic, 0))?.Offset;

    /// <summary>Waits until the instance's group has so many members.</summary>
    private static async Task UntilMembersAsync(CompatServer server, string uri, int members)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (server.Broker.DescribeGroup(GroupOf(uri)).Members.Count != members)
        {
            giveUp.Token.ThrowIfCancellationRequested();
            await Task.Delay(1);
        }
    }

    /// <summary>Every call is a sign of life, so this looks into the log until the sweep has come by, and only then asks.</summary>
    private static async Task UntilNotFoundAsync(CompatServer server, string uri, Action meanwhile)
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var key = new Uri(uri).AbsolutePath.Split('/');
        while (server.Broker.TryGetIntake("__consumer_instances", out _) && !IsDeleted(server, $"{key[^3]}/{Uri.UnescapeDataString(key[^1])}"))
        {
            giveUp.Token.ThrowIfCancellationRequested();
            meanwhile();
            await Task.Delay(1);
        }

        while ((await server.SendAsync("GET", uri + "/subscription")).Status != 404)
            giveUp.Token.ThrowIfCancellationRequested();
    }

    private static bool IsDeleted(CompatServer server, string key) => server.Read("__consumer_instances").LastOrDefault(r => r.KeyText == key) is { Value: null };

    private static async Task<Answer> SendAsync(ServerProcess server, string method, string path, string? body = null, string contentType = V2)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
        if (path.Contains("/records"))
            request.Headers.TryAddWithoutValidation("Accept", JsonType);
        using var response = await server.Client.SendAsync(request);
        return new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsStringAsync(), response.Headers);
    }

    private static string Values(Answer poll)
    {
        Assert.True(poll.Status == 200, poll.Body);
        return string.Join(' ', JsonDocument.Parse(poll.Body).RootElement.EnumerateArray().Select(r => r.GetProperty("value").GetRawText()));
    }
}
