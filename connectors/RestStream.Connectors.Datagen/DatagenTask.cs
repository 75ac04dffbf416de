using RestStream.Connect;
using RestStream.Connect.Data;

namespace RestStream.Connectors.Datagen;

/// <summary>Record n of a task depends on seed, task and n alone; the offset is n. So a restart goes on with the record that comes next, with the content that it would have had.</summary>
public sealed class DatagenTask : SourceTask
{
    // Large enough that a poll costs nothing beside its records, small enough to be kept twice.
    private const int BatchSize = 2000;

    // After a pause the records that fell into it are not made up for, beyond this.
    private static readonly TimeSpan s_mostToCatchUp = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_whenDone = TimeSpan.FromSeconds(1);

    private readonly Draw _draw = new();
    private ISourceTaskContext _context = null!;
    private Func<Draw, Struct> _make = null!;
    private Schema _schema = null!;
    private Field _key = null!;
    private string _topic = null!;
    private long _seed;
    private long _next;
    private long _end;
    private double? _rate;
    private long _maxInterval;
    private DateTimeOffset _due;
    private Dictionary<string, object?> _partition = null!;

    /// <inheritdoc/>
    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _context = context;
        var config = context.Config;
        _topic = config.GetString(DatagenConnector.TopicKey);
        _seed = config[DatagenConnector.SeedKey] as long? ?? SeedOf(context.ConnectorName);
        var quickstart = Quickstarts.All[config.GetString(DatagenConnector.QuickstartKey)];
        _schema = quickstart.Schema;
        var keyField = config.FindString(DatagenConnector.KeyFieldKey) is { Length: > 0 } configured ? configured : quickstart.KeyField;
        _key = _schema.Field(keyField) ?? throw new FatalException($"{quickstart.Name} has no field '{keyField}' ({DatagenConnector.KeyFieldKey}).");
        _make = quickstart.Maker(new Pools(_seed));
        _rate = config[DatagenConnector.RateKey] as double?;
        _maxInterval = config.GetLong(DatagenConnector.MaxIntervalKey);
        var iterations = config.GetInt(DatagenConnector.IterationsKey);
        _end = iterations < 1 ? long.MaxValue : iterations;
        _partition = new() { [DatagenConnector.TaskField] = (long)context.TaskId };
        _next = (await context.LastOffsetAsync(_partition, cancellationToken))?.GetValueOrDefault(DatagenConnector.IterationField) as long? ?? 0;
        _due = context.Time.GetUtcNow();
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_next >= _end)
        {
            await Task.Delay(s_whenDone, _context.Time, cancellationToken);
            return [];
        }

        if (_rate is null && _maxInterval == 0)
            return Make((int)Math.Min(BatchSize, _end - _next));

        var now = _context.Time.GetUtcNow();
        if (_due > now)
        {
            await Task.Delay(_due - now, _context.Time, cancellationToken);
            now = _context.Time.GetUtcNow();
        }

        if (_due < now - s_mostToCatchUp)
            _due = now - s_mostToCatchUp;
        var count = 0;
        for (; count < BatchSize && _next + count < _end && _due <= now; count++)
            _due += Pause(_next + count);
        return Make(count);
    }

    private SourceRecord[] Make(int count)
    {
        var records = new SourceRecord[count];
        for (var i = 0; i < count; i++)
        {
            _draw.Begin(_seed, _context.TaskId, _next++);
            var value = _make(_draw);
            records[i] = new SourceRecord
            {
                Topic = _topic,
                KeySchema = _key.Schema,
                Key = value[_key],
                ValueSchema = _schema,
                Value = value,
                SourcePartition = _partition,
                SourceOffset = new Dictionary<string, object?>(1) { [DatagenConnector.IterationField] = _next },
            };
        }

        return records;
    }

    /// <summary>The time from this record to the next.</summary>
    private TimeSpan Pause(long iteration)
    {
        if (_rate is { } rate)
            return TimeSpan.FromSeconds(1 / rate);
        _draw.Begin(~_seed, _context.TaskId, iteration);
        return TimeSpan.FromMilliseconds(_draw.Between(0, _maxInterval));
    }

    private static long SeedOf(string name) => name.Aggregate(1L, (hash, c) => (hash * 31) + c);
}
