using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RestStream.Benchmarks.Load.Bare;
using RestStream.Benchmarks.Load.Client;
using RestStream.TestKit.Processes;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Followers over server-sent events: what they cost while nothing comes, and how long one record takes to all of them.</summary>
internal static class Readers
{
    private const string Path = "/topics/followed/records?from=latest";
    private const int ParkedReaders = 10_000;
    private const int FollowingReaders = 1_000;
    private const int FannedOutRecords = 100;

    /// <summary>Longer than the first heartbeats of all readers are apart, so that the idle time holds its share of them.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);

    public static async Task ParkedAsync(LoadSession session)
    {
        const string scenario = "parked";
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "followed");

        // The first streams load code and grow pools; they are no part of what one more reader costs.
        using (new Followers(server.Address, Path, 100))
            await Task.Delay(1000);
        var before = server.ResidentBytes();
        using (var followers = new Followers(server.Address, Path, ParkedReaders))
            await MeasureParkedAsync(session, scenario, server, followers, before);
        await server.KillAsync();

        using var bare = await BareProcess.StartAsync(session);
        using (new Followers(bare.Address, "/parked", 100))
            await Task.Delay(1000);
        before = bare.ResidentBytes();
        using (new Followers(bare.Address, "/parked", ParkedReaders))
        {
            await Task.Delay(2000);
            session.Report.Add(new(scenario, "resident memory per stream of a bare endpoint", (bare.ResidentBytes() - before) / 1024.0 / ParkedReaders, "KiB"));
        }
    }

    private static async Task MeasureParkedAsync(LoadSession session, string scenario, ServerProcess server, Followers followers, long before)
    {
        await Task.Delay(2000);
        session.Report.Add(new(scenario, "resident memory per reader", (server.ResidentBytes() - before) / 1024.0 / ParkedReaders, "KiB") { Bar = 20, AtLeast = false });

        var processor = server.ProcessorTime();
        await Task.Delay(s_idle);
        session.Report.Add(new(scenario, $"processor seconds in {s_idle.TotalSeconds:0} idle seconds", (server.ProcessorTime() - processor).TotalSeconds, "s") { Bar = 0.5, AtLeast = false });

        var latencies = new Latencies();
        using (var sender = new Sender(server.Address, Requests.Post("/topics/followed/records", Requests.Single(200, 1))))
            sender.Send(since => followers.Await(1, since, latencies));
        session.Report.Add(new(scenario, "one record to all of them, last", latencies.Percentile(100), "ms"));
        session.Report.Add(new(scenario, "resident memory per reader after it", (server.ResidentBytes() - before) / 1024.0 / ParkedReaders, "KiB"));
    }

    public static async Task FanOutAsync(LoadSession session)
    {
        const string scenario = "fanout";
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder);
        await LoadSession.CreateTopicAsync(server, "followed");
        using var followers = new Followers(server.Address, Path, FollowingReaders);
        using var sender = new Sender(server.Address, Requests.Post("/topics/followed/records", Requests.Single(200, 1)));

        var latencies = new Latencies();
        for (var i = 0; i < FannedOutRecords; i++)
            sender.Send(since => followers.Await(1, since, latencies));
        latencies.Clear();
        var processor = server.ProcessorTime();
        for (var i = 0; i < FannedOutRecords; i++)
        {
            // A record at a time on a quiet server: it is the latency that is asked for, not the rate.
            await Task.Delay(20);
            sender.Send(since => followers.Await(1, since, latencies));
        }
        var spent = server.ProcessorTime() - processor;
        session.Report.Add(new(scenario, "p99 of a record to 1,000 followers", latencies.Percentile(99), "ms") { Bar = 50, AtLeast = false });
        session.Report.Add(new(scenario, "p50", latencies.Percentile(50), "ms"));
        session.Report.Add(new(scenario, "server processor time per delivery", spent.TotalMicroseconds / FannedOutRecords / FollowingReaders, "us"));
    }

    /// <summary>Sends one ready-made request at a time and looks at its answer only after the followers were watched.</summary>
    private sealed class Sender : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly byte[] _request;
        private readonly byte[] _buffer = new byte[16 * 1024];
        private readonly ResponseParser _answer = new();

        public Sender(Uri address, byte[] request)
        {
            _request = request;
            _socket.Connect(IPAddress.Loopback, address.Port);
        }

        /// <param name="watch">Gets the time (a Stopwatch's) at which the request was sent.</param>
        public void Send(Action<long> watch)
        {
            var since = Stopwatch.GetTimestamp();
            _socket.Send(_request);
            watch(since);
            while (!_answer.Take(_buffer.AsSpan(0, _socket.Receive(_buffer))))
            {
            }
            if (_answer.Status != 200)
                throw new InvalidOperationException($"A record was refused: {_answer.Head}");
        }

        public void Dispose() => _socket.Dispose();
    }
}
