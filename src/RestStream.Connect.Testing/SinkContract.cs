using RestStream.Connect.Data;
using Xunit;

namespace RestStream.Connect.Testing;

/// <summary>
/// What every sink connector promises. Derive a test class from it, give it a system to write to (set up in the constructor: xunit makes a new instance for each test), and run it with <c>dotnet test</c>:
/// <code>
/// public sealed class AcmeSinkTests : SinkContract
/// {
///     private readonly AcmeServer _acme = AcmeServer.Start();
///     protected override SinkConnector CreateConnector() => new AcmeSinkConnector();
///     protected override IReadOnlyDictionary&lt;string, string&gt; Config => new Dictionary&lt;string, string&gt; { ["url"] = _acme.Url };
///     protected override IEnumerable&lt;(string, string?)&gt; BadConfig => [("url", "no url"), ("url", null)];
///     protected override Task&lt;IReadOnlyList&lt;string&gt;&gt; ReadAsync() => _acme.RowsAsync();
/// }
/// </code>
/// A record below a committed offset is never handed out again; one above it may be, after a crash.
/// </summary>
public abstract class SinkContract : ConnectorContract
{
    private const int RecordsOfAPartition = 12;

    /// <summary>Where the process dies.</summary>
    public enum CrashPoint
    {
        /// <summary>Records were put; the task was not asked to flush.</summary>
        AfterPut,

        /// <summary>The task said what is safe; nothing was committed.</summary>
        AfterFlush,

        /// <summary>What it said was committed.</summary>
        AfterCommit,
    }

    /// <summary>Whether a record that is handed out again arrives once: names or keys are deterministic, or the target keeps the offsets. Default: no; it may arrive once more for each time.</summary>
    protected virtual bool ExactlyOnce => false;

    /// <summary>A new connector, not started.</summary>
    protected abstract SinkConnector CreateConnector();

    /// <summary>The items that arrived, as <see cref="ItemOf"/> tells their records, in the order in which they stand in the system. Called while the task runs, and after a crash.</summary>
    protected abstract Task<IReadOnlyList<string>> ReadAsync();

    /// <summary>The record at a place of a topic. Default: without key, its value a text that names the place. Two different places give different items.</summary>
    protected virtual SinkRecord CreateRecord(TopicPartition partition, long offset) => new()
    {
        Topic = partition.Topic,
        Partition = partition.Partition,
        OriginalTopic = partition.Topic,
        OriginalPartition = partition.Partition,
        Offset = offset,
        Timestamp = 1767225600000 + offset,
        Value = $"{partition}@{offset}",
    };

    /// <summary>Which item a record is. Default: the text of its value.</summary>
    protected virtual string ItemOf(SinkRecord record) => Values.ToText(record.Value);

    /// <summary>
    /// Makes the system unable to take records for a while; it is well again when the answer is disposed. What is put meanwhile must fail with <see cref="RetriableException"/> (in put, or in flush when the task keeps records).
    /// Default: null, the system cannot be made so and the test passes without it.
    /// </summary>
    protected virtual Task<IAsyncDisposable?> BreakAsync() => Task.FromResult<IAsyncDisposable?>(null);

    /// <inheritdoc/>
    protected sealed override Connector NewConnector() => CreateConnector();

    /// <summary>What a task said is safe has arrived, in the order of each partition; empty batches in between change nothing.</summary>
    [Fact]
    public async Task What_was_put_and_flushed_has_arrived_in_order()
    {
        await using var host = NewHost();
        await host.StartAsync();
        await host.PutAsync(0);

        while ((await host.PutAsync(5)).Count > 0)
            await host.FlushAsync();
        await host.FlushAsync();

        var arrived = await ReadAsync();
        foreach (var partition in Partitions)
            Assert.Equal(ItemsOf(partition), arrived.Where(ItemsOf(partition).Contains));
        Assert.Equal(2 * RecordsOfAPartition, arrived.Count);
        Assert.All(Partitions, partition => Assert.Equal(RecordsOfAPartition, host.Committed[partition]));
    }

    /// <summary>A flush answers for the partitions it was asked for, and never more than was put.</summary>
    [Fact]
    public async Task A_flush_never_claims_more_than_was_put()
    {
        await using var host = NewHost();
        await host.StartAsync();
        var put = await host.PutAsync(7);

        var safe = await host.FlushAsync();

        Assert.All(safe, entry => Assert.InRange(entry.Value, 0, put.Count(record => record.OriginalPartition == entry.Key.Partition)));
        Assert.Empty(safe.Keys.Except(Partitions));
    }

    /// <summary>A task that is stopped and started goes on where it was.</summary>
    [Fact]
    public async Task A_restart_loses_and_repeats_nothing()
    {
        await using var host = NewHost();
        do
        {
            await host.StartAsync();
            await host.PutAsync(5);
            await host.StopAsync();
        }
        while (Partitions.Any(partition => host.Committed.GetValueOrDefault(partition) < RecordsOfAPartition));

        Assert.Equal(AllItems.Order(StringComparer.Ordinal), (await ReadAsync()).Order(StringComparer.Ordinal));
    }

