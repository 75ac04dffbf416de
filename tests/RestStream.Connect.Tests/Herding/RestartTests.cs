using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

public class RestartTests
{
    /// <summary>A connector with three tasks, of which the second failed, and with a connector that failed or not.</summary>
    [Theory]
    [InlineData(false, false, false, "null", 1, 0, 0)]
    [InlineData(true, false, false, "null", 1, 0, 0)]
    [InlineData(false, true, false, "RESTARTING [RESTARTING, RESTARTING, RESTARTING]", 1, 1, 1)]
    [InlineData(true, true, false, "RESTARTING [RESTARTING, RESTARTING, RESTARTING]", 1, 1, 1)]
    [InlineData(false, false, true, "RUNNING [RUNNING, FAILED, RUNNING]", 0, 0, 0)]
    [InlineData(true, false, true, "RESTARTING [RUNNING, FAILED, RUNNING]", 1, 0, 0)]
    [InlineData(false, true, true, "RUNNING [RUNNING, RESTARTING, RUNNING]", 0, 1, 0)]
    [InlineData(true, true, true, "RESTARTING [RUNNING, RESTARTING, RUNNING]", 1, 1, 0)]
    public async Task Exactly_the_chosen_ones_are_restarted(
        bool connectorFailed, bool includeTasks, bool onlyFailed, string answer, int connectorStarts, int failedTaskStarts, int otherTaskStarts)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Started, ("tasks", "3"), ("restart.policy", "never"));
        worker.Plugins.TaskOf("c", 1).Fail(new ConnectException("broken"));
        if (connectorFailed)
            worker.Plugins.Contexts["c"].Fail(new ConnectException("broken too"));
        await worker.Herder.SettledAsync("c");
        var starts = new[] { "c", "c-0", "c-1" }.Select(worker.Plugins.Starts).ToArray();

        var status = await worker.Herder.RestartAsync("c", includeTasks, onlyFailed, default);
        await worker.Herder.SettledAsync("c");

        Assert.Equal(answer, status is null ? "null" : $"{status.Connector.State} [{string.Join(", ", status.Tasks.Select(t => t.State))}]");
        if (status?.Tasks[1].State == "RESTARTING")
            Assert.Contains("broken", status.Tasks[1].Trace);
        Assert.Equal(connectorStarts, worker.Plugins.Starts("c") - starts[0]);
        Assert.Equal(otherTaskStarts, worker.Plugins.Starts("c-0") - starts[1]);
        Assert.Equal(failedTaskStarts, worker.Plugins.Starts("c-1") - starts[2]);
        Assert.DoesNotContain("RESTARTING", worker.States("c"));
        Assert.Equal(failedTaskStarts == 1, worker.Herder.TaskStatus("c", 1).State == "RUNNING");
    }

    [Theory]
    [InlineData("Paused", "PAUSED [PAUSED]")]
    [InlineData("Stopped", "STOPPED []")]
    public async Task A_paused_or_stopped_connector_is_so_again_after_a_restart(string target, string states)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        await worker.SetAsync("c", Enum.Parse<TargetState>(target));

        Assert.Null(await worker.Herder.RestartAsync("c", includeTasks: false, onlyFailed: false, default));
        await worker.Herder.SettledAsync("c");
        Assert.Equal(states, worker.States("c"));
        var status = await worker.Herder.RestartAsync("c", includeTasks: true, onlyFailed: false, default);
        Assert.Equal("RESTARTING", status!.Connector.State);
        await worker.Herder.SettledAsync("c");
        Assert.Equal(states, worker.States("c"));
    }

    [Fact]
    public async Task One_task_is_restarted_alone()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));

        await worker.Herder.RestartTaskAsync("c", 1, default);

        Assert.Equal((1, 1, 2), (worker.Plugins.Starts("c"), worker.Plugins.Starts("c-0"), worker.Plugins.Starts("c-1")));
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_restart_that_fails_says_so()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        worker.Plugins.OnStart = (_, _) => throw new ConnectException("still not there");

        var refused = await Assert.ThrowsAsync<ConnectRequestException>(() => worker.Herder.RestartAsync("c", includeTasks: false, onlyFailed: false, default));

        Assert.Equal((500, "Failed to start connector: c"), (refused.Status, refused.Message));
        Assert.Equal("FAILED [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_failed_task_is_started_again_after_one_second_then_twice_as_long_up_to_ten_minutes()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        worker.Plugins.OnTaskStart = _ => throw new ConnectException("still broken");
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("broken"));

        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600 })
        {
            var status = worker.Herder.TaskStatus("c", 0);
            Assert.Equal("FAILED", status.State);
            Assert.Equal(worker.Clock.GetUtcNow().AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"), status.Details!.NextRestart);
            var starts = worker.Plugins.Starts("c-0");
            worker.Clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            await worker.Herder.SettledAsync("c");
            Assert.Equal(starts, worker.Plugins.Starts("c-0"));

            worker.Clock.Advance(TimeSpan.FromMilliseconds(1));
            await worker.Herder.SettledAsync("c");
            Assert.Equal(starts + 1, worker.Plugins.Starts("c-0"));
        }

        worker.Plugins.OnTaskStart = _ => { };
        worker.Clock.Advance(TimeSpan.FromMinutes(10));
        await worker.Herder.SettledAsync("c");
        var running = worker.Herder.TaskStatus("c", 0);
        Assert.Equal(("RUNNING", (string?)null, 13), (running.State, running.Details!.NextRestart, running.Details.RestartCount));

        // Not healthy for long enough: where it was.
        worker.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("again"));
        worker.Clock.Advance(TimeSpan.FromMinutes(9));
        await worker.Herder.SettledAsync("c");
        Assert.Equal("FAILED", worker.Herder.TaskStatus("c", 0).State);
        worker.Clock.Advance(TimeSpan.FromMinutes(1));
        await worker.Herder.SettledAsync("c");
        Assert.Equal("RUNNING", worker.Herder.TaskStatus("c", 0).State);

        worker.Clock.Advance(TimeSpan.FromMinutes(5));
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("once more"));
        worker.Clock.Advance(TimeSpan.FromSeconds(1));
        await worker.Herder.SettledAsync("c");
        Assert.Equal("RUNNING", worker.Herder.TaskStatus("c", 0).State);
    }

    [Fact]
    public async Task The_pauses_are_those_of_the_configuration()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: [("restart.backoff.initial.ms", "500"), ("restart.backoff.max.ms", "1500"), ("restart.healthy.ms", "10000")]);
        worker.Plugins.OnTaskStart = _ => throw new ConnectException("still broken");
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("broken"));

        foreach (var milliseconds in new[] { 500, 1000, 1500, 1500 })
        {
            Assert.Equal(worker.Clock.GetUtcNow().AddMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"), worker.Herder.TaskStatus("c", 0).Details!.NextRestart);
            worker.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
            await worker.Herder.SettledAsync("c");
        }

        worker.Plugins.OnTaskStart = _ => { };
        worker.Clock.Advance(TimeSpan.FromMilliseconds(1500));
        await worker.Herder.SettledAsync("c");
        worker.Clock.Advance(TimeSpan.FromSeconds(10));
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("again"));

        Assert.Equal(worker.Clock.GetUtcNow().AddMilliseconds(500).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"), worker.Herder.TaskStatus("c", 0).Details!.NextRestart);
    }

    [Fact]
    public async Task A_failed_connector_is_started_again_too()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnStart = (_, _) => throw new ConnectException("not there yet");
        await worker.CreateAsync("c");
        Assert.NotNull(worker.Herder.Status("c").Connector.Details!.NextRestart);

        worker.Clock.Advance(TimeSpan.FromSeconds(1));
        await worker.Herder.SettledAsync("c");
        Assert.Equal((2, "FAILED []"), (worker.Plugins.Starts("c"), worker.States("c")));
        worker.Plugins.OnStart = (_, _) => Task.CompletedTask;
        worker.Clock.Advance(TimeSpan.FromSeconds(2));
        await worker.Herder.SettledAsync("c");

        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
        Assert.Equal(2, worker.Herder.Status("c").Connector.Details!.RestartCount);
    }

    [Theory]
    [InlineData("never", false)]
    [InlineData("on-failure", true)]
    public async Task With_the_policy_never_or_a_fatal_error_nothing_is_started_again(string policy, bool fatal)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Started, ("restart.policy", policy), ("tasks", "2"));
        Exception error = fatal ? new ConnectException("wrapped", new FatalException("the table is gone")) : new ConnectException("broken");

        worker.Plugins.TaskOf("c", 0).Fail(error);
        worker.Plugins.Contexts["c"].Fail(error);
        await worker.Herder.SettledAsync("c");
        worker.Clock.Advance(TimeSpan.FromHours(1));
        await worker.Herder.SettledAsync("c");

        Assert.Equal("FAILED [FAILED, RUNNING]", worker.States("c"));
        Assert.Null(worker.Herder.TaskStatus("c", 0).Details!.NextRestart);
        Assert.Null(worker.Herder.Status("c").Connector.Details!.NextRestart);
        Assert.Equal((1, 1), (worker.Plugins.Starts("c"), worker.Plugins.Starts("c-0")));
    }

    [Fact]
    public async Task While_a_connector_is_paused_nothing_is_started_again_and_after_a_resume_it_is()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        worker.Plugins.TaskOf("c", 0).Fail(new ConnectException("broken"));

        await worker.SetAsync("c", TargetState.Paused);
        worker.Clock.Advance(TimeSpan.FromHours(1));
        await worker.Herder.SettledAsync("c");
        Assert.Equal("PAUSED [FAILED]", worker.States("c"));
        Assert.Null(worker.Herder.TaskStatus("c", 0).Details!.NextRestart);

        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [FAILED]", worker.States("c"));
        worker.Clock.Advance(TimeSpan.FromSeconds(2));
        await worker.Herder.SettledAsync("c");
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }
}
