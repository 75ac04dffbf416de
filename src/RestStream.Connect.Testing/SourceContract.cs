using RestStream.Connect.Data;
using Xunit;

namespace RestStream.Connect.Testing;

/// <summary>
/// What every source connector promises. Derive a test class from it, give it a system to read from (set up in the constructor: xunit makes a new instance for each test), and run it with <c>dotnet test</c>:
/// <code>
/// public sealed class AcmeSourceTests : SourceContract
/// {
///     private readonly AcmeServer _acme = AcmeServer.Start();
///     protected override SourceConnector CreateConnector() => new AcmeSourceConnector();
///     protected override IReadOnlyDictionary&lt;string, string&gt; Config => new Dictionary&lt;string, string&gt; { ["url"] = _acme.Url, ["topic"] = "t" };
///     protected override IEnumerable&lt;(string, string?)&gt; BadConfig => [("url", "no url"), ("topic", null)];
///     protected override Task&lt;IReadOnlyList&lt;string&gt;&gt; FillAsync() => _acme.InsertAsync("a", "b", "c", "d", "e");
/// }
/// </code>
/// The worker appends records and their source offsets as one step, so a source that resumes by its offsets delivers each record once, whatever dies when.
/// </summary>
public abstract class SourceContract : ConnectorContract
{
    /// <summary>Where the process dies.</summary>
    public enum CrashPoint
    {
        /// <summary>Records were polled; nothing of them is in the log.</summary>
        AfterPoll,

        /// <summary>The first record of a poll is in the log, with its offset; the others are not.</summary>
        AfterTheFirstRecordOfAPoll,

        /// <summary>Records and offsets are in the log; the task was not told.</summary>
        AfterAppend,

        /// <summary>The task was told.</summary>
        AfterCommitted,
    }

    /// <summary>
    /// How often a record may be in the log more than once, over all crashes of a test. Default 0. More for a system that cannot be asked for a place again (a queue that hands out again what was not acknowledged).
    /// </summary>
    protected virtual int MaxDuplicates => 0;

    /// <summary>A new connector, not started.</summary>
    protected abstract SourceConnector CreateConnector();

    /// <summary>Puts at least three items into the system, and answers them in order as <see cref="ItemOf"/> tells their records, each different. Called once.</summary>
    protected abstract Task<IReadOnlyList<string>> FillAsync();

    /// <summary>Which item a record is. Default: the text of its value.</summary>
    protected virtual string ItemOf(SourceRecord record) => Values.ToText(record.Value);

    /// <inheritdoc/>
    protected sealed override Connector NewConnector() => CreateConnector();

    /// <summary>All that is there is read, in the order of the source.</summary>
    [Fact]
    public async Task What_is_there_is_read_in_order()
    {
        var items = await FillAsync();
        await using var host = NewHost();

        await host.StartAsync();
        await host.RunAsync(items.Count);

        AssertDelivered(items, host);
        Assert.Equal(items, host.Log.Select(ItemOf));
    }

    /// <summary>A source waits for what comes.</summary>
    [Fact]
    public async Task What_comes_while_it_runs_is_read()
    {
        await using var host = NewHost();
        await host.StartAsync();

        var items = await FillAsync();
        await host.RunAsync(items.Count);

        AssertDelivered(items, host);
    }

    /// <summary>A stop and a start between any two polls lose and repeat nothing.</summary>
    [Fact]
    public async Task A_restart_between_polls_loses_and_repeats_nothing()
    {
        var items = await FillAsync();
        await using var host = NewHost();

        while (host.Log.Count < items.Count)
        {
            await host.StartAsync();
            if ((await host.PollAsync()).Count == 0)
                break;
            host.Append();
            await host.CommitAsync();
            await host.StopAsync();
        }

        AssertDelivered(items, host);
    }

    /// <summary>A crash loses nothing and repeats at most <see cref="MaxDuplicates"/>, wherever it is.</summary>
    [Theory]
    [InlineData(CrashPoint.AfterPoll)]
    [InlineData(CrashPoint.AfterTheFirstRecordOfAPoll)]
    [InlineData(CrashPoint.AfterAppend)]
    [InlineData(CrashPoint.AfterCommitted)]
    public async Task A_crash_loses_nothing(CrashPoint point)
    {
        var items = await FillAsync();
        await using var host = NewHost();

        // The process dies at that point for as long as anything moves, then the rest is read in peace.
        for (var crash = 0; crash < items.Count; crash++)
        {
            await host.StartAsync();
            var polled = await host.PollAsync();
            if (point == CrashPoint.AfterTheFirstRecordOfAPoll)
                host.Append(1);
            if (point is CrashPoint.AfterAppend or CrashPoint.AfterCommitted)
                host.Append();
            if (point == CrashPoint.AfterCommitted)
                await host.CommitAsync();
            await host.CrashAsync(ReleaseAfterCrash);
            if (polled.Count == 0 || Missing() == 0)
                break;
        }

        if (Missing() > 0)
        {
            await host.StartAsync();
            while (Missing() > 0 && host.Log.Count <= items.Count + MaxDuplicates && (await host.PollAsync()).Count > 0)
            {
                host.Append();
                await host.CommitAsync();
            }
        }

        AssertDelivered(items, host);

        // Not by the length of the log: what a crash repeats is in it twice.
        int Missing() => items.Except(host.Log.Select(ItemOf)).Count();
    }

