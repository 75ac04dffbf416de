using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Broker.Topics;
using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;
using RestStream.Connect.Tasks;
using RestStream.Connect.Transforms;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.TestKit.Disks;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>What of a worker a task needs, on a real broker in a folder of its own (or on a disk handed in).</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private static readonly PluginCatalog s_plugins = PluginCatalog.Open([], NullLogger.Instance);

    private string _folder = Path.Combine(Path.GetTempPath(), $"reststream-tasks-{Guid.NewGuid():N}");
    private readonly List<TestRun> _runs = [];
    private EmbeddedBroker? _broker;

    private TestWorker(IFileSystem? files, TimeProvider? time) => (Files, Time) = (files ?? new LinuxFileSystem(), time ?? TimeProvider.System);

    public IFileSystem Files { get; }
    public TimeProvider Time { get; }
    public EmbeddedBroker Broker => _broker ?? throw new InvalidOperationException("The broker is stopped.");
    public WorkerServices Services { get; private set; } = null!;
    public ConnectOptions Options { get; } = new() { OffsetTopicPartitions = 2, StatusTopicPartitions = 1, AutoCreateTopics = true };

    public static async Task<TestWorker> StartAsync(IFileSystem? files = null, TimeProvider? time = null, Action<ConnectOptions>? options = null, string? folder = null)
    {
        var worker = new TestWorker(files, time);
        if (folder is not null)
            worker._folder = folder;
        options?.Invoke(worker.Options);
        await worker.OpenAsync();
        return worker;
    }

    public async Task OpenAsync()
    {
        var broker = new BrokerOptions { MinFreeBytes = 0, JournalFileBytes = 256 * 1024, JournalMaxBytes = 8 * 1024 * 1024 };
        _broker = await EmbeddedBroker.OpenAsync(_folder, broker, Files, Time, NullLogger.Instance, new GroupOptions { OffsetsTopicPartitions = 1 });
        Services = new WorkerServices(
            Broker, s_plugins, Options, new ConfigReferences(Options), await OffsetStore.OpenAsync(Broker, Options, Time, default), await StatusStore.OpenAsync(Broker, Options, Time, default), new HookRegistry(), new FileRoots([]), new OutboundPolicy([]), Time, NullLoggerFactory.Instance);
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await OpenAsync();
    }

    public async Task StopAsync()
    {
        foreach (var run in _runs)
            await run.Task.StopAsync(TimeSpan.FromSeconds(30));
        _runs.Clear();
        if (_broker is not null)
            await _broker.DisposeAsync();
        _broker = null;
    }

    /// <summary>The machine is gone: what a stop would still write fails.</summary>
    public async Task CrashAsync()
    {
        try
        {
            await StopAsync();
        }
        catch (Exception e) when (e is SimulatedCrash or Storage.StorageException or BrokerException or IOException or AggregateException)
        {
            _broker = null;
        }
    }

    /// <summary>Runs a task of this class. The script is what the class finds under <see cref="TestScripts"/>.</summary>
    public TestRun Run<TTask>(object script, Dictionary<string, string>? config = null, int task = 0, string connector = "c", bool paused = false, IReadOnlyList<TransformStep>? transforms = null, Converter? value = null)
    {
        var all = new Dictionary<string, string>(config ?? []) { ["test.script"] = TestScripts.Add(script) };
        var def = new ConfigDef().Require("test.script", ConfigType.String, "").Optional("test.secret", ConfigType.Password, null, "");
        var kind = typeof(SourceTask).IsAssignableFrom(typeof(TTask)) ? PluginKind.Source : PluginKind.Sink;
        var definition = new TaskDefinition(new TaskId(connector, task), kind, "1", typeof(TTask), all, def, paused);
        var run = new TestRun(this);
        run.Task = RunningTask.Start(
            definition, Services, run.Told,
            (d, _) => new TaskPlugins(d.Config, new ConverterSet(new TextConverter(), value ?? new TextConverter(), new TextHeaderConverter(), [null, null, null]), new TransformChain(transforms ?? []), ErrorPolicy.From(d.Config),
                SecretScrubber.For(d.Config, d.Config, [], new HashSet<string> { "test.secret" })));
        _runs.Add(run);
        return run;
    }

    public Task CreateAsync(string topic, int partitions = 1, params (string Key, string Value)[] configs) =>
        Broker.CreateTopicAsync(new TopicSpec(topic, partitions, configs.ToDictionary(c => c.Key, c => c.Value)), default);

    public async Task ProduceAsync(string topic, int partition, params string?[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(Time.GetUtcNow().ToUnixTimeMilliseconds(), false, "k"u8, value is null, Encoding.UTF8.GetBytes(value ?? ""));
        await Broker.ProduceAsync(new LogPartition(topic, partition), builder.Build());
    }

    /// <summary>All values of a partition, in order.</summary>
    public List<string> Values(string topic, int partition = 0) => [.. Read(topic, partition).Select(r => r.Value ?? "(null)")];

    public List<ReadRecord> Read(string topic, int partition = 0)
    {
        var records = new List<ReadRecord>();
        if (!Broker.TryGetIntake(topic, out _))
            return records;
        using var fetch = Broker.OpenFetch([new FetchPosition(new LogPartition(topic, partition), 0)]);
        var slices = new List<EncodedSlice>();
        while (fetch.Read(RawRecordEncoder.Shared, int.MaxValue, int.MaxValue, slices) > 0)
        {
            foreach (var slice in slices)
            {
                for (var i = slice.First; i <= slice.Last; i++)
                {
                    var raw = new RawRecord(slice.Batch.Record(i).Span);
                    var headers = new List<(string, string?)>();
                    var reader = raw.Headers();
                    while (reader.MoveNext())
                        headers.Add((Encoding.UTF8.GetString(reader.Key), reader.ValueIsNull ? null : Encoding.UTF8.GetString(reader.Value)));
                    records.Add(new ReadRecord(raw.KeyIsNull ? null : Encoding.UTF8.GetString(raw.Key), raw.ValueIsNull ? null : Encoding.UTF8.GetString(raw.Value), headers, slice.Batch.Timestamps[i]));
                }
            }
        }

        return records;
    }

    /// <summary>Waits for what other threads do; the limit is for a test that would hang.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var patience = Task.Delay(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            Assert.False(patience.IsCompleted, $"It never came to this: {what}");
            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }
}

