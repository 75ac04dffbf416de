using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Tasks;

/// <summary>What plugins register on their tokens may throw, or never come back: it holds up nobody.</summary>
public sealed class CancellationTests : IDisposable
{
    private static readonly Dictionary<string, string> s_topic = new() { ["topics"] = "in" };
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly ManualResetEventSlim _never = new();

    public void Dispose()
    {
        _never.Set();
        _never.Dispose();
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("throws")]
    public async Task A_source_whose_callback_harms_is_stopped_in_its_time_and_closed(string harm)
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 10, BeforePoll = (_, token) => Register(harm, token) };
        var run = worker.Run<CountingSource>(script, new() { ["test.secret"] = "canary" });
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 10 && script.Calls.Count == 2, "the poll that waits for news");

        Assert.True(await run.Task.StopAsync(s_limit).WaitAsync(s_limit));

        Assert.Equal(1, script.Disposed);
        Assert.Equal([WorkState.Running], run.States);
        await AssertToldAsync(harm, run);
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("throws")]
    public async Task A_source_that_fails_and_whose_callback_harms_is_failed_and_closed(string harm)
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { BeforePoll = (n, token) => n == 1 ? Register(harm, token) : throw new ConnectException("It fails") };
        var run = worker.Run<CountingSource>(script);

        await TestWorker.UntilAsync(() => run.Failure is not null, "its failure");

        Assert.Contains("It fails", run.Failure!.Trace);
        Assert.Equal(1, script.Disposed);
        Assert.True(await run.Task.StopAsync(s_limit).WaitAsync(s_limit));
    }

    [Fact]
    public async Task A_sink_that_fails_and_blocks_in_its_end_is_failed_and_leaves_its_group()
    {
        await using var worker = await TestWorker.StartAsync(options: o => o.TaskShutdownTimeout = TimeSpan.FromMilliseconds(1));
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var script = new SinkScript { BeforePut = (_, _, _) => throw new ConnectException("It fails"), Ending = () => _never.Wait(CancellationToken.None) };
        var run = worker.Run<RememberingSink>(script, s_topic);

        await TestWorker.UntilAsync(() => run.Failure is not null && worker.Broker.DescribeGroup("connect-c").Members.Count == 0, "its failure and its leave");

        Assert.Contains("It fails", run.Failure!.Trace);
        await run.Task.StopAsync(s_limit).WaitAsync(s_limit);
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("throws")]
    public async Task A_sink_whose_callback_harms_leaves_its_group_when_it_is_stopped(string harm)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        SinkScript script = new() { Started = token => Register(harm, token) }, next = new();
        var run = worker.Run<RememberingSink>(script, new(s_topic) { ["test.secret"] = "canary" });
        await TestWorker.UntilAsync(() => script.Put.Count == 1, "its record");

        Assert.True(await run.Task.StopAsync(s_limit).WaitAsync(s_limit));

        Assert.Equal(1, script.Disposed);
        await AssertToldAsync(harm, run);
        Assert.Empty(worker.Broker.DescribeGroup("connect-c").Members);
        worker.Run<RememberingSink>(next, s_topic);
        await worker.ProduceAsync("in", 0, "b");
        await TestWorker.UntilAsync(() => next.Put.Count == 1, "the record behind the commit at its successor");
        Assert.Equal(["b"], next.Values);
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("throws")]
    public async Task A_sink_that_hangs_and_whose_callback_harms_is_left_behind_when_its_time_is_over(string harm)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a");
        var hang = new TaskCompletionSource();
        SinkScript next = new(), script = new()
        {
            BeforePut = async (_, _, token) =>
            {
                await Register(harm, token);
                await hang.Task;
            },
        };
        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => _registered == 1, "its record");

        Assert.False(await run.Task.StopAsync(TimeSpan.FromMilliseconds(1)).WaitAsync(s_limit));

        worker.Run<RememberingSink>(next, s_topic);
        await TestWorker.UntilAsync(() => next.Put.Count == 1, "the record at its successor");
        hang.SetResult();
        await TestWorker.UntilAsync(() => script.Disposed == 1, "the end of the one that hung");
    }

    private volatile int _registered;

    private Task Register(string harm, CancellationToken token)
    {
        token.Register(() =>
        {
            if (harm == "throws")
                throw new InvalidOperationException("It throws its canary");
            _never.Wait(CancellationToken.None);
        });
        Interlocked.Increment(ref _registered);
        return Task.CompletedTask;
    }

    /// <summary>What was thrown is told, without secrets.</summary>
    private static async Task AssertToldAsync(string harm, TestRun run)
    {
        if (harm == "blocks")
            return;
        await TestWorker.UntilAsync(() => run.Task.Warning.Value?.Message.Contains("cancellation token", StringComparison.Ordinal) == true, "the warning");
        Assert.Contains("It throws its [hidden]", run.Task.Warning.Value!.Message);
    }
}