    /// <summary>After a crash right before the end nothing of what was read is read again.</summary>
    [Fact]
    public async Task A_start_behind_the_last_record_reads_nothing_again()
    {
        var items = await FillAsync();
        await using var host = new SourceHost(CreateConnector, Config, Worker) { Patience = TimeSpan.FromSeconds(1) };
        await host.StartAsync();

        // The patience of this host is for what does not come; what does may take a slow machine longer.
        for (var tries = 0; tries < 10 && host.Log.Count < items.Count; tries++)
            await host.RunAsync(items.Count);
        await host.CrashAsync(ReleaseAfterCrash);

        await host.StartAsync();
        await host.RunAsync(items.Count + 1);

        Assert.InRange(host.Log.Count, items.Count, items.Count + MaxDuplicates);
    }

    /// <summary>A poll whose token is cancelled ends soon, by returning or by <see cref="OperationCanceledException"/>; the task can be disposed then.</summary>
    [Fact]
    public async Task A_poll_that_is_cancelled_ends()
    {
        await using var connector = CreateConnector();
        await using var task = (SourceTask)NewTask(connector);
        await task.StartAsync(new OffsetsOnly(Worker, TestConfig.Parse(connector.Config, Config), offsets: new SourceOffsets()), default);
        using var stop = new CancellationTokenSource();

        var poll = Task.Run(() => task.PollAsync(stop.Token).AsTask());
        await stop.CancelAsync();

        try
        {
            await poll.WaitAsync(Patience);
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Partitions and offsets of records can be stored: strings, numbers, booleans.</summary>
    [Fact]
    public async Task Every_record_says_where_it_stood()
    {
        var items = await FillAsync();
        await using var host = NewHost();
        await host.StartAsync();

        await host.RunAsync(items.Count);

        Assert.All(host.Log, record => Assert.NotEmpty(record.SourcePartition));
        Assert.All(host.Log, record => Assert.NotEmpty(record.SourceOffset));
        Assert.All(host.Log, record => Assert.False(string.IsNullOrEmpty(record.Topic)));
        Assert.NotEmpty(host.Offsets);
    }

    /// <summary>A start that fails in the middle (the worker cannot read offsets) leaves a task that can be disposed.</summary>
    [Fact]
    public async Task A_task_whose_start_failed_is_disposed_without_error()
    {
        await using var connector = CreateConnector();
        var task = (SourceTask)NewTask(connector);
        try
        {
            await task.StartAsync(new OffsetsOnly(Worker, TestConfig.Parse(connector.Config, Config), offsets: null), default).WaitAsync(Patience);
        }
        catch (ConnectException)
        {
            // A source that asks for no offset starts; both are disposed.
        }

        await task.DisposeAsync();
    }

    private SourceHost NewHost() => new(CreateConnector, Config, Worker) { Patience = Patience };

    private void AssertDelivered(IReadOnlyList<string> items, SourceHost host)
    {
        var delivered = host.Log.Select(ItemOf).ToList();
        Assert.Empty(items.Except(delivered));
        Assert.Empty(delivered.Except(items));
        Assert.InRange(delivered.Count, items.Count, items.Count + MaxDuplicates);
    }

    /// <summary>A context for a task alone; without offsets every question for them fails.</summary>
    private sealed class OffsetsOnly(TestWorker worker, Config.ConfigValues config, SourceOffsets? offsets) : TaskSide(worker, 0, config), ISourceTaskContext
    {
        public ITransactionBoundaries? Transaction => null;

        public ValueTask<IReadOnlyDictionary<string, object?>?> LastOffsetAsync(IReadOnlyDictionary<string, object?> partition, CancellationToken cancellationToken) =>
            offsets is null ? throw new ConnectException("The offsets cannot be read.") : new(offsets.Find(partition));

        public ValueTask<IReadOnlyList<IReadOnlyDictionary<string, object?>?>> LastOffsetsAsync(IReadOnlyList<IReadOnlyDictionary<string, object?>> partitions, CancellationToken cancellationToken) =>
            offsets is null ? throw new ConnectException("The offsets cannot be read.") : new([.. partitions.Select(offsets.Find)]);

        public IDisposable OpenHook(string name, Func<HookRequest, CancellationToken, Task<HookResponse>> handler) =>
            offsets is null ? throw new ConnectException("The hook is taken.") : Worker.OpenHook(name, handler);
    }
}