    /// <summary>Partitions come and go while the task runs.</summary>
    [Fact]
    public async Task A_partition_that_was_closed_and_opened_again_loses_and_repeats_nothing()
    {
        await using var host = NewHost();
        await host.StartAsync();
        await host.PutAsync(6);

        await host.CloseAsync([Partitions[0]]);
        await host.PutAsync(3);
        await host.OpenAsync([Partitions[0]]);
        await host.PutAsync();
        await host.StopAsync();

        Assert.Equal(AllItems.Order(StringComparer.Ordinal), (await ReadAsync()).Order(StringComparer.Ordinal));
    }

    /// <summary>After a crash everything arrives; what was handed out again at most once more for each time.</summary>
    [Theory]
    [InlineData(CrashPoint.AfterPut)]
    [InlineData(CrashPoint.AfterFlush)]
    [InlineData(CrashPoint.AfterCommit)]
    public async Task A_crash_loses_nothing(CrashPoint point)
    {
        await using var host = NewHost();
        var handedOut = new Dictionary<string, int>();
        for (var crash = 0; crash < 3; crash++)
        {
            await host.StartAsync();
            foreach (var record in await host.PutAsync(5))
                handedOut[ItemOf(record)] = handedOut.GetValueOrDefault(ItemOf(record)) + 1;
            if (point != CrashPoint.AfterPut)
                await host.FlushAsync(commit: point == CrashPoint.AfterCommit);
            await host.CrashAsync(ReleaseAfterCrash);

            // What was committed is there although nobody closed anything.
            var arrived = (await ReadAsync()).ToHashSet();
            Assert.All(host.Committed, entry => Assert.Empty(ItemsOf(entry.Key).Take((int)entry.Value).Except(arrived)));
        }

        await host.StartAsync();
        foreach (var record in await host.PutAsync())
            handedOut[ItemOf(record)] = handedOut.GetValueOrDefault(ItemOf(record)) + 1;
        await host.StopAsync();

        var all = await ReadAsync();
        Assert.Empty(AllItems.Except(all));
        Assert.Empty(all.Except(AllItems));
        Assert.All(all.CountBy(item => item), entry => Assert.InRange(entry.Value, 1, ExactlyOnce ? 1 : handedOut[entry.Key]));
    }

    /// <summary>While the system is away the task asks to be tried again, and claims nothing; then the same records arrive.</summary>
    [Fact]
    public async Task Records_that_could_not_be_written_arrive_when_they_are_handed_out_again()
    {
        await using var host = NewHost();
        await host.StartAsync();
        await using (var broken = await BreakAsync())
        {
            if (broken is null)
                return;
            await Assert.ThrowsAnyAsync<RetriableException>(async () =>
            {
                await host.PutAsync(5);
                await host.FlushAsync();
            }).WaitAsync(Patience);
        }

        Assert.DoesNotContain(host.Committed, entry => entry.Value > 0);
        while ((await host.PutAsync(5)).Count > 0)
            await host.FlushAsync();
        await host.FlushAsync();

        Assert.Empty(AllItems.Except(await ReadAsync()));
        Assert.All(Partitions, partition => Assert.Equal(RecordsOfAPartition, host.Committed[partition]));
    }

    /// <summary>A put whose token is cancelled ends soon; what it left undone arrives when it is handed out again.</summary>
    [Fact]
    public async Task A_put_that_is_cancelled_ends_and_its_records_arrive_later()
    {
        await using var host = NewHost();
        await host.StartAsync();
        try
        {
            await host.PutAsync(5, new CancellationToken(canceled: true)).WaitAsync(Patience);
        }
        catch (OperationCanceledException)
        {
        }

        await host.CrashAsync(ReleaseAfterCrash);
        await host.StartAsync();
        await host.PutAsync();
        await host.StopAsync();

        Assert.Empty(AllItems.Except(await ReadAsync()));
    }

    /// <summary>A start that fails in the middle leaves a task that can be disposed; so does one that was never given a partition.</summary>
    [Fact]
    public async Task A_task_that_got_nothing_is_disposed_without_error()
    {
        await using var host = new SinkHost(CreateConnector, Config, Worker);
        await host.StartAsync();
        await host.PutAsync();

        await host.StopAsync();

        Assert.Empty(await ReadAsync());
    }

    private static IReadOnlyList<TopicPartition> Partitions { get; } = [new("contract", 0), new("contract", 1)];

    private IEnumerable<string> AllItems => Partitions.SelectMany(ItemsOf);

    private List<string> ItemsOf(TopicPartition partition) => [.. Enumerable.Range(0, RecordsOfAPartition).Select(offset => ItemOf(CreateRecord(partition, offset)))];

    private SinkHost NewHost()
    {
        var host = new SinkHost(CreateConnector, Config, Worker);
        host.Produce(Partitions.SelectMany(partition => Enumerable.Range(0, RecordsOfAPartition).Select(offset => CreateRecord(partition, offset))));
        return host;
    }
}
