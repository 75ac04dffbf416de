using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

public class ConnectorStateTests
{
    [Fact]
    public async Task A_created_connector_runs_with_its_tasks()
    {
        await using var worker = await TestWorker.StartAsync();

        var created = await worker.Herder.CreateAsync(" c ", TestWorker.Config(("tasks", "2"), ("name", "c")), TargetState.Started, default);
        await worker.Herder.SettledAsync("c");

        Assert.Empty(created.Tasks);
        Assert.Equal(["c"], worker.Herder.Connectors());
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
        var info = worker.Herder.Info("c");
        Assert.Equal(("c", "source"), (info.Name, info.Type));
        Assert.Equal([new TaskId("c", 0), new TaskId("c", 1)], info.Tasks);
        Assert.Equal(["connector.class", "tasks.max", "tasks", "name"], info.Config.Keys);
        var status = worker.Herder.Status("c");
        Assert.Equal(("1.2", "worker:1", (string?)null), (status.Connector.Version, status.Connector.WorkerId, status.Connector.Trace));
        var tasks = worker.Herder.Tasks("c");
        Assert.Equal(["0", "1"], tasks.Select(t => t.Config["part"]));
        Assert.All(tasks, t => Assert.Equal("source", t.Config["connector.class"]));
        Assert.EndsWith("TestSource", tasks[0].Config["task.class"]);
    }

