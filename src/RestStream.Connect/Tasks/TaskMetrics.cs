using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using RestStream.Connect.Errors;
using RestStream.Connect.Model;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Tasks;

/// <summary>
/// What one task counts, by Kafka's names (<c>source-record-poll-total</c> of the group <c>source-task-metrics</c> is <c>kafka_connect_source_task_metrics_source_record_poll_total</c>), with the labels connector and task.
/// Instruments only look at fields when somebody asks; the loop pays for additions per batch. Its series go with the task.
/// </summary>
internal sealed class TaskMetrics : IDisposable
{
    /// <summary>The name under which every part of the program makes its instruments.</summary>
    public const string MeterName = "RestStream";

    private readonly Meter _meter = new(MeterName);
    private readonly TimeProvider _time;
    private readonly KeyValuePair<string, object?>[] _labels;
    private readonly ConcurrentDictionary<string, double> _custom = new(StringComparer.Ordinal);
    private readonly long _started;
    private WorkState _state = WorkState.Unassigned;
    private long _stateSince;
    private long _runningTicks, _pausedTicks;
    private long _lastProgressMs = -1;

    public TaskMetrics(TaskDefinition definition, TimeProvider time)
    {
        _time = time;
        _labels = [new("connector", definition.Id.Connector), new("task", definition.Id.Task)];
        _started = _stateSince = time.GetTimestamp();
        (Records, Bytes, RecordsIn) = (new RateWindow(time), new RateWindow(time), new RateWindow(time));

        const string Task = "kafka_connect_connector_task_metrics_";
        Gauge(Task + "running_ratio", "Part of its life in which the task was RUNNING.", () => Ratio(WorkState.Running, _runningTicks));
        Gauge(Task + "pause_ratio", "Part of its life in which the task was PAUSED.", () => Ratio(WorkState.Paused, _pausedTicks));
        Gauge(Task + "batch_size_avg", "Records of a batch.", () => BatchSize.Average);
        Gauge(Task + "batch_size_max", "Records of the largest batch.", () => BatchSize.Max);
        Gauge(Task + "offset_commit_avg_time_ms", "Time of a commit of offsets.", () => CommitTime.Average);
        Gauge(Task + "offset_commit_max_time_ms", "Longest time of a commit of offsets.", () => CommitTime.Max);
        Gauge(Task + "offset_commit_success_percentage", "Commits that succeeded.", () => Share(CommitSuccesses, CommitFailures));
        Gauge(Task + "offset_commit_failure_percentage", "Commits that failed.", () => Share(CommitFailures, CommitSuccesses));
        if (definition.Kind == PluginKind.Source)
            ShowSource();
        else
            ShowSink();
        ShowErrors();
        _meter.CreateObservableGauge(
            "connect_task_custom", () => _custom.Select(c => new Measurement<double>(c.Value, [.. _labels, new("name", c.Key)])), description: "Figures of the task's own.");
    }

    /// <summary>Records written, or put, and their bytes; records polled, or read.</summary>
    public RateWindow Records { get; }
    public RateWindow Bytes { get; }
    public RateWindow RecordsIn { get; }

    public Extent BatchSize { get; } = new();
    public Extent CommitTime { get; } = new();

    /// <summary>Milliseconds of a poll, or put.</summary>
    public Extent CallTime { get; } = new();
    public Extent UnitSize { get; } = new();
    public Extent Active { get; } = new();

    public long RecordsInTotal;
    public long RecordsTotal;
    public long ActiveRecords;
    public long CommitSuccesses, CommitFailures, CommitSkips, CommitSequence;
    public long PartitionCount;
    public long Errors, Failures, Skipped, RetryCount, Logged, DlqRequests, DlqFailures, LastErrorMs;

    /// <summary>When records last moved; null: never.</summary>
    public DateTimeOffset? LastProgress => Volatile.Read(ref _lastProgressMs) is >= 0 and var ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;

