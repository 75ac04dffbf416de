using System.Net;
using System.Net.Http.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;

namespace RestStream.Tests.Faults;

/// <summary>
/// After a failed flush the kernel may have dropped what it could not write and call the next flush a success. So one failure ends the writes until a restart:
/// no acknowledgement, 503, reads go on, and the restart finds everything that was acknowledged.
/// </summary>
[Collection(ProcessTests.Name)]
public class FlushFailureTests
{
    [RequiresToolFact("gcc")]
    public async Task After_one_failed_flush_nothing_is_acknowledged_until_a_restart()
    {
        using var folder = new TempFolder("eio");
        using var shim = new FaultShim();
        var load = new MixedLoad(ProcessTests.Seed, LoadTopic.Durable);
        await using (var server = await ServerProcess.StartAsync(shim.Options(folder["data"])))
        {
            await load.CreateTopicsAsync(server);

            await load.RoundAsync(server, async () =>
            {
                await load.WhenAnsweredAsync(100, server);
                shim.Order(FaultAction.IoError, FaultCall.Flush, when: 1);
                await load.WhenAnsweredAsync(100, server);
            });
            Assert.Equal(1, shim.Hits);

            // The disk is well again, and still nobody is told that a record is safe.
            using var refused = await server.Client.PostAsJsonAsync("topics/plain/records", new { value = 1 });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
            using var read = await server.Client.GetAsync("topics/plain/records?max_records=1");
            Assert.Equal(HttpStatusCode.OK, read.StatusCode);
            using var ready = await server.Client.GetAsync("health/ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            using var live = await server.Client.GetAsync("health/live");
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
            server.Terminate();
            await server.WaitForExitAsync(TimeSpan.FromSeconds(60));
        }

        await using var restarted = await ServerProcess.StartAsync(folder["data"]);
        await load.RoundAsync(restarted, () => load.WhenAnsweredAsync(100, restarted));
        await load.JudgeAsync(restarted);
        Assert.True(load.Answers[HttpStatusCode.ServiceUnavailable] > 0);
    }

    [RequiresToolFact("gcc")]
    public async Task While_every_flush_fails_no_send_is_acknowledged()
    {
        using var folder = new TempFolder("eio-always");
        using var shim = new FaultShim();
        await using var server = await ServerProcess.StartAsync(shim.Options(folder["data"]));
        using (var created = await server.Client.PutAsJsonAsync("topics/t", new { partitions = 4 }))
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);

        shim.Order(FaultAction.IoError, FaultCall.Flush);
        var sends = Enumerable.Range(0, 40).Select(i => server.Client.PostAsJsonAsync($"topics/t/partitions/{i % 4}/records", new { value = i })).ToArray();

        foreach (var answer in await Task.WhenAll(sends))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.True(shim.Hits > 0);
        using var page = await server.Client.GetAsync("topics/t/records");
        Assert.Contains("\"records\":[]", await page.Content.ReadAsStringAsync());
    }

    [RequiresToolFact("strace")]
    public async Task A_failed_flush_that_the_kernel_reports_is_seen()
    {
        using var folder = new TempFolder("eio-strace");
        await using (var first = await ServerProcess.StartAsync(folder["data"]))
        {
            using var created = await first.Client.PutAsJsonAsync("topics/t", new { partitions = 1 });
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            Assert.Equal(0, await first.StopAsync());
        }

        await using var server = await ServerProcess.StartAsync(new ServerProcessOptions
        {
            DataDirectory = folder["data"],
            Launcher = ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=12+"],
        });
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 60 && !statuses.Contains(HttpStatusCode.ServiceUnavailable); i++)
        {
            using var answer = await server.Client.PostAsJsonAsync("topics/t/records", new { value = i });
            statuses.Add(answer.StatusCode);
        }
        await server.KillAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, statuses[^1]);
        await using var restarted = await ServerProcess.StartAsync(folder["data"]);
        using var offsets = await restarted.Client.GetAsync("topics/t/partitions/0/offsets");
        var end = (await offsets.Content.ReadFromJsonAsync<Dictionary<string, long>>())!["end_offset"];
        Assert.InRange(end, statuses.Count - 1, statuses.Count);
    }

    [RequiresToolFact("gcc")]
    public async Task While_flushes_are_slow_one_flush_serves_all_that_wait()
    {
        using var folder = new TempFolder("slow");
        using var shim = new FaultShim();
        await using var server = await ServerProcess.StartAsync(shim.Options(folder["data"]));
        using (var created = await server.Client.PutAsJsonAsync("topics/t", new { partitions = 8 }))
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);

        shim.Order(FaultAction.Slow, FaultCall.Flush);
        var sends = Enumerable.Range(0, 64).Select(i => server.Client.PostAsJsonAsync($"topics/t/partitions/{i % 8}/records", new { value = i })).ToArray();

        foreach (var answer in await Task.WhenAll(sends))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(shim.Hits, 1, 16);
    }
}
