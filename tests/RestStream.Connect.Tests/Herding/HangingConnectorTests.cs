using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

public class HangingConnectorTests
{
    [Fact]
    public async Task A_connector_that_hangs_in_its_start_holds_up_nobody_and_says_so_after_its_time()
    {
        await using var worker = await TestWorker.StartAsync();
        var never = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        worker.Plugins.OnStart = (context, _) => context.Name == "hangs" ? Enter(entered, never.Task) : Task.CompletedTask;

        await worker.Herder.CreateAsync("hangs", TestWorker.Config(), TargetState.Started, default);
        await entered.Task;
        await worker.CreateAsync("other");

        Assert.Equal("UNASSIGNED []", worker.States("hangs"));
        Assert.Equal("RUNNING [RUNNING]", worker.States("other"));
        await AdvanceUntilAsync(worker, () => worker.States("hangs") == "FAILED []");
        var status = worker.Herder.Status("hangs").Connector;
        Assert.Contains("did not come back from StartAsync within 90 s", status.Trace);
        Assert.Equal("HANGS", status.Details!.Error!.Code);

        // The policy does not pile up calls that hang.
        Assert.Equal(1, worker.Plugins.Starts("hangs"));
        worker.Clock.Advance(TimeSpan.FromMinutes(10));
        await worker.Herder.SettledAsync("hangs");
        Assert.Equal(1, worker.Plugins.Starts("hangs"));

        // It comes back at last: closed once, and started again.
        worker.Plugins.OnStart = (_, _) => Task.CompletedTask;
        never.SetResult();
        await AdvanceUntilAsync(worker, () => worker.States("hangs") == "RUNNING [RUNNING]");
        Assert.Equal(1, worker.Plugins.Open["hangs"]);
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("put")]
    [InlineData("delete")]
    public async Task What_is_wanted_now_interrupts_a_start_that_takes_long(string what)
    {
        await using var worker = await TestWorker.StartAsync();
        var entered = new TaskCompletionSource();
        worker.Plugins.OnStart = (context, token) => context.Config.Originals.ContainsKey("quick") ? Task.CompletedTask : Enter(entered, Task.Delay(Timeout.Infinite, token));
        await worker.Herder.CreateAsync("c", TestWorker.Config(), TargetState.Started, default);
        await entered.Task;

        switch (what)
        {
            case "stop":
                await worker.SetAsync("c", TargetState.Stopped);
                Assert.Equal("STOPPED []", worker.States("c"));
                break;
            case "put":
                await worker.PutAsync("c", ("quick", "yes"));
                Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
                break;
            default:
                await worker.Herder.DeleteAsync("c", default);
                await worker.Herder.SettledAsync("c");
                Assert.Null(worker.Statuses.Connector("c"));
                break;
        }

        Assert.Equal(what == "put" ? 1 : 0, worker.Plugins.Open["c"]);
    }

    [Fact]
    public async Task A_connector_that_hangs_everywhere_does_not_hold_up_the_stop_of_the_worker()
    {
        await using var worker = await TestWorker.StartAsync();
        using var never = new ManualResetEventSlim();
        var entered = new TaskCompletionSource();
        worker.Plugins.OnDispose = _ =>
        {
            entered.TrySetResult();
            never.Wait();
            return Task.CompletedTask;
        };
        await worker.CreateAsync("c");

        var stopped = worker.Herder.DisposeAsync().AsTask();
        await entered.Task;
        await AdvanceUntilAsync(worker, () => stopped.IsCompleted);

        await stopped;
        Assert.Equal(WorkState.Unassigned, worker.Statuses.Connector("c")!.State);
        never.Set();
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("throws")]
    public async Task A_connector_whose_callback_harms_is_interrupted_all_the_same(string harm)
    {
        // So long that only the interruption ends it.
        await using var worker = await TestWorker.StartAsync(w => w.Options.RequestTimeout = TimeSpan.FromDays(40));
        using var never = new ManualResetEventSlim();
        var (goOn, registered) = (new TaskCompletionSource(), new TaskCompletionSource());
        worker.Plugins.OnStart = async (_, token) =>
        {
            await goOn.Task;
            token.Register(() =>
            {
                if (harm == "throws")
                    throw new InvalidOperationException("It throws");
                never.Wait(CancellationToken.None);
            });
            registered.SetResult();
            await new TaskCompletionSource().Task;
        };
        await worker.Herder.CreateAsync("c", TestWorker.Config(), TargetState.Started, default);

        // The worker's own wait, a timer of it, has begun: callbacks run last in, first out.
        await AdvanceUntilAsync(worker, () => worker.Plugins.Starts("c") == 1 && worker.Clock.ArmedTimers > 0);
        goOn.SetResult();
        await registered.Task;
        await worker.Herder.SetTargetStateAsync("c", TargetState.Stopped, default);
        await AdvanceUntilAsync(worker, () => worker.States("c") == "STOPPED []");
        never.Set();
    }

    [Fact]
    public async Task A_task_that_does_not_end_in_time_is_left_behind_and_a_new_one_runs()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnTaskStop = _ => false;
        await worker.CreateAsync("c");

        await worker.Herder.RestartTaskAsync("c", 0, default);
        var old = worker.Plugins.TaskOf("c", 0);
        await worker.Herder.RestartTaskAsync("c", 0, default);
        old.Fail(new ConnectException("too late"));

        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
        worker.Plugins.OnTaskStop = _ => true;
    }

    private static Task Enter(TaskCompletionSource entered, Task then)
    {
        entered.TrySetResult();
        return then;
    }

    /// <summary>The waits of the worker begin on other threads: time goes on until it is so.</summary>
    internal static async Task AdvanceUntilAsync(TestWorker worker, Func<bool> isSo)
    {
        for (var i = 0; i < 100_000 && !isSo(); i++)
        {
            worker.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }

        Assert.True(isSo());
    }
}
