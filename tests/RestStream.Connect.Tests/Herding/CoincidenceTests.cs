using System.Collections;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

/// <summary>Verbs that come while the connector is busy: its next step finds what they came to, and carries out what was in between all the same.</summary>
public class CoincidenceTests
{
    [Fact]
    public async Task A_stop_and_a_resume_at_once_start_connector_and_tasks_anew()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("tasks", "2"));
        worker.Statuses.TopicUsed("c", 0, "t");

        var goOn = await MakeBusyAsync(worker);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Stopped, default);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Started, default);
        goOn.SetResult();
        await worker.Herder.SettledAsync("c");

        Assert.Equal("RUNNING [RUNNING, RUNNING]", worker.States("c"));
        Assert.Equal(2, worker.Herder.Tasks("c").Count);
        Assert.Equal((2, 2, 1), (worker.Plugins.Starts("c"), worker.Plugins.Starts("c-1"), worker.Plugins.Open["c"]));
        Assert.Equal(["t"], worker.Herder.ActiveTopics("c"));
        await worker.Herder.RestartTaskAsync("c", 0, default);
    }

    [Fact]
    public async Task A_stop_and_a_pause_at_once_take_the_tasks()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");

        var goOn = await MakeBusyAsync(worker);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Stopped, default);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Paused, default);
        goOn.SetResult();
        await worker.Herder.SettledAsync("c");

        Assert.Equal("PAUSED []", worker.States("c"));
        Assert.Empty(worker.Herder.Tasks("c"));
        Assert.Empty(worker.Plugins.Live);
    }

    [Fact]
    public async Task A_stop_and_a_resume_at_once_bring_a_failed_connector_back()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        worker.Plugins.Contexts["c"].Fail(new ConnectException("lost the connection"));
        await worker.Herder.SettledAsync("c");

        var goOn = await MakeBusyAsync(worker);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Stopped, default);
        await worker.Herder.SetTargetStateAsync("c", TargetState.Started, default);
        goOn.SetResult();
        await worker.Herder.SettledAsync("c");

        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
        Assert.Single(worker.Herder.Tasks("c"));
    }

    [Theory]
    [InlineData("Started", "RUNNING [RUNNING]")]
    [InlineData("Paused", "PAUSED []")]
    [InlineData("Stopped", "STOPPED []")]
    public async Task Deleted_and_made_again_at_once_nothing_of_the_old_one_stays(string state, string shown)
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c");
        worker.Statuses.TopicUsed("c", 0, "t");
        var old = worker.Plugins.TaskOf("c", 0);

        var goOn = await MakeBusyAsync(worker);
        await worker.Herder.DeleteAsync("c", default);
        await worker.Herder.CreateAsync("c", TestWorker.Config(), Enum.Parse<TargetState>(state), default);
        goOn.SetResult();
        await worker.Herder.SettledAsync("c");

        Assert.Equal(shown, worker.States("c"));
        Assert.Equal(state == "Started" ? 1 : 0, worker.Herder.Tasks("c").Count);
        Assert.Equal(worker.Herder.Tasks("c").Count, worker.Plugins.Live.Count());
        Assert.False(old.IsLive);
        Assert.Equal(state == "Started" ? 2 : 1, worker.Plugins.Starts("c"));
        Assert.Empty(worker.Herder.ActiveTopics("c"));
    }

    [Fact]
    public async Task A_failed_connector_that_is_deleted_and_made_again_at_once_is_started()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        worker.Plugins.Contexts["c"].Fail(new ConnectException("lost the connection"));
        await worker.Herder.SettledAsync("c");

        var goOn = await MakeBusyAsync(worker);
        await worker.Herder.DeleteAsync("c", default);
        await worker.Herder.PutConfigAsync("c", TestWorker.Config(("restart.policy", "never")), default);
        goOn.SetResult();
        await worker.Herder.SettledAsync("c");

        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    [Fact]
    public async Task The_same_configuration_again_while_a_connector_splits_its_work_loses_no_tasks()
    {
        await using var worker = await TestWorker.StartAsync();
        Task? again = null;
        var parts = new[] { "a" };
        worker.Plugins.OnTaskConfigs = (_, _) => new TellingList(
            [.. parts.Select(part => new Dictionary<string, string> { ["part"] = part })], () => again ??= worker.Herder.PutConfigAsync("c", TestWorker.Config(), default));

        await worker.CreateAsync("c");
        await again!;
        await worker.Herder.SettledAsync("c");
        Assert.Equal(("RUNNING [RUNNING]", 1), (worker.States("c"), worker.Herder.Tasks("c").Count));

        again = null;
        parts = ["a", "b"];
        worker.Plugins.Contexts["c"].RequestTaskReconfiguration();
        await worker.Herder.SettledAsync("c");
        await again!;
        await worker.Herder.SettledAsync("c");
        Assert.Equal(("RUNNING [RUNNING, RUNNING]", 2), (worker.States("c"), worker.Herder.Tasks("c").Count));
        Assert.Equal(1, worker.Plugins.Open["c"]);
    }

    [Fact]
    public async Task A_configuration_whose_start_is_interrupted_is_not_forgotten()
    {
        await using var worker = await TestWorker.StartAsync();
        worker.Plugins.OnStart = (_, _) => throw new ConnectException("wrong address");
        await worker.CreateAsync("c", config: ("restart.policy", "never"));
        var entered = new TaskCompletionSource();
        worker.Plugins.OnStart = (_, token) =>
        {
            entered.SetResult();
            return Task.Delay(Timeout.Infinite, token);
        };

        await worker.Herder.PutConfigAsync("c", TestWorker.Config(("restart.policy", "never"), ("address", "right")), default);
        await entered.Task;
        worker.Plugins.OnStart = (_, _) => Task.CompletedTask;
        await worker.SetAsync("c", TargetState.Paused);

        Assert.Equal("PAUSED []", worker.States("c"));
        await worker.SetAsync("c", TargetState.Started);
        Assert.Equal("RUNNING [RUNNING]", worker.States("c"));
    }

    /// <summary>The first task of connector c is being restarted until the result is set.</summary>
    private static async Task<TaskCompletionSource> MakeBusyAsync(TestWorker worker)
    {
        var (ending, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        worker.Plugins.OnTaskEnd = _ =>
        {
            ending.TrySetResult();
            return goOn.Task;
        };
        _ = worker.Herder.RestartTaskAsync("c", 0, default);
        await ending.Task;
        return goOn;
    }

    /// <summary>Tells when it is looked through: the connector has come back, and its tasks are about to be stored.</summary>
    private sealed class TellingList(IReadOnlyList<IReadOnlyDictionary<string, string>> tasks, Action tell) : IReadOnlyList<IReadOnlyDictionary<string, string>>
    {
        public int Count => tasks.Count;

        public IReadOnlyDictionary<string, string> this[int index] => tasks[index];

        public IEnumerator<IReadOnlyDictionary<string, string>> GetEnumerator()
        {
            tell();
            return tasks.GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
