using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Benchmarks.Load.Client;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.Storage.Records;

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

    /// <summary>The check alone, inside the engine: 64 producers that append one record of 200 bytes each time, durable, with a sequence and without.</summary>
    public static async Task CheckAsync(LoadSession session)
    {
        const string scenario = "once-check";
        using var folder = session.NewFolder(scenario);
        await using var broker = await EmbeddedBroker.OpenAsync(
            Path.Combine(folder.Path, "data"), new BrokerOptions(), new LinuxFileSystem(), TimeProvider.System, NullLogger.Instance, new GroupOptions());
        foreach (var topic in new[] { "once", "plain" })
            await broker.CreateTopicAsync(new TopicSpec(topic, 1, new Dictionary<string, string>()), default);
        var value = Encoding.ASCII.GetBytes(new string('x', 200));
        var sequences = new int[Connections];
        await AppendForAsync("once", session.Options.RoundLength);
        await AppendForAsync("plain", session.Options.RoundLength);

        var (with, without, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            with.Add(await AppendForAsync("once", session.Options.RoundLength));
            without.Add(await AppendForAsync("plain", session.Options.RoundLength));
            ratios.Add(without[^1] / with[^1]);
        }

        session.Report.Add(scenario, "ratio of processor time, without to with", ratios, "x");
        session.Report.Add(scenario, "processor time of the check", [.. with.Zip(without, (a, b) => a - b)], "us");
        session.Report.Add(scenario, "processor time of an append", with, "us");
        session.Report.Add(scenario, "processor time of an append, without", without, "us");

        async Task<double> AppendForAsync(string topic, TimeSpan duration)
        {
            var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            var appends = await Task.WhenAll(Enumerable.Range(0, Connections).Select(i => Task.Run(async () =>
            {
                using var builder = new RecordBatchBuilder();
                var count = 0L;
                for (; watch.Elapsed < duration; count++)
                {
                    builder.Append(0, keyIsNull: true, default, valueIsNull: false, value);
                    var batch = topic == "plain" ? builder.Build() : builder.Build(CompressionCodec.None, producerId: i + 1, producerEpoch: 0, baseSequence: sequences[i]++);
                    await broker.ProduceAsync(new TopicPartition(topic, 0), batch);
                }

                return count;
            })));
            return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / appends.Sum();
        }
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
