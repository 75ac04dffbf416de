using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace RestStream.Tests.Connect;

/// <summary>A real Kafka Connect worker with a broker of its own, found through <see cref="Locations.KafkaHome"/>. Ends only what it started itself.</summary>
internal sealed class KafkaConnect : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Process _worker;

    private KafkaConnect(string folder, Process worker, Uri address)
    {
        (_folder, _worker) = (folder, worker);
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
    }

    public HttpClient Client { get; }

    public static async Task<KafkaConnect> StartAsync(string folder)
    {
        var (broker, rest) = (FreePort(), FreePort());
        var started = await RunAsync("cluster", "start", folder, "1", $"{broker}");
        Assert.True(started.ExitCode == 0, $"cluster start: {started.ExitCode} {started.Output}");
        var worker = Process.Start(new ProcessStartInfo(Path.Combine(Locations.KafkaHome!, "bin", "connect"), [folder, $"127.0.0.1:{broker}", $"{rest}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        worker.OutputDataReceived += (_, _) => { };
        worker.ErrorDataReceived += (_, _) => { };
        worker.BeginOutputReadLine();
        worker.BeginErrorReadLine();
        var connect = new KafkaConnect(folder, worker, new Uri($"http://127.0.0.1:{rest}/"));
        using var enough = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!await connect.IsReadyAsync())
        {
            Assert.False(worker.HasExited || enough.IsCancellationRequested, "Kafka Connect did not start");
            await Task.Delay(500, CancellationToken.None);
        }

        return connect;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _worker.Kill();
        await _worker.WaitForExitAsync();
        _worker.Dispose();
        await RunAsync("cluster", "stop", _folder);
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await Client.GetAsync("connectors");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, params string[] arguments)
    {
        // Its output goes to a file: the broker that it leaves behind would hold a pipe open.
        var log = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.log");
        using var process = Process.Start("bash", ["-c", $"exec \"$0\" \"$@\" > '{log}' 2>&1 < /dev/null", Path.Combine(Locations.KafkaHome!, "bin", program), .. arguments]);
        await process.WaitForExitAsync();
        var output = await File.ReadAllTextAsync(log);
        File.Delete(log);
        return (process.ExitCode, output);
    }

    /// <summary>A port that is free, as is the one 100 above, which the cluster's controller takes.</summary>
    private static int FreePort()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            if (port > 65_000)
                continue;
            try
            {
                using var second = new TcpListener(IPAddress.Loopback, port + 100);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
            }
        }
    }
}
