using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Herding;

/// <summary>Random verbs, failures, clean restarts and crashes against a model that fits on a page: what is wanted, and which tasks must run for it.</summary>
public class HerderModelTests
{
    private static readonly string[] s_names = ["a", "b-1", "c c"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task After_any_verbs_failures_and_crashes_exactly_the_wanted_tasks_run(int seed)
    {
        var random = new Random(seed);
        await using var worker = await TestWorker.StartAsync();
        var model = new SortedDictionary<string, Wanted>(StringComparer.Ordinal);
        for (var step = 0; step < 120; step++)
        {
            var name = s_names[random.Next(s_names.Length)];
            var known = model.GetValueOrDefault(name);
            var tasks = random.Next(0, 4);
            switch (random.Next(14))
            {
                case 0 when known is null:
                    var initial = Enum.GetValues<TargetState>()[random.Next(3)];
                    await worker.CreateAsync(name, initial, ("tasks", $"{tasks}"));
                    model[name] = new Wanted(initial, tasks, initial == TargetState.Started ? tasks : 0);
                    break;
                case 1 or 2 or 3:
                    await worker.PutAsync(name, ("tasks", $"{tasks}"));
                    model[name] = known is null ? new Wanted(TargetState.Started, tasks, tasks) : known with { Configured = tasks, Tasks = known.Target == TargetState.Started ? tasks : known.Tasks };
                    break;
                case 4 when known is not null:
                    await worker.Herder.DeleteAsync(name, default);
                    await worker.Herder.SettledAsync(name);
                    model.Remove(name);
                    break;
                case 5 or 6 or 7 when known is not null:
                    var target = Enum.GetValues<TargetState>()[random.Next(3)];
                    await worker.SetAsync(name, target);
                    model[name] = known with
                    {
                        Target = target,
                        Tasks = target switch { TargetState.Started => known.Configured, TargetState.Stopped => 0, _ => known.Tasks },
                    };
                    break;
                case 8 when known is not null:
                    await worker.Herder.RestartAsync(name, random.Next(2) == 0, random.Next(2) == 0, default);
                    await worker.Herder.SettledAsync(name);
                    break;
                case 9 or 10 when known is { Target: TargetState.Started, Tasks: > 0 }:
                    // The restart policy brings it back.
                    worker.Plugins.TaskOf(name, random.Next(known.Tasks)).Fail(new ConnectException("now and then"));
                    await SettleRestartsAsync(worker, name);
                    break;
                case 11 when known is { Target: TargetState.Started }:
                    worker.Plugins.Contexts[name].Fail(new ConnectException("now and then"));
                    await worker.Herder.SettledAsync(name);
                    await SettleRestartsAsync(worker, name);
                    break;
                case 12:
                    await worker.RestartAsync();
                    break;
                case 13:
                    await worker.CrashAsync();
                    break;
                default:
                    continue;
            }

            await CheckAsync(worker, model, $"seed {seed}, step {step}");
        }
    }

    /// <summary>The same without a pause between the verbs: what runs follows behind, and sees some of what was wanted at once, some never.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task After_verbs_that_coincide_exactly_the_wanted_tasks_run(int seed)
    {
        var random = new Random(seed);
        await using var worker = await TestWorker.StartAsync();
        var model = new SortedDictionary<string, (TargetState Target, int Configured)>(StringComparer.Ordinal);
        for (var round = 0; round < 40; round++)
        {
            // Steps that end a task wait; whatever has tasks begins with such a step.
            var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            worker.Plugins.OnTaskEnd = _ => goOn.Task;
            foreach (var name in model.Keys.Where(name => worker.Herder.Tasks(name).Count > 0))
                _ = worker.Herder.RestartTaskAsync(name, 0, default);
            for (var verbs = random.Next(3, 12); verbs > 0; verbs--)
            {
                var name = s_names[random.Next(s_names.Length)];
                var known = model.ContainsKey(name);
                var tasks = random.Next(0, 4);
                var target = Enum.GetValues<TargetState>()[random.Next(3)];
                switch (random.Next(8))
                {
                    case 0 when !known:
                        await worker.Herder.CreateAsync(name, TestWorker.Config(("tasks", $"{tasks}")), target, default);
                        model[name] = (target, tasks);
                        break;
                    case 1 or 2:
                        await worker.Herder.PutConfigAsync(name, TestWorker.Config(("tasks", $"{tasks}")), default);
                        model[name] = (known ? model[name].Target : TargetState.Started, tasks);
                        break;
                    case 3 when known:
                        await worker.Herder.DeleteAsync(name, default);
                        model.Remove(name);
                        break;
                    case 4 or 5 or 6 when known:
                        await worker.Herder.SetTargetStateAsync(name, target, default);
                        model[name] = (target, model[name].Configured);
                        break;
                    case 7 when known:
                        await worker.Herder.RestartAsync(name, includeTasks: true, onlyFailed: false, default);
                        break;
                }
            }

            goOn.SetResult();
            foreach (var name in s_names)
                await worker.Herder.SettledAsync(name);
            foreach (var (name, (target, configured)) in model)
            {
                // A paused connector keeps the tasks that it had, whichever those were.
                var tasks = worker.Herder.Tasks(name);
                var state = target switch { TargetState.Started => "RUNNING", TargetState.Paused => "PAUSED", _ => "STOPPED" };
                var where = $"seed {seed}, round {round}, {name}";
                Assert.Equal($"{where}: {state} [{string.Join(", ", Enumerable.Repeat(state, tasks.Count))}]", $"{where}: {worker.States(name)}");
                if (target != TargetState.Paused)
                    Assert.Equal($"{where}: {(target == TargetState.Started ? configured : 0)}", $"{where}: {tasks.Count}");
                Assert.Equal(tasks.Select(t => t.Id), worker.Plugins.Live.Where(t => t.Id.Connector == name).Select(t => t.Id).OrderBy(t => t.Task));
                Assert.All(worker.Plugins.Live.Where(t => t.Id.Connector == name), live => Assert.Equal(tasks[live.Id.Task].Config.OrderBy(e => e.Key), live.Config.OrderBy(e => e.Key)));
                Assert.Equal(Enumerable.Range(0, tasks.Count), worker.Statuses.Tasks(name).Keys.Order());
            }

            Assert.Equal(model.Keys, worker.Herder.Connectors());
            Assert.All(worker.Plugins.Live, live => Assert.Contains(live.Id.Connector, model.Keys));
            Assert.All(worker.Plugins.Open, open => Assert.Equal(model.TryGetValue(open.Key, out var wanted) && wanted.Target == TargetState.Started ? 1 : 0, open.Value));
            Assert.Empty(worker.Log.Defects);
        }
    }

    /// <summary>Requests of many clients at once, none of which waits for another's connector, and a crash in the middle of them: what was answered is there.</summary>
    [Fact]
    public async Task What_was_answered_before_a_crash_in_the_middle_of_many_requests_is_there()
    {
        await using var worker = await TestWorker.StartAsync();
        var herder = worker.Herder;
        var answered = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            var name = $"n{i}";
            await herder.CreateAsync(name, TestWorker.Config(("tasks", $"{i % 3}")), TargetState.Started, default);
            if (i % 4 == 1)
                await herder.SetTargetStateAsync(name, TargetState.Paused, default);
            if (i % 4 == 2)
                await herder.SetTargetStateAsync(name, TargetState.Stopped, default);
            if (i % 4 == 3)
                await herder.DeleteAsync(name, default);
            return (Name: name, State: (i % 4) switch { 0 => "RUNNING", 1 => "PAUSED", 2 => "STOPPED", _ => "" }, Tasks: i % 3);
        })));

        await worker.CrashAsync();

        Assert.Equal(answered.Where(a => a.State != "").Select(a => a.Name).Order(StringComparer.Ordinal), worker.Herder.Connectors());
        foreach (var (name, state, tasks) in answered.Where(a => a.State != ""))
        {
            Assert.StartsWith(state, worker.States(name));
            if (state == "RUNNING")
                Assert.Equal(tasks, worker.Herder.Status(name).Tasks.Count);
        }
    }

    private static async Task SettleRestartsAsync(TestWorker worker, string name)
    {
        while (worker.States(name).Contains("FAILED"))
        {
            worker.Clock.Advance(TimeSpan.FromMinutes(10));
            await worker.Herder.SettledAsync(name);
        }
    }

    private static async Task CheckAsync(TestWorker worker, SortedDictionary<string, Wanted> model, string where)
    {
        Assert.Equal(model.Keys, worker.Herder.Connectors());
        foreach (var (name, wanted) in model)
        {
            await worker.Herder.SettledAsync(name);
            var state = wanted.Target switch { TargetState.Started => "RUNNING", TargetState.Paused => "PAUSED", _ => "STOPPED" };
            Assert.Equal($"{where}: {state} [{string.Join(", ", Enumerable.Repeat(state, wanted.Tasks))}]", $"{where}: {worker.States(name)}");
            Assert.Equal(wanted.Tasks, worker.Herder.Tasks(name).Count);
            Assert.Equal($"{wanted.Configured}", worker.Herder.Info(name).Config["tasks"]);
            Assert.Equal(Enumerable.Range(0, wanted.Tasks), worker.Statuses.Tasks(name).Keys.Order());
        }

        Assert.Equal(
            model.SelectMany(m => Enumerable.Range(0, m.Value.Tasks).Select(i => $"{m.Key}-{i} {m.Value.Target == TargetState.Paused}")),
            worker.Plugins.Live.Select(t => $"{t.Id.Connector}-{t.Id.Task} {model[t.Id.Connector].Target == TargetState.Paused}").Order(StringComparer.Ordinal));
        Assert.All(worker.Plugins.Open, open => Assert.Equal(model.GetValueOrDefault(open.Key)?.Target == TargetState.Started ? 1 : 0, open.Value));
    }

    /// <param name="Target">What was asked last.</param>
    /// <param name="Configured">How many tasks the configuration asks for.</param>
    /// <param name="Tasks">How many there are: those of the configuration, as of the last time the connector ran.</param>
    private sealed record Wanted(TargetState Target, int Configured, int Tasks);
}
