namespace RestStream.Connect.Tests.Herding;

public class DeclaredConnectorTests
{
    [Fact]
    public async Task Files_in_both_of_kafkas_forms_are_applied_at_the_start_and_a_broken_one_stops_nothing()
    {
        await using var worker = await TestWorker.StartAsync(w =>
        {
            w.Options.ConnectorFolder = w.Folder["connectors"];
            Write(w, "a.json", """{"name":"posted","config":{"connector.class":"source","tasks":2},"initial_state":"paused"}""");
            Write(w, "b.json", """{"connector.class":"source","name":"put"}""");
            Write(w, "named-by-its-file.json", """{"connector.class":"sink","tasks":"1"}""");
            Write(w, "broken.json", """{"connector.class":""");
            Write(w, "refused.json", """{"connector.class":"source","a":"wrong"}""");
            Write(w, "deep.json", """{"connector.class":"source","a":{}}""");
            Write(w, "state.json", """{"name":"flies","config":{"connector.class":"source"},"initial_state":"FLYING"}""");
            Write(w, "a-name.json", """{"name":5,"config":{"connector.class":"source"}}""");
            Write(w, "a-state.json", """{"config":{"connector.class":"source"},"initial_state":true}""");
            Write(w, "a-surrogate.json", """{"config":{"connector.class":"source","a":"\ud800"}}""");
            Write(w, "note.txt", "nothing");
        });

        await worker.Herder.DeclaredApplied;

        Assert.Equal(["named-by-its-file", "posted", "put"], worker.Herder.Connectors());
        foreach (var name in worker.Herder.Connectors())
            await worker.Herder.SettledAsync(name);
        Assert.Equal(("PAUSED []", "RUNNING [RUNNING]"), (worker.States("posted"), worker.States("put")));
        Assert.Equal("2", worker.Herder.Info("posted").Config["tasks"]);
        Assert.Equal(["a-name.json", "a-state.json", "a-surrogate.json", "broken.json", "deep.json", "refused.json", "state.json"], worker.Herder.DeclaredProblems.Select(p => Path.GetFileName(p.File)).Order());
        Assert.Contains("a is wrong", worker.Herder.DeclaredProblems.Single(p => p.File.EndsWith("refused.json", StringComparison.Ordinal)).Problem);
    }

    [Fact]
    public async Task A_file_is_no_problem_any_more_when_its_connector_is_put_right_by_a_request()
    {
        await using var worker = await TestWorker.StartAsync(w =>
        {
            w.Options.ConnectorFolder = w.Folder["connectors"];
            Write(w, "changed.json", """{"connector.class":"source"}""");
            Write(w, "other.json", """{"connector.class":"source","a":"wrong"}""");
            Write(w, "refused.json", """{"connector.class":"source","a":"wrong"}""");
            Write(w, "state.json", """{"name":"named","config":{"connector.class":"source"},"initial_state":"FLYING"}""");
        });
        await worker.Herder.DeclaredApplied;
        Write(worker, "changed.json", """{"connector.class":"source","a":"wrong"}""");
        await worker.RestartAsync();
        await worker.Herder.DeclaredApplied;
        Assert.Equal(["changed", "named", "other", "refused"], worker.Herder.DeclaredProblems.Select(p => p.Connector).Order());

        await worker.CreateAsync("named");
        await worker.PutAsync("refused");
        await worker.Herder.PatchConfigAsync("changed", new Dictionary<string, string?> { ["a"] = "right" }, default);

        Assert.Equal("other", Assert.Single(worker.Herder.DeclaredProblems).Connector);
    }

    [Fact]
    public async Task At_the_next_start_a_changed_file_is_put_and_an_unchanged_one_restarts_nothing()
    {
        await using var worker = await TestWorker.StartAsync(w =>
        {
            w.Options.ConnectorFolder = w.Folder["connectors"];
            Write(w, "same.json", """{"connector.class":"source"}""");
            Write(w, "changes.json", """{"connector.class":"source","v":"1"}""");
            Write(w, "goes.json", """{"connector.class":"source"}""");
        });
        await worker.Herder.DeclaredApplied;
        Write(worker, "changes.json", """{"connector.class":"source","v":"2"}""");
        File.Delete(worker.Folder["connectors/goes.json"]);
        var written = (await worker.ReadAsync("connect-configs")).Count(r => r.Key == "connector-same");

        await worker.RestartAsync();
        await worker.Herder.DeclaredApplied;

        Assert.Equal(["changes", "goes", "same"], worker.Herder.Connectors());
        Assert.Equal("2", worker.Herder.Info("changes").Config["v"]);
        Assert.Equal(written, (await worker.ReadAsync("connect-configs")).Count(r => r.Key == "connector-same"));
        Assert.Equal(2, (await worker.ReadAsync("connect-configs")).Count(r => r.Key == "connector-changes"));
    }

    [Fact]
    public async Task A_file_whose_check_does_not_come_back_does_not_hold_up_the_stop_of_the_worker()
    {
        var entered = new TaskCompletionSource();
        await using var worker = await TestWorker.StartAsync(w =>
        {
            w.Options.ConnectorFolder = w.Folder["connectors"];
            Write(w, "hangs.json", """{"connector.class":"source"}""");
            w.Plugins.OnValidate = () =>
            {
                entered.SetResult();
                return new TaskCompletionSource().Task;
            };
        });
        await entered.Task;

        var stopped = worker.Herder.DisposeAsync().AsTask();
        await HangingConnectorTests.AdvanceUntilAsync(worker, () => stopped.IsCompleted);

        await stopped;
        Assert.Empty(worker.Herder.Connectors());
    }

    [Fact]
    public async Task A_file_whose_check_throws_leaves_the_others_alone_and_the_stop_too()
    {
        await using var worker = await TestWorker.StartAsync(w =>
        {
            w.Options.ConnectorFolder = w.Folder["connectors"];
            Write(w, "a.json", """{"connector.class":"source"}""");
            Write(w, "b.json", """{"connector.class":"source"}""");
            var checks = 0;
            w.Plugins.OnValidate = () => checks++ == 0 ? throw new InvalidOperationException("what plugins throw") : Task.CompletedTask;
        });

        await worker.Herder.DeclaredApplied;

        Assert.Equal(["b"], worker.Herder.Connectors());
        Assert.Equal("a.json", Path.GetFileName(Assert.Single(worker.Herder.DeclaredProblems).File));
        await worker.Herder.SettledAsync("b");
        await worker.Herder.DisposeAsync();
        Assert.Equal(0, worker.Plugins.Open["b"]);
    }

    private static void Write(TestWorker worker, string file, string json)
    {
        Directory.CreateDirectory(worker.Folder["connectors"]);
        File.WriteAllText(worker.Folder[$"connectors/{file}"], json);
    }
}
