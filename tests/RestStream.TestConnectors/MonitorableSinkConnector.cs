using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>Kafka's MonitorableSinkConnector: writes what it gets to a file, and tells when it is started and stopped.</summary>
[Plugin("test.MonitorableSinkConnector")]
public sealed class MonitorableSinkConnector : SinkConnector
{
    private ConfigValues? _config;
    private Journal? _journal;

    public override ConfigDef Config { get; } = Journal.Keys()
        .Optional("output", ConfigType.String, null, "File that gets a line for each record.")
        .Optional("bad", ConfigType.String, null, "A value that cannot be delivered.")
        .Optional("report", ConfigType.Boolean, false, "Whether the bad value is reported by the task, which goes on; else it is thrown.");

    public override Type TaskType => typeof(MonitorableSinkTask);

    public override Task StartAsync(IConnectorContext context, CancellationToken cancellationToken)
    {
        _config = context.Config;
        _journal = Journal.Open(context.Config, context.Files);
        _journal.Write("connector start");
        return _journal.Shall("connector") ? throw new ConnectException("The connector shall fail") : Task.CompletedTask;
    }

    public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => Journal.Split(_config!, maxTasks);

    public override ValueTask DisposeAsync()
    {
        _journal?.Write("connector stop");
        return base.DisposeAsync();
    }
}

public sealed class MonitorableSinkTask : SinkTask
{
    private ISinkTaskContext _context = null!;
    private Journal? _journal;
    private string? _output;

    public override Task StartAsync(ISinkTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        _journal = Journal.Open(context.Config, context.Files);
        _journal.Write($"task {context.TaskId} start");
        _output = context.Config.FindString("output") is { } output ? context.Files.Resolve(output) : null;
        return _journal.Shall($"start {context.TaskId}") ? throw new ConnectException("The task shall not start") : Task.CompletedTask;
    }

    public override async Task PutAsync(IReadOnlyList<SinkRecord> records, CancellationToken cancellationToken)
    {
        if (_journal!.Shall($"task {_context.TaskId}"))
            throw new ConnectException("The task shall fail");

        // Deliberately deaf to its token, as a connector that hangs in a driver is.
        if (_journal.Shall($"hang {_context.TaskId}"))
            _journal.Write($"task {_context.TaskId} hangs");
        while (_journal.Shall($"hang {_context.TaskId}"))
            await Task.Delay(TimeSpan.FromMilliseconds(20), _context.Time, CancellationToken.None);
        foreach (var record in records)
        {
            if (_context.Config.FindString("bad") is { } bad && bad.Equals(record.Value))
            {
                var error = new RecordException(record, "This value is bad");
                if (!_context.Config.GetBoolean("report"))
                    throw error;
                await _context.ReportAsync(record, error);
                continue;
            }

            if (_output is not null)
            {
                var headers = string.Join(',', record.Headers.Select(h => $"{h.Key}={h.Value}"));
                await File.AppendAllTextAsync(_output, $"{record.Topic} {record.Partition} {record.Offset} {record.Value} {record.Timestamp} {headers}\n", cancellationToken);
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _journal?.Write($"task {_context.TaskId} stop");
        return base.DisposeAsync();
    }
}
