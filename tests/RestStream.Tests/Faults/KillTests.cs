using RestStream.TestKit.History;
using RestStream.TestKit.Processes;
using RestStream.TestKit.Tools;
using RestStream.Tests.Faults.Load;
using RestStream.Tests.Judges;

namespace RestStream.Tests.Faults;

/// <summary>kill -9 of the real process under load: nothing acknowledged is lost, no offset used twice, nothing read disappears, and the next start needs no help.</summary>
[Collection(ProcessTests.Name)]
public class KillTests
{
    private readonly Random _random = new(ProcessTests.Seed);
    private readonly MixedLoad _load = new(ProcessTests.Seed);
    private readonly TopicChurn _churn = new(ProcessTests.Seed);

    [Fact]
    public async Task Thirty_kills_under_load_lose_nothing_that_was_acknowledged()
    {
        using var folder = new TempFolder("kill");
        for (var round = 0; round < 30; round++)
        {
            await using var server = await StartAsync(folder["data"], round);

            await RoundAsync(server, async () =>
            {
                await _load.WhenAnsweredAsync(_random.Next(1, 250), server);

                // An answer comes just after a flush: wait up to 20 ms, so that the kill hits other moments too.
                await Task.Delay(_random.Next(20));
                await server.KillAsync();
            });
        }

        var report = await JudgeAsync(folder["data"]);

        Assert.True(report.AcknowledgedRecords > 10_000, report.ToString());
        Assert.True(report.UnansweredRecords > 0, report.ToString());
    }

    [RequiresToolFact("gcc")]
    public async Task A_kill_before_in_or_after_any_file_call_loses_nothing_that_was_acknowledged()
    {
        using var folder = new TempFolder("kill-at");
        var hits = 0;
        var cases = Cases().ToArray();
        for (var round = 0; round < cases.Length; round++)
        {
            var (action, call, when) = cases[round];
            using var shim = new FaultShim();
            await using var server = await StartAsync(folder["data"], round, shim);

            await RoundAsync(server, async () =>
            {
                shim.Order(action, call, when);
                await _load.WhenAnsweredAsync(300, server);
                await server.KillAsync();
            });
            hits += shim.Hits;
        }

        await JudgeAsync(folder["data"]);

        Assert.True(hits > cases.Length * 2 / 3, $"only {hits} of {cases.Length} rounds came to the call they were to die at");
    }

    [RequiresToolFact("gcc")]
    public async Task A_kill_at_any_file_call_of_a_recovery_loses_nothing_that_was_acknowledged()
    {
        using var folder = new TempFolder("kill-start");
        var interrupted = 0;
        for (var round = 0; round < 10; round++)
        {
            await using (var server = await StartAsync(folder["data"], round))
            {
                await RoundAsync(server, async () =>
                {
                    await _load.WhenAnsweredAsync(60, server);
                    await server.KillAsync();
                });
            }

            for (var attempt = 0; attempt < 2; attempt++)
            {
                using var shim = new FaultShim();
                shim.Order(_random.Next(3) switch { 0 => FaultAction.KillBefore, 1 => FaultAction.KillAfter, _ => FaultAction.TornWrite }, FaultCall.Any, _random.Next(1, 40));
                await using var recovering = ServerProcess.Launch(shim.Options(folder["data"], ProcessTests.LogAlone));
                try
                {
                    await recovering.WaitUntilReadyAsync();
                }
                catch (InvalidOperationException) when (shim.Hits > 0)
                {
                    interrupted++;
                }
            }
        }

        await JudgeAsync(folder["data"]);

        Assert.True(interrupted >= 5, $"only {interrupted} of 20 recoveries came to the call they were to die at");
    }

    [RequiresToolFact("strace")]
    public async Task A_kill_by_the_kernel_at_a_write_or_flush_loses_nothing_that_was_acknowledged()
    {
        using var folder = new TempFolder("kill-strace");
        var calls = new[] { "pwrite64,pwritev", "fdatasync", "fsync", "rename,renameat2" };
        for (var round = 0; round < 8; round++)
        {
            // strace counts per thread; the signal comes before the call is done.
            await using var server = ServerProcess.Launch(new ServerProcessOptions
            {
                DataDirectory = folder["data"],
                Arguments = ProcessTests.LogAlone,
                Launcher =
                [
                    "strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", $"trace={calls[round % 4]}",
                    "-e", $"inject={calls[round % 4]}:signal=KILL:when={(round < 4 ? _random.Next(20, 60) : _random.Next(2, 20))}",
                ],
            });
            try
            {
                await server.WaitUntilReadyAsync();
            }
            catch (InvalidOperationException) when (server.HasExited && round > 0)
            {
                continue;
            }

            if (round == 0)
                await _load.CreateTopicsAsync(server);
            await RoundAsync(server, async () =>
            {
                await _load.WhenAnsweredAsync(100, server);
                await server.KillAsync();
            });
        }

        await JudgeAsync(folder["data"]);
    }

    private IEnumerable<(FaultAction Action, FaultCall Call, int When)> Cases()
    {
        foreach (var when in new[] { 1, 4, 20, 120 })
        {
            yield return (FaultAction.KillBefore, FaultCall.Write, _random.Next(when, when * 2));
            yield return (FaultAction.TornWrite, FaultCall.Write, _random.Next(when, when * 2));
            yield return (FaultAction.KillAfter, FaultCall.Write, _random.Next(when, when * 2));
            yield return (FaultAction.KillBefore, FaultCall.Flush, _random.Next(when, when * 2));
            yield return (FaultAction.KillAfter, FaultCall.Flush, _random.Next(when, when * 2));
        }
        foreach (var call in new[] { FaultCall.Rename, FaultCall.Delete, FaultCall.Truncate, FaultCall.Reserve })
        {
            yield return (FaultAction.KillBefore, call, _random.Next(1, 5));
            yield return (FaultAction.KillAfter, call, _random.Next(1, 5));
        }
    }

    private async Task<ServerProcess> StartAsync(string dataDirectory, int round, FaultShim? shim = null)
    {
        var server = await ServerProcess.StartAsync(
            shim?.Options(dataDirectory, ProcessTests.LogAlone) ?? new() { DataDirectory = dataDirectory, Arguments = ProcessTests.LogAlone });
        if (round == 0)
            await _load.CreateTopicsAsync(server);
        else
            await _churn.VerifyAsync(server);
        return server;
    }

    private Task RoundAsync(ServerProcess server, Func<Task> during) => _load.RoundAsync(server, async () =>
    {
        using var stop = new CancellationTokenSource();
        var churning = _churn.RunAsync(server, stop.Token);
        await during();
        await stop.CancelAsync();
        await churning;
    });

    private async Task<CheckReport> JudgeAsync(string dataDirectory)
    {
        await using var server = await StartAsync(dataDirectory, round: -1);

        // The readers that lived through all of it go on and catch up.
        await _load.RoundAsync(server, () => _load.WhenAnsweredAsync(50, server));
        var report = await _load.JudgeAsync(server);
        Assert.Equal(0, await server.StopAsync());
        if (Tool.WhyMissing("kafka") is null)
            await KafkaDumpLog.AssertAcceptsAsync(dataDirectory);
        return report;
    }
}
