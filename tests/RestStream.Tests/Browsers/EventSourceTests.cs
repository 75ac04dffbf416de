using System.Net.Http.Json;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;

namespace RestStream.Tests.Browsers;

/// <summary>A browser's own EventSource as a follower.</summary>
public class EventSourceTests
{
    private const string Follow = """
        url => {
            window.records = [];
            window.others = [];
            window.source = new EventSource(url);
            window.source.onmessage = e => window.records.push(JSON.parse(e.data).value);
            for (const name of ['gap', 'reset', 'end'])
                window.source.addEventListener(name, e => window.others.push(name));
            return new Promise((resolve, reject) => { window.source.onopen = () => resolve(true); window.source.onerror = () => reject('refused'); })
                .finally(() => { window.source.onerror = null; });
        }
        """;

    [RequiresToolFact("chromium")]
    public async Task It_comes_back_after_a_restart_without_losing_or_repeating_a_record()
    {
        using var folder = new TempFolder("events");
        var options = new ServerProcessOptions { DataDirectory = folder["data"], Arguments = ["--urls", $"http://127.0.0.1:{Browser.FreePort()}"] };
        await using var browser = await Browser.StartAsync(ownScripts: true);
        await using (var server = await ServerProcess.StartAsync(options))
        {
            (await server.Client.PutAsJsonAsync("topics/t", new { partitions = 2 })).EnsureSuccessStatusCode();
            await browser.Page.GotoAsync(server.Address.AbsoluteUri);
            await browser.Page.EvaluateAsync(Follow, "/topics/t/records?from=earliest");
            await SendAsync(server, 0, 10);
            await browser.Page.WaitForFunctionAsync("() => window.records.length >= 10");
            await server.StopAsync();
        }

        await using (var server = await ServerProcess.StartAsync(options))
        {
            await SendAsync(server, 10, 20);
            await browser.Page.WaitForFunctionAsync("() => window.records.length >= 20");
            await SendAsync(server, 20, 21);
            await browser.Page.WaitForFunctionAsync("() => window.records.length >= 21");
            var records = await browser.Page.EvaluateAsync<int[]>("window.records");
            Assert.Equal(Enumerable.Range(0, 21), records.Order());
            foreach (var partition in new[] { 0, 1 })
                Assert.Equal(records.Where(r => r % 2 == partition).Order(), records.Where(r => r % 2 == partition));

            // Made again: told once, and the new topic is read from its beginning.
            (await server.Client.DeleteAsync("topics/t")).EnsureSuccessStatusCode();
            await browser.Page.WaitForFunctionAsync("() => window.others.includes('end')");
            (await server.Client.PutAsJsonAsync("topics/t", new { partitions = 2 })).EnsureSuccessStatusCode();
            await SendAsync(server, 100, 103);
            await browser.Page.WaitForFunctionAsync("() => window.others.includes('reset') && window.records.length >= 24");
            Assert.Equal([100, 101, 102], (await browser.Page.EvaluateAsync<int[]>("window.records")).Where(r => r >= 100).Order());
        }
    }

    [RequiresToolFact("chromium")]
    public async Task It_is_told_of_records_that_were_deleted_and_goes_on_behind_them()
    {
        using var folder = new TempFolder("gap");
        await using var server = await ServerProcess.StartAsync(folder["data"]);
        (await server.Client.PutAsJsonAsync("topics/t", new { partitions = 2 })).EnsureSuccessStatusCode();
        await SendAsync(server, 0, 10);
        (await server.Client.PostAsJsonAsync("topics/t/truncate", new { before = new Dictionary<string, long> { ["0"] = 3 } })).EnsureSuccessStatusCode();
        await using var browser = await Browser.StartAsync(ownScripts: true);
        await browser.Page.GotoAsync(server.Address.AbsoluteUri);

        await browser.Page.EvaluateAsync(Follow, "/topics/t/records?cursor=0:1,1:5");
        await browser.Page.WaitForFunctionAsync("() => window.records.length >= 2");

        var (others, records) = (await browser.Page.EvaluateAsync<string[]>("window.others"), await browser.Page.EvaluateAsync<int[]>("window.records"));
        Assert.Equal(["gap"], others);
        Assert.Equal([6, 8], records);
    }

    [RequiresToolFact("chromium")]
    public async Task A_page_of_another_origin_follows_only_where_it_is_allowed()
    {
        using var folder = new TempFolder("origins");
        await using var origin = await ServerProcess.StartAsync(folder["origin"]);
        var page = origin.Address.GetLeftPart(UriPartial.Authority);
        await using var closed = await ServerProcess.StartAsync(folder["closed"]);
        await using var open = await ServerProcess.StartAsync(new ServerProcessOptions { DataDirectory = folder["open"], Arguments = ["--RestStream:CorsOrigins", page] });
        foreach (var server in new[] { closed, open })
            (await server.Client.PutAsJsonAsync("topics/t", new { partitions = 1 })).EnsureSuccessStatusCode();
        await using var browser = await Browser.StartAsync(ownScripts: true);
        await browser.Page.GotoAsync(page);

        const string write = """
            async base => {
                try {
                    const answer = await fetch(base + 'topics/t/records', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"value":1}' });
                    return answer.status;
                } catch { return 0; }
            }
            """;
        const string read = """
            async base => {
                try {
                    return (await fetch(base + 'topics/t/records')).status;
                } catch { return 0; }
            }
            """;
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>(read, closed.Address.AbsoluteUri));
        Assert.Equal(200, await browser.Page.EvaluateAsync<int>(read, open.Address.AbsoluteUri));
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>(write, closed.Address.AbsoluteUri));
        await Assert.ThrowsAnyAsync<Exception>(() => browser.Page.EvaluateAsync(Follow, closed.Address + "topics/t/records?from=earliest"));
        Assert.Equal(200, await browser.Page.EvaluateAsync<int>(write, open.Address.AbsoluteUri));
        await browser.Page.EvaluateAsync(Follow, open.Address + "topics/t/records?from=earliest");
        await browser.Page.WaitForFunctionAsync("() => window.records.length === 1");

        Assert.Contains("\"records\":[]", await closed.Client.GetStringAsync("topics/t/records"));
    }

    private static async Task SendAsync(ServerProcess server, int from, int to)
    {
        for (var i = from; i < to; i++)
            (await server.Client.PostAsJsonAsync($"topics/t/partitions/{i % 2}/records", new { value = i })).EnsureSuccessStatusCode();
    }
}
