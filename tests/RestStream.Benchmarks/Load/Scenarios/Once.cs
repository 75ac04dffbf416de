using System.Globalization;
using System.Text;
using System.Text.Json;
using RestStream.Benchmarks.Load.Client;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Produce with the headers of an idempotent producer against the same requests without, on the same server in rounds that take turns: what the check for repeats costs.</summary>
internal static class Once
{
    private const int Connections = 64;
    private const int Bodies = 4;

    /// <summary>Leading zeros, so that the number can be counted up in place.</summary>
    private const string FirstSequence = "0000000000";

    public static Task SingleAsync(LoadSession session) => CompareAsync(session, "once64", seed => Requests.Single(200, seed), recordsPerRequest: 1);

    public static Task BatchAsync(LoadSession session) => CompareAsync(session, "once100", seed => Requests.Batch(100, 1024, seed), recordsPerRequest: 100);

    private static async Task CompareAsync(LoadSession session, string scenario, Func<int, string> body, int recordsPerRequest)
    {
        using var folder = session.NewFolder(scenario);
        await using var server = await LoadSession.StartServerAsync(folder, "--RestStream:Broker:RetentionCheckInterval", "00:00:01");
        const string configs = """{"segment.bytes":"67108864","retention.bytes":"67108864","file.delete.delay.ms":"0"}""";
        await LoadSession.CreateTopicAsync(server, "once", configs: configs);
        await LoadSession.CreateTopicAsync(server, "plain", configs: configs);
        var bodies = Enumerable.Range(1, Bodies).Select(body).ToArray();
        var (producers, others) = (new Producer[Connections], new Producer[Connections]);
        for (var i = 0; i < producers.Length; i++)
        {
            using var answer = await server.Client.PostAsync("producers", null);
            using var identity = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            var id = identity.RootElement.GetProperty("producer_id").GetInt64();
            producers[i] = new Producer("once", $"Producer-Id: {id}\r\nProducer-Epoch: 0\r\nProducer-Seq: {FirstSequence}\r\n", bodies, recordsPerRequest);
            others[i] = new Producer("plain", "", bodies, recordsPerRequest);
        }

        using var stamped = new LoadDriver(server.Address, [], Connections, i => producers[i].Next());
        using var plain = new LoadDriver(server.Address, [], Connections, i => others[i].Next());
        session.WarmUp(stamped, server.ProcessorTime);
        session.WarmUp(plain, server.ProcessorTime);

        var (rates, ratios, costs, cost, plainCost) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            var before = server.ProcessorTime();
            var with = LoadSession.Run(stamped, session.Options.RoundLength);
            cost.Add((server.ProcessorTime() - before).TotalMicroseconds / with.Requests);
            before = server.ProcessorTime();
            var without = LoadSession.Run(plain, session.Options.RoundLength);
            plainCost.Add((server.ProcessorTime() - before).TotalMicroseconds / without.Requests);
            rates.Add(with.PerSecond);
            ratios.Add(with.PerSecond / without.PerSecond);
            costs.Add(plainCost[^1] / cost[^1]);
        }

        var report = session.Report;
        report.Add(scenario, "ratio to the same without", ratios, "x", 0.95);
        report.Add(scenario, "ratio of processor time, without to with", costs, "x", 0.95);
        report.Add(scenario, "requests per second", rates, "/s");
        report.Add(scenario, "server processor time per request", cost, "us");
        report.Add(scenario, "server processor time per request, without", plainCost, "us");
    }

    /// <summary>The requests of one connection, which is one producer; without headers the same bytes otherwise.</summary>
    private sealed class Producer(string topic, string headers, string[] bodies, int recordsPerRequest)
    {
        private readonly byte[][] _requests = [.. bodies.Select(b => Make(topic, headers, b))];
        private readonly int _sequenceAt = Make(topic, headers, "").AsSpan().IndexOf(Encoding.ASCII.GetBytes(FirstSequence));
        private int _count;
        private int _sequence;

        public byte[] Next()
        {
            var request = _requests[_count++ % _requests.Length];
            if (_sequenceAt >= 0)
                _sequence.TryFormat(request.AsSpan(_sequenceAt, FirstSequence.Length), out _, "D10", CultureInfo.InvariantCulture);
            _sequence += recordsPerRequest;
            return request;
        }

        /// <summary>The headers stand before the length, which is not the same for all bodies.</summary>
        private static byte[] Make(string topic, string headers, string body) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"POST /topics/{topic}/records HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));
    }
}
