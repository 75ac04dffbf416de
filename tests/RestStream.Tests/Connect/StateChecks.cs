namespace RestStream.Tests.Connect;

/// <summary>Checks 11 to 17: restarts, target states, numbers of tasks, failures.</summary>
[Collection(ConnectChecks.Name)]
public class StateChecks(ConnectFixture fixture)
{
    private readonly ConnectServer _connect = fixture.Connect;

    /// <summary>Kafka's ConnectorRestartApiIntegrationTest: what is started anew, by what runs and what was asked.</summary>
    [Theory]
    [InlineData(false, false, false, false, 1, 0)]
    [InlineData(false, false, false, true, 0, 0)]
    [InlineData(false, false, true, false, 1, 3)]
    [InlineData(false, false, true, true, 0, 0)]
    [InlineData(false, true, true, true, 0, 1)]
    [InlineData(false, true, false, true, 0, 0)]
    [InlineData(false, true, true, false, 1, 3)]
    [InlineData(true, false, false, true, 1, 0)]
    [InlineData(true, false, false, false, 1, 0)]
    [InlineData(true, false, true, false, 1, 0)]
    public async Task Check_11_A_restart_starts_what_was_asked_and_nothing_else(bool connectorFailed, bool taskFailed, bool includeTasks, bool onlyFailed, int connectorStarts, int taskStarts)
    {
        var name = _connect.NewName("matrix");
        var config = ConnectServer.Source(name, maxTasks: 3);
        if (connectorFailed)
        {
            _connect.Fail(name, "connector");
            Assert.Equal(201, (await _connect.PostAsync("connectors", new { name, config })).Status);
            await _connect.UntilAsync(name, "FAILED");
        }
        else
        {
            await _connect.CreateAsync(name, config, tasks: 3);
            if (taskFailed)
            {
                _connect.Fail(name, "task 1");
                await _connect.UntilAsync(name, "RUNNING", "RUNNING", "FAILED", "RUNNING");
            }
        }

        _connect.Fail(name);
        var before = Starts(name);
        var restarted = await _connect.PostAsync($"connectors/{name}/restart?includeTasks={includeTasks}&onlyFailed={onlyFailed}");
        var stillFailed = taskFailed && !includeTasks;
        await _connect.UntilAsync(name, "RUNNING", "RUNNING", stillFailed ? "FAILED" : "RUNNING", "RUNNING");

        Assert.Equal(includeTasks || onlyFailed ? 202 : 204, restarted.Status);
        var after = Starts(name);
        Assert.Equal(connectorStarts, after.Connector - before.Connector);

        // A connector that comes up for the first time makes its tasks, which is no restart of them.
        Assert.Equal(connectorFailed ? 3 : taskStarts, after.Tasks - before.Tasks);
    }

    [Fact]
    public async Task Check_11_One_failed_task_of_many_restarts_alone()
    {
        var name = _connect.NewName("one-task");
        await _connect.CreateAsync(name, ConnectServer.Source(name, maxTasks: 3), tasks: 3);
        _connect.Fail(name, "task 2");
        await _connect.UntilAsync(name, "RUNNING", "RUNNING", "RUNNING", "FAILED");
        _connect.Fail(name);

        Assert.Equal(204, (await _connect.PostAsync($"connectors/{name}/tasks/2/restart")).Status);
        await _connect.UntilAsync(name, "RUNNING", "RUNNING", "RUNNING", "RUNNING");

        Assert.Equal([1, 1, 2], Enumerable.Range(0, 3).Select(t => _connect.Journal($"{name}.journal").Count(l => l == $"task {t} start")));
        Assert.Equal($"404 Unknown task: {name}-7", Said(await _connect.PostAsync($"connectors/{name}/tasks/7/restart")));
    }

    [Fact]
    public async Task Check_12_Pause_and_resume_can_be_repeated()
    {
        var name = _connect.NewName("pause");
        await _connect.CreateAsync(name, ConnectServer.Source(name, maxTasks: 2), tasks: 2);

        foreach (var _ in Enumerable.Range(0, 2))
        {
            Assert.Equal("202 ", (await _connect.PutAsync($"connectors/{name}/pause")).ToString());
            await _connect.UntilAsync(name, "PAUSED", "PAUSED", "PAUSED");
        }

        foreach (var _ in Enumerable.Range(0, 2))
        {
            Assert.Equal("202 ", (await _connect.PutAsync($"connectors/{name}/resume")).ToString());
            await _connect.UntilAsync(name, "RUNNING", "RUNNING", "RUNNING");
        }
    }