    public WorkState State
    {
        get => _state;
        set
        {
            var now = _time.GetTimestamp();
            if (_state == WorkState.Running)
                _runningTicks += now - _stateSince;
            else if (_state == WorkState.Paused)
                _pausedTicks += now - _stateSince;
            (_state, _stateSince) = (value, now);
        }
    }

    /// <summary>Records came in: polled or read.</summary>
    public void Came(int records, TimeSpan callTook)
    {
        RecordsInTotal += records;
        Active.Add(Interlocked.Add(ref ActiveRecords, records));
        RecordsIn.Add(records);
        BatchSize.Add(records);
        CallTime.Add(callTook.TotalMilliseconds);
    }

    /// <summary>Records are done: in the log, or put.</summary>
    public void Went(int records, long bytes)
    {
        RecordsTotal += records;
        Records.Add(records);
        Bytes.Add(bytes);
        Volatile.Write(ref _lastProgressMs, _time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    public void Failed(long nowMs)
    {
        Interlocked.Increment(ref Failures);
        Volatile.Write(ref LastErrorMs, nowMs);
    }

    /// <summary>What the task is made of, known once it is: one series each for the task, its converters, and each transform and predicate, with what Kafka shows as text in labels.</summary>
    public void Show(TaskDefinition definition, TaskPlugins plugins)
    {
        Info("kafka_connect_connector_task_metrics_info", "What the task is made of, and does.", () => [
            new("task_class", ErrorTrace.PluginName(definition.TaskType)), new("connector_version", definition.ConnectorVersion ?? ""), new("task_version", definition.ConnectorVersion ?? ""),
            new("key_converter_class", ErrorTrace.PluginName(plugins.Converters.Key.GetType())), new("key_converter_version", plugins.Converters.Versions[0] ?? ""),
            new("value_converter_class", ErrorTrace.PluginName(plugins.Converters.Value.GetType())), new("value_converter_version", plugins.Converters.Versions[1] ?? ""),
            new("header_converter_class", ErrorTrace.PluginName(plugins.Converters.Headers.GetType())), new("header_converter_version", plugins.Converters.Versions[2] ?? ""),
            new("status", _state.ToString().ToLowerInvariant())]);
        foreach (var step in plugins.Transforms.Steps)
        {
            Info("kafka_connect_connector_transform_metrics_info", "A transform of the task.", () => [new("transform", step.Alias), new("transform_class", step.ClassName), new("transform_version", step.PluginVersion ?? "")]);
            if (step.Predicate is { } predicate)
                Info("kafka_connect_connector_predicate_metrics_info", "A predicate of the task.", () => [new("transform", step.Alias), new("predicate_class", predicate.Class), new("predicate_version", predicate.Version ?? "")]);
        }
    }

    public void Custom(string name, double value) => _custom[name] = value;

    public void Dispose() => _meter.Dispose();

    private void ShowSource()
    {
        const string Source = "kafka_connect_source_task_metrics_";
        Counter(Source + "source_record_poll", "Records that the task handed out.", () => RecordsInTotal);
        Counter(Source + "source_record_write", "Records written to the log.", () => RecordsTotal);
        Gauge(Source + "source_record_poll_rate", "Records handed out per second, over a minute.", () => RecordsIn.PerSecond);
        Gauge(Source + "source_record_write_rate", "Records written per second, over a minute.", () => Records.PerSecond);
        Gauge(Source + "source_record_active_count", "Records handed out and not in the log yet.", () => ActiveRecords);
        Gauge(Source + "source_record_active_count_avg", "The same, on average.", () => Active.Average);
        Gauge(Source + "source_record_active_count_max", "The same, at most.", () => Active.Max);
        Gauge(Source + "poll_batch_avg_time_ms", "Time of a poll.", () => CallTime.Average);
        Gauge(Source + "poll_batch_max_time_ms", "Longest time of a poll.", () => CallTime.Max);
        Gauge(Source + "transaction_size_avg", "Records of an atomic unit.", () => UnitSize.Average);
        Gauge(Source + "transaction_size_min", "Records of the smallest atomic unit.", () => UnitSize.Min);
        Gauge(Source + "transaction_size_max", "Records of the largest atomic unit.", () => UnitSize.Max);
    }

    private void ShowSink()
    {
        const string Sink = "kafka_connect_sink_task_metrics_";
        Counter(Sink + "sink_record_read", "Records read from topics.", () => RecordsInTotal);
        Counter(Sink + "sink_record_send", "Records put to the task.", () => RecordsTotal);
        Gauge(Sink + "sink_record_read_rate", "Records read per second, over a minute.", () => RecordsIn.PerSecond);
        Gauge(Sink + "sink_record_send_rate", "Records put per second, over a minute.", () => Records.PerSecond);
        Gauge(Sink + "sink_record_active_count", "Records read and not committed yet.", () => ActiveRecords);
        Gauge(Sink + "sink_record_active_count_avg", "The same, on average.", () => Active.Average);
        Gauge(Sink + "sink_record_active_count_max", "The same, at most.", () => Active.Max);
        Gauge(Sink + "put_batch_avg_time_ms", "Time of a put.", () => CallTime.Average);
        Gauge(Sink + "put_batch_max_time_ms", "Longest time of a put.", () => CallTime.Max);
        Gauge(Sink + "partition_count", "Partitions that the task reads.", () => PartitionCount);
        Gauge(Sink + "offset_commit_seq_no", "Number of the last commit.", () => CommitSequence);
        Counter(Sink + "offset_commit_completion", "Commits done.", () => CommitSuccesses);
        Counter(Sink + "offset_commit_skip", "Commits that were refused: the partition was another's by then.", () => CommitSkips);
    }

    private void ShowErrors()
    {
        const string Error = "kafka_connect_task_error_metrics_";
        Counter(Error + "total_record_errors", "Errors of operations on records, tries that were repeated included.", () => Interlocked.Read(ref Errors));
        Counter(Error + "total_record_failures", "Records that failed.", () => Interlocked.Read(ref Failures));
        Counter(Error + "total_records_skipped", "Records that were passed over because of errors.", () => Interlocked.Read(ref Skipped));
        Counter(Error + "total_retries", "Operations that were tried again.", () => Interlocked.Read(ref RetryCount));
        Counter(Error + "total_errors_logged", "Errors that were logged.", () => Interlocked.Read(ref Logged));
        Counter(Error + "deadletterqueue_produce_requests", "Records for the dead letter queue.", () => Interlocked.Read(ref DlqRequests));
        Counter(Error + "deadletterqueue_produce_failures", "Records that the dead letter queue refused.", () => Interlocked.Read(ref DlqFailures));
        Gauge(Error + "last_error_timestamp", "When the last record failed, milliseconds since 1970.", () => Volatile.Read(ref LastErrorMs));
    }

    private double Ratio(WorkState state, long ticks)
    {
        var now = _time.GetTimestamp();
        var life = now - _started;
        return life <= 0 ? 0 : Math.Min(1, (ticks + (_state == state ? now - _stateSince : 0)) / (double)life);
    }

    private static double Share(long part, long rest) => part + rest == 0 ? 0 : (double)part / (part + rest);

    private void Gauge(string name, string description, Func<double> value) => _meter.CreateObservableGauge(name, () => new Measurement<double>(value(), _labels), description: description);

    private void Counter(string name, string description, Func<long> value) => _meter.CreateObservableCounter(name, () => new Measurement<long>(value(), _labels), description: description);

    private void Info(string name, string description, Func<KeyValuePair<string, object?>[]> labels) =>
        _meter.CreateObservableGauge(name, () => new Measurement<int>(1, [.. _labels, .. labels()]), description: description);

    /// <summary>Average, least and most of what was seen. Written by one thread.</summary>
    internal sealed class Extent
    {
        private double _sum;
        private long _count;

        public double Average => _count == 0 ? 0 : _sum / _count;
        public double Min { get; private set; }
        public double Max { get; private set; }

        public void Add(double value)
        {
            Min = _count == 0 ? value : Math.Min(Min, value);
            Max = Math.Max(Max, value);
            (_sum, _count) = (_sum + value, _count + 1);
        }
    }
}