    [Theory]
    [InlineData("Paused", "PAUSED []")]
    [InlineData("Stopped", "STOPPED []")]
    public async Task Created_paused_or_stopped_it_has_no_tasks_until_it_is_resumed(string state, string shown)
    {
        await using var worker = await TestWorker.StartAsync();

        await worker.CreateAsync("c", Enum.Parse<TargetState>(state));

        Assert.Equal(shown, worker.States("c"));
        Assert.Empty(worker.Herder.Tasks("c"));
        Assert.Equal(0, worker.Plugins.Starts("c"));
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_stopped_connector_has_the_version_of_the_plugin_that_it_names()
    {
        await using var worker = await TestWorker.StartAsync();

        await worker.CreateAsync("c", TargetState.Stopped);
        Assert.Equal("1.2", worker.Herder.Status("c").Connector.Version);
        await worker.PutAsync("c", ("connector.class", "sink"));
        Assert.Equal("3.4", worker.Herder.Status("c").Connector.Version);
        await worker.RestartAsync();
        Assert.Equal("3.4", worker.Herder.Status("c").Connector.Version);
        await worker.PutAsync("c", ("connector.class", "absent"));
        Assert.Equal(("STOPPED []", (string?)null), (worker.States("c"), worker.Herder.Status("c").Connector.Version));
    }

    [Fact]
    public async Task A_connector_whose_configuration_cannot_be_read_any_more_can_be_paused()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        worker.Plugins.OnResolve = () => throw new ConnectException("the file is gone");

        await worker.SetAsync("c", TargetState.Paused);

        Assert.Equal("PAUSED [PAUSED]", worker.States("c"));
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("FAILED [RUNNING]", worker.States("c"));
        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("FAILED [PAUSED]", worker.States("c"));

        // After a restart of the worker there is nothing to make its tasks of.
        await worker.RestartAsync();
        Assert.Equal("FAILED []", worker.States("c"));
        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("FAILED []", worker.States("c"));
        Assert.Empty(worker.Log.Defects);
        worker.Plugins.OnResolve = () => { };
        await worker.SetAsync("c", TargetState.Started);
        Assert.Null(await worker.Herder.RestartAsync("c", includeTasks: false, onlyFailed: false, default));
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task Pause_keeps_the_tasks_stop_takes_them_and_resume_brings_them_back()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));

        await worker.SetAsync("c", TargetState.Paused);
        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("PAUSED [PAUSED, PAUSED]", worker.States("c"));
        Assert.Equal(2, worker.Herder.Tasks("c").Count);
        Assert.Equal(0, worker.Plugins.Open["c"]);

        await worker.SetAsync("c", TargetState.Started);
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
        Assert.Equal(1, worker.Plugins.Starts("c-0"));

        await worker.SetAsync("c", TargetState.Stopped);
        await worker.SetAsync("c", TargetState.Stopped);
        Assert.Equal("STOPPED []", worker.States("c"));
        Assert.Empty(worker.Herder.Tasks("c"));
        Assert.Empty(worker.Herder.Info("c").Tasks);
        Assert.Empty(worker.Plugins.Live);
        Assert.Equal(0, worker.Plugins.Open["c"]);

        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("PAUSED []", worker.States("c"));
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
        Assert.Equal(2, worker.Plugins.Starts("c-0"));
    }

    [Fact]
    public async Task A_failed_task_leaves_connector_and_siblings_alone_and_stays_failed_through_pause_and_resume()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Started, ("tasks", "3"), ("restart.policy", "never"));

        worker.Plugins.TaskOf("c", 1).Fail(new ConnectException("broken"));

        Assert.Equal("RUNNING [RUNNING, FAILED, RUNNING]", worker.States("c"));
        Assert.Equal("ConnectException: broken\n", worker.Herder.TaskStatus("c", 1).Trace);
        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("PAUSED [PAUSED, FAILED, PAUSED]", worker.States("c"));
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING, FAILED, RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_connector_whose_start_fails_is_failed_with_its_trace_and_can_be_stopped_and_resumed()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnStart = (_, _) => throw new ConnectException("no such database", new InvalidOperationException("refused"));

        await worker.CreateAsync("c", config: ("restart.policy", "never"));

        Assert.Equal("FAILED []", worker.States("c"));
        var status = worker.Herder.Status("c").Connector;
        Assert.Contains("no such database", status.Trace);
        Assert.Contains("Caused by: ", status.Trace);
        Assert.EndsWith("\n", status.Trace);
        Assert.Equal("no such database", status.Details!.Error!.Message);
        Assert.Equal(0, worker.Plugins.Open["c"]);
        await worker.SetAsync("c", TargetState.Paused);
        Assert.Equal("FAILED []", worker.States("c"));
        await worker.SetAsync("c", TargetState.Stopped);
        Assert.Equal("STOPPED []", worker.States("c"));
        worker.Plugins.OnStart = (_, _) => Task.CompletedTask;
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_connector_that_cannot_be_made_stays_failed_until_its_configuration_changes()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Started, ("connector.class", "absent"), ("restart.policy", "never"));

        foreach (var target in new[] { TargetState.Paused, TargetState.Stopped, TargetState.Started })
        {
            await worker.SetAsync("c", target);
            Assert.Equal("FAILED []", worker.States("c"));
        }

        Assert.Null(worker.Herder.Status("c").Connector.Version);
        Assert.Equal("unknown", worker.Herder.Info("c").Type);
        await worker.PutAsync("c");
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
        Assert.Equal("source", worker.Herder.Info("c").Type);
    }

    [Fact]
    public async Task Another_configuration_restarts_connector_and_tasks_and_keeps_the_target_state()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "3"));

        var (info, created) = await worker.Herder.PutConfigAsync("c", TestWorker.Config(("tasks", "2"), ("connector.class", "sink")), default);
        await worker.Herder.SettledAsync("c");

        Assert.False(created);
        Assert.Equal("sink", info.Type);
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
        Assert.Equal((2, 2, 1), (worker.Plugins.Starts("c"), worker.Plugins.Starts("c-0"), worker.Plugins.Starts("c-2")));
        Assert.Equal(2, worker.Plugins.Live.Count());

        foreach (var (target, shown) in new[] { (TargetState.Paused, "PAUSED [PAUSED, PAUSED]"), (TargetState.Stopped, "STOPPED []") })
        {
            await worker.SetAsync("c", target);
            await worker.PutAsync("c", ("tasks", "1"), ("for", shown));
            Assert.Equal(shown, worker.States("c"));
        }
    }

    [Fact]
    public async Task The_same_configuration_again_restarts_nothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));

        await worker.PutAsync("c", ("tasks", "2"));

        Assert.Equal((1, 1), (worker.Plugins.Starts("c"), worker.Plugins.Starts("c-0")));
    }

    [Fact]
    public async Task Reconfiguration_restarts_only_the_tasks_whose_configuration_changed()
    {
        await using var worker = await TestWorker.StartAsync();
        var parts = new[] { "a", "b" };
        worker.Plugins.OnTaskConfigs = (_, _) => [.. parts.Select(part => new Dictionary<string, string> { ["part"] = part })];
        await worker.CreateAsync("c");

        parts = ["a", "x", "y"];
        worker.Plugins.Contexts["c"].RequestTaskReconfiguration();
        await worker.Herder.SettledAsync("c");

        Assert.Equal((1, 2, 1), (worker.Plugins.Starts("c-0"), worker.Plugins.Starts("c-1"), worker.Plugins.Starts("c-2")));
        Assert.Equal(["a", "x", "y"], worker.Herder.Tasks("c").Select(t => t.Config["part"]));
        parts = ["a"];
        worker.Plugins.Contexts["c"].RequestTaskReconfiguration();
        await worker.Herder.SettledAsync("c");
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
        Assert.Equal([0], worker.Statuses.Tasks("c").Keys);
        Assert.Equal(1, worker.Plugins.Starts("c"));
    }

    [Fact]
    public async Task More_tasks_than_allowed_fail_the_connector_and_a_higher_limit_brings_it_back()
    {
        await using var worker = await TestWorker.StartAsync();

        await worker.CreateAsync("c", TargetState.Started, ("tasks", "3"), ("tasks.max", "2"));

        Assert.Equal("FAILED []", worker.States("c"));
        Assert.Contains(
            "The connector c has generated 3 tasks, which is greater than 2, the maximum number of tasks it is configured to create. This behaviour should be considered a bug and is disallowed.",
            worker.Herder.Status("c").Connector.Trace);
        Assert.Null(worker.Herder.Status("c").Connector.Details!.NextRestart);
        await worker.PutAsync("c", ("tasks", "3"), ("tasks.max", "3"));
        Assert.Equal("RUNNING [RUNNING, RUNNING, RUNNING]", worker.States("c"));
        await worker.PutAsync("c", ("tasks", "3"), ("tasks.max", "2"), ("tasks.max.enforce", "false"));
        Assert.Equal("RUNNING [RUNNING, RUNNING, RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task A_connector_that_fails_by_itself_leaves_its_tasks_alone()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        var context = worker.Plugins.Contexts["c"];

        context.Fail(new ConnectException("lost the connection"));
        context.Fail(new ConnectException("lost it again"));
        await worker.Herder.SettledAsync("c");

        Assert.Equal("FAILED [RUNNING]", worker.States("c"));
        Assert.Contains("lost the connection", worker.Herder.Status("c").Connector.Trace);
        Assert.Equal(0, worker.Plugins.Open["c"]);
    }

    [Fact]
    public async Task A_deleted_connector_is_gone_and_its_name_is_free()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));
        worker.Statuses.TopicUsed("c", 0, "t");

        await worker.Herder.DeleteAsync("c", default);
        await worker.Herder.SettledAsync("c");

        Assert.Empty(worker.Herder.Connectors());
        Assert.Empty(worker.Plugins.Live);
        Assert.Equal(404, Assert.Throws<ConnectRequestException>(() => worker.Herder.Status("c")).Status);
        Assert.Equal((null, 0), (worker.Statuses.Connector("c"), worker.Statuses.Tasks("c").Count));
        Assert.Empty(worker.Herder.ActiveTopics("c"));
        await worker.CreateAsync("c");
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task After_a_restart_of_the_worker_everything_is_as_it_was()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("running", config: ("tasks", "2"));
        await worker.CreateAsync("paused", config: ("tasks", "2"));
        await worker.CreateAsync("stopped");
        await worker.CreateAsync("fresh", TargetState.Paused);
        await worker.SetAsync("paused", TargetState.Paused);
        await worker.SetAsync("stopped", TargetState.Stopped);
        worker.Statuses.TopicUsed("running", 0, "t");

        await worker.RestartAsync();

        Assert.Equal(["fresh", "paused", "running", "stopped"], worker.Herder.Connectors());
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("running"));
        Assert.Equal("PAUSED [PAUSED, PAUSED]", worker.States("paused"));
        Assert.Equal("STOPPED []", worker.States("stopped"));
        Assert.Equal("PAUSED []", worker.States("fresh"));
        Assert.Equal(["t"], worker.Herder.ActiveTopics("running"));
        Assert.Equal(2, worker.Plugins.Starts("running-0"));
        await worker.SetAsync("paused", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("paused"));
        Assert.Equal(2, worker.Plugins.Starts("paused-1"));
    }

    [Fact]
    public async Task After_a_restart_tasks_run_although_their_connector_cannot_be_started()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", TargetState.Started, ("tasks", "2"), ("restart.policy", "never"));
        worker.Plugins.OnStart = (_, _) => throw new ConnectException("not there");

        await worker.RestartAsync();

        Assert.Equal("FAILED [RUNNING, RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task While_the_worker_stops_statuses_say_unassigned()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");

        await worker.Herder.DisposeAsync();

        Assert.Equal(WorkState.Unassigned, worker.Statuses.Connector("c")!.State);
        Assert.Equal(WorkState.Unassigned, worker.Statuses.Tasks("c")[0].State);
        Assert.Empty(worker.Plugins.Live);
        Assert.Equal(0, worker.Plugins.Open["c"]);
    }
}
