using System.Diagnostics;

namespace RestStream.Tests.Connect;

/// <summary>Bad plugins on a real server (<c>Harm</c> in RestStream.TestConnectors says what each does), beside a source and a sink that are well.</summary>
public class HarmfulPluginTests
{
    private static readonly string[] s_kinds =
        ["block-in-work", "block-in-start", "block-in-dispose", "block-in-callback", "throw-in-callback", "throw-everywhere", "leak-threads"];

    /// <summary>What is called at once takes so long at most; nearly all of it is for a machine that has other things to do.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task A_plugin_that_hangs_leaks_or_throws_harms_nobody_else_and_the_server_ends_in_its_time()
    {
        await using var connect = await ConnectServer.StartAsync(
            "--RestStream:Connect:TaskShutdownTimeout", "00:00:00.500", "--RestStream:Connect:ProbeTimeout", "00:00:00.500", "--RestStream:Connect:MaxBlockedThreads", "100");
        var pair = await HealthyPair.StartAsync(connect);
        await connect.ProduceAsync("harm", "a record");
        string[] names = [.. s_kinds.Select(kind => kind + "-source"), .. s_kinds.Select(kind => kind + "-sink")];

        foreach (var name in names)
            Assert.Equal(201, (await InTime(connect.PostAsync("connectors", new { name, config = Harmful(name) }))).Status);
        await UntilTheyHarmAsync(connect, names);
        await pair.FlowsAsync();

        // A check that does not come back is a wrong configuration.
        Assert.Equal(400, (await InTime(connect.PostAsync("connectors", new { name = "check", config = Harmful("block-in-check-source") }))).Status);

        // A stop is answered, and is so when the time of the tasks is over.
        foreach (var name in names)
            Assert.Equal(204, (await InTime(connect.PutAsync($"connectors/{name}/stop"))).Status);
        foreach (var name in names)
            await connect.UntilAsync(name, "STOPPED");
        await pair.FlowsAsync();
        foreach (var name in names.Where(n => n.EndsWith("-sink", StringComparison.Ordinal)))
            Assert.Equal(204, (await InTime(connect.DeleteAsync($"connectors/{name}"))).Status);

        await MemoryComesBackAsync(connect);
        await ManyMayBlockAsync(connect, pair);

        // Once more, so that the end of the server finds them at it.
        string[] left = [.. names.Where(n => n.EndsWith("-source", StringComparison.Ordinal))];
        foreach (var name in left)
        {
            File.Delete(connect.FilePath($"{name}.journal"));
            Assert.Equal(202, (await InTime(connect.PutAsync($"connectors/{name}/resume"))).Status);
        }

        await UntilTheyHarmAsync(connect, left);
        await pair.FlowsAsync();
        connect.Server.Terminate();
        Assert.Equal(0, await connect.Server.WaitForExitAsync(TimeSpan.FromSeconds(60)));
        Assert.DoesNotContain("Unhandled", connect.Server.Output);
    }

    /// <summary>The 100 MB that a connector keeps are there again when it is deleted.</summary>
    private static async Task MemoryComesBackAsync(ConnectServer connect)
    {
        const string Leak = "leak-memory-source", Collector = "collect-source";
        Assert.Equal(201, (await InTime(connect.PostAsync("connectors", new { name = Leak, config = Harmful(Leak) }))).Status);
        await UntilTheyHarmAsync(connect, Leak);
        Assert.Equal(201, (await InTime(connect.PostAsync("connectors", new { name = Collector, config = Harmful(Collector) }))).Status);
        await UntilTheyHarmAsync(connect, Collector);
        var kept = connect.Server.ResidentBytes();

        Assert.Equal(204, (await InTime(connect.DeleteAsync($"connectors/{Leak}"))).Status);
        await connect.UntilAsync(() => Task.FromResult(connect.Server.ResidentBytes() < kept - (80 << 20)), "the memory to come back");
        Assert.Equal(204, (await InTime(connect.DeleteAsync($"connectors/{Collector}"))).Status);
    }

    /// <summary>40 tasks that take their threads away from the pool: others wait for a moment only.</summary>
    private static async Task ManyMayBlockAsync(ConnectServer connect, HealthyPair pair)
    {
        const string Name = "many-source";
        var config = Harmful(Name, "block-in-work");
        config["tasks.max"] = "40";
        Assert.Equal(201, (await InTime(connect.PostAsync("connectors", new { name = Name, config }))).Status);

        // The pool alone would let the last of them begin after 20 s, and everybody else with it.
        var blocked = InTime(connect.UntilAsync(() => Task.FromResult(connect.Journal($"{Name}.journal").Count == 40), "40 tasks that block"));
        do
        {
            Assert.Equal(200, (await InTime(connect.GetAsync("connectors?expand=status"))).Status);
            await InTime(pair.FlowsAsync());
        }
        while (!blocked.IsCompleted);

        await blocked;
        Assert.Equal(200, (await InTime(connect.GetAsync("connectors?expand=status"))).Status);
        await InTime(pair.FlowsAsync());
    }

    private static Task UntilTheyHarmAsync(ConnectServer connect, params string[] names) => connect.UntilAsync(
        () => Task.FromResult(names.All(name => name.StartsWith("block-in-dispose", StringComparison.Ordinal) || connect.Journal($"{name}.journal").Any(l => l.EndsWith("harms", StringComparison.Ordinal)))),
        "all of them to do what they do");

    private static Dictionary<string, string> Harmful(string name, string? harm = null)
    {
        var isSource = name.EndsWith("-source", StringComparison.Ordinal);
        return new()
        {
            ["connector.class"] = isSource ? "test.HarmfulSourceConnector" : "test.HarmfulSinkConnector",
            [isSource ? "topic" : "topics"] = "harm",
            ["value.converter"] = "org.apache.kafka.connect.storage.StringConverter",
            ["harm"] = harm ?? name[..name.LastIndexOf('-')],
            ["journal"] = $"{name}.journal",
            ["restart.policy"] = "never",
        };
    }

    private static async Task<T> InTime<T>(Task<T> call)
    {
        await InTime((Task)call);
        return await call;
    }

    private static async Task InTime(Task call)
    {
        var began = Stopwatch.GetTimestamp();
        await call;
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, s_soon);
    }

    /// <summary>From a file through a topic to a file.</summary>
    private sealed class HealthyPair(ConnectServer connect)
    {
        private int _lines;

        public static async Task<HealthyPair> StartAsync(ConnectServer connect)
        {
            File.WriteAllText(connect.FilePath("in.txt"), "");
            await connect.CreateAsync("healthy-source", ConnectServer.FileSource("in.txt", "healthy"));
            await connect.CreateAsync("healthy-sink", ConnectServer.FileSink("out.txt", "healthy"));
            var pair = new HealthyPair(connect);
            await pair.FlowsAsync();
            return pair;
        }

        public Task FlowsAsync()
        {
            var line = $"line {++_lines}";
            File.AppendAllText(connect.FilePath("in.txt"), line + "\n");
            return connect.UntilAsync(() => Task.FromResult(connect.Journal("out.txt").Contains(line)), $"'{line}' to come through the healthy pair");
        }
    }
}
