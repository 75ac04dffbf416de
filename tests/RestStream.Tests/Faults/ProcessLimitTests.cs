using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;

namespace RestStream.Tests.Faults;

/// <summary>Two processes, too few descriptors, a stopped process, requests that are cut: told clearly or lived through, and nothing acknowledged is lost.</summary>
[Collection(ProcessTests.Name)]
public class ProcessLimitTests
{
    [Fact]
    public async Task A_second_process_on_the_same_folder_ends_with_a_reason_and_harms_nothing()
    {
        using var folder = new TempFolder("two");
        await using var first = await ServerProcess.StartAsync(folder["data"]);
        await CreateAsync(first, "t");

        await using var second = ServerProcess.Launch(new() { DataDirectory = folder["data"] });
        var exitCode = await second.WaitForExitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(3, exitCode);
        Assert.Contains(folder["data"], second.Output);
        Assert.DoesNotContain("   at ", second.Output);
        Assert.Equal(HttpStatusCode.OK, await SendAsync(first, "t"));
    }

    [RequiresToolFact("prlimit")]
    public async Task A_server_without_free_descriptors_refuses_and_recovers()
    {
        using var folder = new TempFolder("emfile");
        await using var server = await ServerProcess.StartAsync(new ServerProcessOptions { DataDirectory = folder["data"], Launcher = ["prlimit", "--nofile=480:480"] });
        await CreateAsync(server, "t");
        Assert.Equal(HttpStatusCode.OK, await SendAsync(server, "t"));

        var connections = new List<Socket>();
        var clients = Enumerable.Range(0, 24).Select(_ => new HttpClient { BaseAddress = server.Address }).ToList();
        foreach (var client in clients)
            await client.GetStringAsync("topics");
        try
        {
            for (var i = 0; i < 560; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port);
                }
                catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionReset)
                {
                    // One of those that there was no descriptor for.
                }
            }
            await WhenRefusedAsync(server);
            Assert.InRange(OpenFiles(server), 300, 420);

            // On connections that are there already, all at once, so that threads are needed. Topics need files, which may have more descriptors than connections, and not the last ones.
            var created = (await Task.WhenAll(clients.Select((client, i) => CreateTopicsAsync(client, $"u{i}")))).SelectMany(answers => answers).ToList();
            Assert.Contains(HttpStatusCode.Created, created);
            Assert.Contains(HttpStatusCode.ServiceUnavailable, created);
            Assert.InRange(OpenFiles(server), 400, 479);
            Assert.Equal(HttpStatusCode.OK, await SendAsync(server, "t"));
        }
        finally
        {
            connections.ForEach(c => c.Dispose());
            clients.ForEach(c => c.Dispose());
        }

        Assert.False(server.HasExited, server.Output);
        // The server closes its sides of the connections one after the other; until then a new file may still be refused, with 503.
        for (var i = 0; i < 100; i++)
        {
            using var again = await server.Client.PutAsJsonAsync("topics/v", new { partitions = 1 });
            if (again.StatusCode != HttpStatusCode.ServiceUnavailable)
            {
                Assert.Equal(HttpStatusCode.Created, again.StatusCode);
                break;
            }
            await Task.Delay(100);
        }
        Assert.Equal(HttpStatusCode.OK, await SendAsync(server, "t"));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(server, "v"));
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_process_that_stood_still_goes_on_as_if_nothing_had_been()
    {
        using var folder = new TempFolder("stop");
        var load = new MixedLoad(ProcessTests.Seed);
        await using var server = await ServerProcess.StartAsync(folder["data"]);
        await load.CreateTopicsAsync(server);

        await load.RoundAsync(server, async () =>
        {
            await load.WhenAnsweredAsync(100, server);
            server.Suspend();

            // Longer than any wait of the load's readers, so that all of their time limits have passed when it wakes.
            await Task.Delay(TimeSpan.FromSeconds(2));
            server.Continue();
            await load.WhenAnsweredAsync(100, server);
        });

        var report = await load.JudgeAsync(server);
        Assert.Equal(0, report.UnansweredRecords);
    }

    [Fact]
    public async Task A_request_that_is_cut_in_its_body_writes_nothing()
    {
        using var folder = new TempFolder("cut");
        await using var server = await ServerProcess.StartAsync(folder["data"]);
        await CreateAsync(server, "t");
        const string body = """[{"value":1},{"value":2},{"value":3}]""";

        for (var length = 0; length < body.Length; length += 3)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port);
            var head = $"POST /topics/t/records HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
            await socket.SendAsync(Encoding.ASCII.GetBytes(head + body[..length]));
            if (length % 2 == 0)
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        Assert.Equal(HttpStatusCode.OK, await SendAsync(server, "t"));
        var page = await server.Client.GetStringAsync("topics/t/records");
        Assert.Equal(1, page.Split("\"offset\"").Length - 1);
    }

    private static async Task<IReadOnlyList<HttpStatusCode>> CreateTopicsAsync(HttpClient client, string prefix)
    {
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 10; i++)
        {
            using var answer = await client.PutAsJsonAsync($"topics/{prefix}-{i}", new { partitions = 2 });
            answers.Add(answer.StatusCode);
            if (answer.StatusCode != HttpStatusCode.Created)
                Assert.Contains("ulimit -n", await answer.Content.ReadAsStringAsync());
        }
        return answers;
    }

    private static int OpenFiles(ServerProcess server) => Directory.GetFileSystemEntries($"/proc/{server.Id}/fd").Length;

    private static async Task WhenRefusedAsync(ServerProcess server)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!server.Output.Contains("Connections are refused", StringComparison.Ordinal))
            await Task.Delay(50, timeout.Token);
    }

    private static async Task CreateAsync(ServerProcess server, string topic)
    {
        using var created = await server.Client.PutAsJsonAsync($"topics/{topic}", new { partitions = 1 });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
    }

    private static async Task<HttpStatusCode> SendAsync(ServerProcess server, string topic)
    {
        using var answer = await server.Client.PostAsJsonAsync($"topics/{topic}/records", new { value = 1 });
        return answer.StatusCode;
    }
}
