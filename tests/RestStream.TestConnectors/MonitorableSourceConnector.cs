using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>Kafka's MonitorableSourceConnector: numbered records, and tells when it is started and stopped.</summary>
[Plugin("test.MonitorableSourceConnector")]
public sealed class MonitorableSourceConnector : SourceConnector
{
    private ConfigValues? _config;
    private Journal? _journal;

    public override ConfigDef Config { get; } = Journal.Keys()
        .Require("topic", ConfigType.String, "Topic to write to.", ConfigValidator.NonEmpty())
        .Optional("messages", ConfigType.Long, 0L, "How many records each task makes.")
        .Optional("batch", ConfigType.Int, 1, "Records of a poll; they are a transaction.");

    public override Type TaskType => typeof(MonitorableSourceTask);

    public override bool? SupportsExactlyOnce(IReadOnlyDictionary<string, string> config) => true;

    public override bool DefinesTransactionBoundaries(IReadOnlyDictionary<string, string> config) => true;

    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        _journal = Journal.Open(context.Config, context.Files);
        _journal.Write("connector start");
        return _journal.Shall("connector") ? throw new ConnectException($"The connector shall fail; its secret is {context.Config.FindSecret("secret")}") : Task.CompletedTask;
    }

    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => Journal.Split(_config!, maxTasks);

    /// <summary>Takes any offset but -1 and -2, over which it tells all that it knows.</summary>
    public override ValueTask<bool> AlterOffsetsAsync(
        IReadOnlyDictionary<string, string> config, IReadOnlyList<(IReadOnlyDictionary<string, object?>? Partition, IReadOnlyDictionary<string, object?>? Offset)> offsets, CancellationToken cancellationToken)
    {
        var saved = offsets.Select(o => o.Offset?.GetValueOrDefault("saved") as long?).FirstOrDefault();
        var told = string.Join(' ', config.Values);
        return saved switch
        {
            -1 => throw new ConnectException(told),
            -2 => throw new InvalidOperationException(told),
            _ => new(false),
        };
    }

    public override ValueTask DisposeAsync()
    {
        _journal?.Write("connector stop");
        return base.DisposeAsync();
    }
}

public sealed class MonitorableSourceTask : SourceTask
{
    private ISourceTaskContext _context = null!;
    private Journal? _journal;
    private Dictionary<string, object?> _partition = [];
    private long _next;

    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        _journal = Journal.Open(context.Config, context.Files);
        _journal.Write($"task {context.TaskId} start");
        if (context.Config.FindSecret("secret") is { } secret)
            _journal.Write($"task {context.TaskId} has a secret with hash {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)))}");
        if (_journal.Shall($"start {context.TaskId}"))
            throw new ConnectException("The task shall not start");
        _partition = new() { ["task"] = context.TaskId.ToString(CultureInfo.InvariantCulture) };
        _next = await context.LastOffsetAsync(_partition, cancellationToken) is { } offset ? (long)offset["saved"]! : 0;
    }

    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        if (_journal!.Shall($"task {_context.TaskId}"))
            throw new ConnectException($"The task shall fail; it has {_context.Config.FindSecret("secret")} and {_context.Config.FindString("url")}");
        if (_next >= _context.Config.GetLong("messages"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _context.Time, cancellationToken);
            return [];
        }

        var records = new List<SourceRecord>();
        for (var i = 0; i < _context.Config.GetInt("batch") && _next < _context.Config.GetLong("messages"); i++)
        {
            _next++;
            records.Add(new SourceRecord
            {
                Topic = _context.Config.GetString("topic"),
                Key = $"key-{_context.TaskId}-{_next}",
                Value = $"value-{_context.TaskId}-{_next}",
                Timestamp = 1_790_000_000_000 + _next,
                Headers = [new Header("number", null, _next.ToString(CultureInfo.InvariantCulture))],
                SourcePartition = _partition,
                SourceOffset = new Dictionary<string, object?> { ["saved"] = _next },
            });
        }

        _context.Transaction?.Commit();
        return records;
    }

    public override ValueTask DisposeAsync()
    {
        _journal?.Write($"task {_context.TaskId} stop");
        return base.DisposeAsync();
    }
}
