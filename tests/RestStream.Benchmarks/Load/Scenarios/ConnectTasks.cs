using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Benchmarks.Load.Scenarios;

/// <summary>Tasks of Connect inside the engine: a source that makes up records as fast as it is polled, and a sink that drops what it is given. What is left is the worker's own cost.</summary>
internal static class ConnectTasks
{
    private const string Topic = "t";
    private const string Text = "org.apache.kafka.connect.storage.StringConverter";
    private const string Bytes = "org.apache.kafka.connect.converters.ByteArrayConverter";
    private const int SinkRecords = 2_000_000;

    private static readonly (string Name, string Converter)[] s_values = [("text of 100 bytes", Text), ("plain JSON of five fields", "org.apache.kafka.connect.json.JsonConverter")];

    /// <summary>Durable records per second, offsets with them.</summary>
    public static async Task SourceAsync(LoadSession session)
    {
        const string scenario = "connect-source";
        foreach (var (name, converter) in s_values)
        {
            using var folder = session.NewFolder(scenario);
            await using var broker = await OpenAsync(folder);
            var services = await ServicesAsync(broker);
            await broker.CreateTopicAsync(new TopicSpec(Topic, 1, new Dictionary<string, string> { ["retention.bytes"] = "256000000" }), default);
            var config = new Dictionary<string, string> { ["key.converter"] = Text, ["value.converter"] = converter, ["value.converter.schemas.enable"] = "false" };
            var task = Start(typeof(GeneratorTask), PluginKind.Source, config, services);
            await MeasureAsync(session, scenario, name, bar: 300_000, task);
            await task.StopAsync(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>Records per second from the log to the task.</summary>
    public static async Task SinkAsync(LoadSession session)
    {
        const string scenario = "connect-sink";
        using var folder = session.NewFolder(scenario);
        await using var broker = await OpenAsync(folder);
        var services = await ServicesAsync(broker);
        await FillAsync(broker, "{\"id\":12345678,\"name\":\"a name of some length\",\"price\":12.5,\"paid\":true,\"note\":\"and some more text\"}"u8.ToArray());
        foreach (var (name, converter) in ((string, string)[])[("bytes of 100 bytes", Bytes), .. s_values])
        {
            var config = new Dictionary<string, string> { ["topics"] = Topic, ["key.converter"] = Text, ["value.converter"] = converter, ["value.converter.schemas.enable"] = "false" };
            var (rates, costs) = (new List<double>(), new List<double>());
            for (var round = 0; round <= session.Options.Rounds; round++)
            {
                config["consumer.override.group.id"] = $"{converter}-{round}";
                var (cpu, watch) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
                var task = Start(typeof(DroppingTask), PluginKind.Sink, config, services);
                while (task.Metrics.RecordsTotal < SinkRecords)
                    await Task.Delay(2);
                var (took, used) = (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
                await task.StopAsync(TimeSpan.FromSeconds(30));

                // The first round warms up.
                if (round > 0)
                    (rates, costs) = ([.. rates, SinkRecords / took], [.. costs, SinkRecords / used]);
            }

            session.Report.Add(scenario, $"records per second, {name}", rates, "/s");
            session.Report.Add(scenario, $"records per second of processor time, {name}", costs, "/s", bar: 500_000);
        }
    }

    private static async Task MeasureAsync(LoadSession session, string scenario, string name, double bar, RunningTask task)
    {
        var (rates, costs) = (new List<double>(), new List<double>());
        await Task.Delay(session.Options.RoundLength);
        for (var round = 0; round < session.Options.Rounds; round++)
        {
            var (records, cpu, watch) = (task.Metrics.RecordsTotal, Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
            await Task.Delay(session.Options.RoundLength);
            var done = task.Metrics.RecordsTotal - records;
            rates.Add(done / watch.Elapsed.TotalSeconds);
            costs.Add(done / (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
        }

        session.Report.Add(scenario, $"durable records per second, {name}", rates, "/s", bar);
        session.Report.Add(scenario, $"records per second of processor time, {name}", costs, "/s");
    }

    private static RunningTask Start(Type type, PluginKind kind, Dictionary<string, string> config, WorkerServices services) =>
        RunningTask.Start(new TaskDefinition(new TaskId("bench", 0), kind, "1", type, config, new ConfigDef(), false), services, report =>
        {
            if (report.Error is { } failure)
                throw new InvalidOperationException(failure.Trace);
        });

    private static Task<EmbeddedBroker> OpenAsync(DataFolder folder) =>
        EmbeddedBroker.OpenAsync(Path.Combine(folder.Path, "data"), new BrokerOptions(), new LinuxFileSystem(), TimeProvider.System, NullLogger.Instance, new GroupOptions());

    private static async Task<WorkerServices> ServicesAsync(EmbeddedBroker broker)
    {
        var options = new ConnectOptions();
        return new WorkerServices(
            broker, PluginCatalog.Open([], NullLogger.Instance), options, new ConfigReferences(options), await OffsetStore.OpenAsync(broker, options, TimeProvider.System, default),
            await StatusStore.OpenAsync(broker, options, TimeProvider.System, default), new HookRegistry(), new FileRoots([]), new OutboundPolicy([]), TimeProvider.System, NullLoggerFactory.Instance);
    }

    private static async Task FillAsync(EmbeddedBroker broker, byte[] value)
    {
        await broker.CreateTopicAsync(new TopicSpec(Topic, 1, new Dictionary<string, string>()), default);
        using var builder = new RecordBatchBuilder();
        for (var written = 0; written < SinkRecords; written += 1000)
        {
            for (var i = 0; i < 1000; i++)
                builder.Append(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), false, "key"u8, false, value);
            await broker.ProduceAsync(new LogPartition(Topic, 0), builder.Build());
        }
    }
}

/// <summary>The same thousand records at every poll.</summary>
public sealed class GeneratorTask : SourceTask
{
    private readonly List<SourceRecord> _records = [];
    private long _next;

    public override Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        var partition = new Dictionary<string, object?> { ["generator"] = 0L };
        var isText = context.Config.Originals["value.converter"].EndsWith("StringConverter", StringComparison.Ordinal);
        for (var i = 0L; i < 1000; i++)
        {
            object value = isText ? new string('x', 100) : new Dictionary<string, object?> { ["id"] = i, ["name"] = "a name of some length", ["price"] = 12.5, ["paid"] = true, ["note"] = "and some more text" };
            _records.Add(new SourceRecord { Topic = "t", Key = "key", Value = value, SourcePartition = partition, SourceOffset = new Dictionary<string, object?> { ["position"] = i } });
        }

        return Task.CompletedTask;
    }

    public override ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _next += _records.Count;
        _records[^1] = _records[^1] with { SourceOffset = new Dictionary<string, object?> { ["position"] = _next } };
        return new(_records.ToArray());
    }
}

/// <summary>Takes everything and does nothing.</summary>
public sealed class DroppingTask : SinkTask
{
    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken) => Task.CompletedTask;
}