internal sealed record ReadRecord(string? Key, string? Value, List<(string Key, string? Value)> Headers, long Timestamp);

/// <summary>A task that runs, and what it told.</summary>
internal sealed class TestRun(TestWorker worker)
{
    private readonly ConcurrentQueue<TaskReport> _told = new();
    private readonly Channel<TaskReport> _reports = Channel.CreateUnbounded<TaskReport>();

    public RunningTask Task { get; set; } = null!;
    public TestWorker Worker { get; } = worker;
    public IEnumerable<WorkState> States => _told.Select(t => t.State);
    public TaskFailure? Failure => _told.LastOrDefault(t => t.Error is not null)?.Error;

    public void Told(TaskReport report)
    {
        _told.Enqueue(report);
        _reports.Writer.TryWrite(report);
    }

    public async Task<TaskReport> ReportAsync(WorkState state)
    {
        while (true)
        {
            var report = await _reports.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
            if (report.State == state)
                return report;
            Assert.True(report.State != WorkState.Failed, report.Error?.Trace);
        }
    }
}

/// <summary>Hands a test's script to the task that the worker makes.</summary>
internal static class TestScripts
{
    private static readonly ConcurrentDictionary<string, object> s_scripts = new();
    private static int s_next;

    public static string Add(object script)
    {
        var name = Interlocked.Increment(ref s_next).ToString(System.Globalization.CultureInfo.InvariantCulture);
        s_scripts[name] = script;
        return name;
    }

    public static T Find<T>(ITaskContext context) => (T)s_scripts[context.Config.GetString("test.script")];
}

/// <summary>Text as UTF-8; refuses the value "bad" in both directions, as wrong, and "later" as often as it is told.</summary>
internal sealed class TextConverter : Converter
{
    public int LaterFor { get; set; }

    public override ConfigDef Config => new();

    public override void Configure(ConfigValues config, bool isKey)
    {
    }

    public override bool Write(string topic, Schema? schema, object? value, System.Buffers.IBufferWriter<byte> output)
    {
        if (value is "bad")
            throw new DataException("bad text");
        if (value is "later" && LaterFor-- > 0)
            throw new RetriableException("not now");
        if (value is null)
            return false;
        Encoding.UTF8.GetBytes((string)value, output);
        return true;
    }

    public override SchemaAndValue Read(string topic, ReadOnlySpan<byte> bytes, bool isNull)
    {
        var text = isNull ? null : Encoding.UTF8.GetString(bytes);
        if (text is "bad")
            throw new DataException("bad text");
        if (text is "later" && LaterFor-- > 0)
            throw new RetriableException("not now");
        return new SchemaAndValue(Schema.OptionalString, text);
    }
}

internal sealed class TextHeaderConverter : HeaderConverter
{
    public override ConfigDef Config => new();

    public override void Configure(ConfigValues config)
    {
    }

    public override bool Write(string topic, string header, Schema? schema, object? value, System.Buffers.IBufferWriter<byte> output)
    {
        if (value is null)
            return false;
        Encoding.UTF8.GetBytes((string)value, output);
        return true;
    }

    public override SchemaAndValue Read(string topic, string header, ReadOnlySpan<byte> bytes, bool isNull) => new(null, isNull ? null : Encoding.UTF8.GetString(bytes));
}
