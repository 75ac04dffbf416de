using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;

namespace RestStream.Tests.Faults;

/// <summary>A full disk is told (507), costs nothing that was acknowledged, leaves reads and deletes working, and ends without a restart once there is room.</summary>
[Collection(ProcessTests.Name)]
public class DiskFullTests
{
    private static readonly string s_value = new('x', 30_000);

    [RequiresToolFact("root", "mount")]
    public async Task A_full_disk_refuses_writes_until_there_is_room_again()
    {
        using var disk = new SmallDisk(megabytes: 48);
        await using var server = await ServerProcess.StartAsync(disk.Path,
            ["--RestStream:Broker:JournalFileBytes=1048576", "--RestStream:Broker:JournalMaxBytes=4194304", "--RestStream:Broker:MinFreeBytes=4194304"]);
        await CreateAsync(server, "spare");
        await CreateAsync(server, "kept");
        var spare = await FillAsync(server, "spare", most: 300);
        Assert.Equal(300, spare);

        var kept = await FillAsync(server, "kept", most: 10_000);

        Assert.InRange(kept, 10, 9_999);
        Assert.Equal(kept, await EndOffsetAsync(server, "kept"));
        using (var page = await server.Client.GetAsync("topics/kept/records?max_records=3"))
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using (var ready = await server.Client.GetAsync("health/live"))
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);

        using (var deleted = await server.Client.DeleteAsync("topics/spare"))
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);

        Assert.Equal(HttpStatusCode.OK, await UntilAcceptedAsync(server, "kept"));
        Assert.Equal(kept + 1, await EndOffsetAsync(server, "kept"));
        Assert.Equal(0, await server.StopAsync());
    }

    [RequiresToolFact("root", "mount")]
    public async Task A_server_starts_on_a_full_disk_and_serves_what_it_has()
    {
        using var disk = new SmallDisk(megabytes: 32);
        string[] arguments = ["--RestStream:Broker:JournalFileBytes=1048576", "--RestStream:Broker:JournalMaxBytes=4194304", "--RestStream:Broker:MinFreeBytes=4194304"];
        long kept;
        await using (var server = await ServerProcess.StartAsync(disk.Path, arguments))
        {
            await CreateAsync(server, "kept");
            kept = await FillAsync(server, "kept", most: 10_000);
            await server.KillAsync();
        }

        // Somebody else takes the rest.
        await disk.FillUpAsync();
        await using (var server = await ServerProcess.StartAsync(disk.Path, arguments))
        {
            Assert.Equal(kept, await EndOffsetAsync(server, "kept"));
            Assert.Equal(HttpStatusCode.InsufficientStorage, await SendAsync(server, "kept"));

            disk.FreeAgain();
            using (var truncated = await server.Client.PostAsJsonAsync("topics/kept/truncate", new { before = new Dictionary<string, object> { ["0"] = "high_watermark" } }))
                Assert.Equal(HttpStatusCode.OK, truncated.StatusCode);
            Assert.Equal(0, await server.StopAsync());
        }
    }

    [RequiresToolFact("gcc")]
    public async Task A_disk_that_is_full_for_a_moment_costs_only_the_sends_of_that_moment()
    {
        using var folder = new TempFolder("enospc");
        using var shim = new FaultShim();
        var load = new MixedLoad(ProcessTests.Seed, LoadTopic.Durable);
        await using var server = await ServerProcess.StartAsync(shim.Options(folder["data"]));
        await load.CreateTopicsAsync(server);

        await load.RoundAsync(server, async () =>
        {
            await load.WhenAnsweredAsync(60, server);
            shim.Order(FaultAction.NoSpace, FaultCall.Reserve);
            await load.WhenAnsweredAsync(60, server);
            shim.Stop();
            await load.WhenAnsweredAsync(60, server);
        });

        var accepted = await UntilAcceptedAsync(server, "plain");
        Assert.Equal(HttpStatusCode.OK, accepted);
        Assert.True(load.Answers.GetValueOrDefault(HttpStatusCode.InsufficientStorage) > 0, string.Join(", ", load.Answers));
    }

    private static async Task CreateAsync(ServerProcess server, string topic)
    {
        // Files of a deleted topic or segment leave the disk at once.
        using var created = await server.Client.PutAsJsonAsync($"topics/{topic}",
            new { partitions = 1, configs = new Dictionary<string, string> { ["segment.bytes"] = "1048576", ["segment.index.bytes"] = "65536", ["file.delete.delay.ms"] = "0" } });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
    }

    /// <summary>Sends until it is refused; how many were accepted.</summary>
    private static async Task<int> FillAsync(ServerProcess server, string topic, int most)
    {
        for (var sent = 0; sent < most; sent++)
        {
            using var answer = await server.Client.PostAsJsonAsync($"topics/{topic}/records", new { value = s_value });
            if (answer.StatusCode == HttpStatusCode.OK)
                continue;
            Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            return sent;
        }
        return most;
    }

    private static async Task<HttpStatusCode> SendAsync(ServerProcess server, string topic)
    {
        using var answer = await server.Client.PostAsJsonAsync($"topics/{topic}/records", new { value = s_value });
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> UntilAcceptedAsync(ServerProcess server, string topic)
    {
        var clock = Stopwatch.StartNew();
        HttpStatusCode status;
        while ((status = await SendAsync(server, topic)) == HttpStatusCode.InsufficientStorage && clock.Elapsed < TimeSpan.FromSeconds(30))
            await Task.Delay(50);
        return status;
    }

    private static async Task<long> EndOffsetAsync(ServerProcess server, string topic)
    {
        using var offsets = JsonDocument.Parse(await server.Client.GetStringAsync($"topics/{topic}/partitions/0/offsets"));
        return offsets.RootElement.GetProperty("end_offset").GetInt64();
    }

    /// <summary>A tmpfs of its own.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly TempFolder _folder = new("disk");

        public SmallDisk(int megabytes)
        {
            Path = Directory.CreateDirectory(_folder["disk"]).FullName;
            Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", Path);
        }

        public string Path { get; }

        public async Task FillUpAsync()
        {
            await using var file = new FileStream(System.IO.Path.Combine(Path, "someone-elses-file"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            var block = new byte[64 * 1024];
            try
            {
                while (true)
                    file.Write(block);
            }
            catch (IOException)
            {
                // Full.
            }
        }

        public void FreeAgain() => File.Delete(System.IO.Path.Combine(Path, "someone-elses-file"));

        public void Dispose()
        {
            Run("umount", "--lazy", Path);
            _folder.Dispose();
        }

        private static void Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
        }
    }
}
