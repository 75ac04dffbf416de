using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using RestStream.TestKit.Processes;
using RestStream.Tests.Faults.Load;

namespace RestStream.Tests.Faults;

/// <summary>SIGTERM: who is being served is answered, streams are told, and the process is gone within ten seconds with a log that needs no recovery.</summary>
[Collection(ProcessTests.Name)]
public class ShutdownTests
{
    [Fact]
    public async Task A_stop_answers_what_is_in_flight_ends_the_streams_and_takes_at_most_ten_seconds()
    {
        using var folder = new TempFolder("term");
        await using var server = await ServerProcess.StartAsync(folder["data"]);
        using (var created = await server.Client.PutAsJsonAsync("topics/t", new { partitions = 2 }))
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);

        var streams = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenStreamAsync(server)));
        var polls = Enumerable.Range(0, 5).Select(_ => server.Client.GetAsync("topics/t/records?from=latest&timeout=60000")).ToArray();
        using var body = new HeldBody("""{"value":"begun before the stop"}""");
        var produce = server.Client.PostAsync("topics/t/records", body);
        await body.HalfSent;

        var clock = Stopwatch.StartNew();
        server.Terminate();
        foreach (var poll in polls)
            Assert.Equal(HttpStatusCode.OK, (await poll).StatusCode);
        foreach (var stream in streams)
            Assert.Contains("event: end", await stream.ReadToEndAsync());
        body.SendTheRest();
        using var answer = await produce;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(0, await server.WaitForExitAsync(TimeSpan.FromSeconds(60)));

        // The polls would have waited for a minute; the stop itself may take 10 s, on a machine that has nothing else to do.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(50));
        Assert.True(File.Exists(Path.Combine(folder["data"], ".kafka_cleanshutdown")));

        await using var next = await ServerProcess.StartAsync(folder["data"]);
        Assert.Contains("begun before the stop", await next.Client.GetStringAsync("topics/t/records"));
    }

    [Fact]
    public async Task Stops_under_load_lose_nothing_and_leave_a_clean_log()
    {
        using var folder = new TempFolder("term-load");
        var load = new MixedLoad(ProcessTests.Seed);
        for (var round = 0; round < 3; round++)
        {
            await using var server = await ServerProcess.StartAsync(folder["data"]);
            if (round == 0)
                await load.CreateTopicsAsync(server);
            await load.RoundAsync(server, async () =>
            {
                await load.WhenAnsweredAsync(100, server);
                server.Terminate();
                Assert.Equal(0, await server.WaitForExitAsync(TimeSpan.FromSeconds(60)));
            });
            Assert.True(File.Exists(Path.Combine(folder["data"], ".kafka_cleanshutdown")), server.Output);
        }

        await using var last = await ServerProcess.StartAsync(folder["data"]);
        await load.JudgeAsync(last);
    }

    private static async Task<StreamReader> OpenStreamAsync(ServerProcess server)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "topics/t/records");
        request.Headers.Add("Accept", "text/event-stream");
        var answer = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return new StreamReader(await answer.Content.ReadAsStreamAsync());
    }

    /// <summary>A body that stops in the middle until it is told to go on.</summary>
    private sealed class HeldBody : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly TaskCompletionSource _half = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HeldBody(string json)
        {
            _bytes = Encoding.UTF8.GetBytes(json);
            Headers.ContentType = new("application/json");
        }

        public Task HalfSent => _half.Task;

        public void SendTheRest() => _rest.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var half = _bytes.Length / 2;
            await stream.WriteAsync(_bytes.AsMemory(0, half));
            await stream.FlushAsync();
            _half.TrySetResult();
            await _rest.Task;
            await stream.WriteAsync(_bytes.AsMemory(half));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