    [Fact]
    public async Task Check_12_A_stopped_connector_has_no_tasks_and_can_be_paused_and_resumed()
    {
        var name = _connect.NewName("stop");
        await _connect.CreateAsync(name, ConnectServer.Source(name));

        foreach (var _ in Enumerable.Range(0, 2))
        {
            var stopped = await _connect.PutAsync($"connectors/{name}/stop");
            Assert.Equal(204, stopped.Status);
            Assert.Null(stopped.Content.ContentType);
            await _connect.UntilAsync(name, "STOPPED");
        }

        Assert.Equal("200 []", (await _connect.GetAsync($"connectors/{name}/tasks")).ToString());
        Assert.Empty((await _connect.GetAsync($"connectors/{name}")).Json.GetProperty("tasks").EnumerateArray());
        await _connect.PutAsync($"connectors/{name}/pause");
        await _connect.UntilAsync(name, "PAUSED");
        await _connect.PutAsync($"connectors/{name}/stop");
        await _connect.UntilAsync(name, "STOPPED");
        await _connect.PutAsync($"connectors/{name}/resume");
        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
    }

    [Fact]
    public async Task Check_12_A_failed_connector_can_be_stopped()
    {
        var name = _connect.NewName("stop-failed");
        _connect.Fail(name, "connector");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source(name) });
        await _connect.UntilAsync(name, "FAILED");

        Assert.Equal(204, (await _connect.PutAsync($"connectors/{name}/stop")).Status);
        await _connect.UntilAsync(name, "STOPPED");
        _connect.Fail(name);
        await _connect.PutAsync($"connectors/{name}/resume");
        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
    }

    [Theory]
    [InlineData("PAUSED")]
    [InlineData("paused")]
    [InlineData("STOPPED")]
    public async Task Check_13_A_connector_begins_in_the_state_that_was_asked(string state)
    {
        var name = _connect.NewName("initial");

        var created = await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source(name, messages: 5), initial_state = state });

        Assert.Equal(201, created.Status);
        await _connect.UntilAsync(name, state.ToUpperInvariant());
        Assert.Empty((await _connect.GetAsync($"connectors/{name}/tasks")).Json.EnumerateArray());
        Assert.Empty(await _connect.RecordsAsync(name));
        await _connect.PutAsync($"connectors/{name}/resume");
        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
        await _connect.UntilRecordsAsync(name, 5);
    }

    [Theory]
    [InlineData("PAUSED")]
    [InlineData("STOPPED")]
    public async Task Check_13_A_connector_that_never_ran_can_be_deleted(string state)
    {
        var name = _connect.NewName("never-ran");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source(name), initial_state = state });
        await _connect.UntilAsync(name, state);

        Assert.Equal(204, (await _connect.DeleteAsync($"connectors/{name}")).Status);
        Assert.Equal(404, (await _connect.GetAsync($"connectors/{name}/status")).Status);
    }

    [Fact]
    public async Task Check_13_Offsets_that_were_set_before_the_first_start_count()
    {
        var name = _connect.NewName("preset");
        await _connect.PostAsync("connectors", new { name, config = ConnectServer.Source(name, messages: 10), initial_state = "STOPPED" });
        await _connect.UntilAsync(name, "STOPPED");

        var altered = await _connect.PatchAsync($"connectors/{name}/offsets", """{"offsets":[{"partition":{"task":"0"},"offset":{"saved":7}}]}""");
        await _connect.PutAsync($"connectors/{name}/resume");
        await _connect.UntilRecordsAsync(name, 3);

        Assert.Equal(200, altered.Status);
        Assert.Equal(["value-0-8", "value-0-9", "value-0-10"], (await _connect.RecordsAsync(name)).Select(r => r.GetProperty("value").GetString()));
    }

    [Fact]
    public async Task Check_13_An_initial_state_that_does_not_exist_is_refused() =>
        Assert.Equal(400, (await _connect.PostAsync("connectors", new { name = _connect.NewName("no-state"), config = ConnectServer.Source("x"), initial_state = "SLEEPING" })).Status);

    [Fact]
    public async Task Check_14_As_many_statuses_as_tasks_are_left_when_their_number_changes()
    {
        var name = _connect.NewName("count");
        await _connect.CreateAsync(name, ConnectServer.Source(name, maxTasks: 2), tasks: 2);

        await _connect.PutAsync($"connectors/{name}/config", ConnectServer.Source(name, maxTasks: 4));
        await _connect.UntilAsync(name, "RUNNING", "RUNNING", "RUNNING", "RUNNING", "RUNNING");
        await _connect.PutAsync($"connectors/{name}/config", ConnectServer.Source(name, maxTasks: 1));
        await _connect.UntilAsync(name, "RUNNING", "RUNNING");

        Assert.Equal(404, (await _connect.GetAsync($"connectors/{name}/tasks/1/status")).Status);
        Assert.Single((await _connect.GetAsync($"connectors/{name}/tasks")).Json.EnumerateArray());
    }

    [Fact]
    public async Task Check_15_More_tasks_than_allowed_fail_the_connector_until_more_are_allowed()
    {
        var name = _connect.NewName("too-many");
        var config = new Dictionary<string, string>(ConnectServer.Source(name)) { ["tasks"] = "3" };

        await _connect.PostAsync("connectors", new { name, config });
        var failed = await _connect.UntilAsync(name, "FAILED");
        await _connect.PutAsync($"connectors/{name}/config", new Dictionary<string, string>(config) { ["tasks.max"] = "3" });
        await _connect.UntilAsync(name, "RUNNING", "RUNNING", "RUNNING", "RUNNING");

        var trace = failed.GetProperty("connector").GetProperty("trace").GetString()!;
        Assert.Contains($"The connector {name} has generated 3 tasks, which is greater than 1, the maximum number of tasks it is configured to create", trace);
    }

    [Fact]
    public async Task Check_16_A_failing_task_leaves_its_connector_running_and_shows_why()
    {
        var name = _connect.NewName("failing");
        await _connect.CreateAsync(name, ConnectServer.Source(name, maxTasks: 2), tasks: 2);

        _connect.Fail(name, "task 1");
        var status = await _connect.UntilAsync(name, "RUNNING", "RUNNING", "FAILED");

        var trace = status.GetProperty("tasks")[1].GetProperty("trace").GetString()!;
        Assert.Contains("The task shall fail", trace);
        Assert.EndsWith("\n", trace);
        Assert.False(status.GetProperty("tasks")[0].TryGetProperty("trace", out _));
        Assert.Equal("1.2.3", status.GetProperty("tasks")[1].GetProperty("version").GetString());
        Assert.Contains("The task shall fail", status.GetProperty("tasks")[1].GetProperty("error").GetProperty("message").GetString());
        var health = await _connect.GetAsync("health/connectors");
        Assert.Equal(503, health.Status);
        Assert.Contains(health.Json.GetProperty("problems").EnumerateArray(), p => p.GetProperty("connector").GetString() == name && p.GetProperty("task").GetInt32() == 1);
        Assert.Equal(204, (await _connect.DeleteAsync($"connectors/{name}")).Status);
    }

    [Fact]
    public async Task Check_17_A_configuration_that_fails_at_run_time_recovers_when_it_is_corrected()
    {
        var name = _connect.NewName("corrected");
        var config = ConnectServer.Source(name);
        _connect.Fail(name, "start 0");

        await _connect.PostAsync("connectors", new { name, config });
        await _connect.UntilAsync(name, "RUNNING", "FAILED");
        await _connect.PutAsync($"connectors/{name}/config", new Dictionary<string, string>(config) { ["failures"] = "no-such-file" });

        await _connect.UntilAsync(name, "RUNNING", "RUNNING");
    }

    private (int Connector, int Tasks) Starts(string name)
    {
        var journal = _connect.Journal($"{name}.journal");
        return (journal.Count(l => l == "connector start"), journal.Count(l => l.StartsWith("task ") && l.EndsWith(" start")));
    }

    private static string Said(Answer answer) => $"{answer.Status} {answer.Message}";
}
