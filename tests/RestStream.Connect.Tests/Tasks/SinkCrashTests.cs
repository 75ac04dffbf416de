using RestStream.TestKit.Disks;
using Xunit.Abstractions;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

public class SinkCrashTests(ITestOutputHelper output)
{
    private const int Records = 30;
    private const int MostSteps = 60;

    private static readonly Dictionary<string, string> s_config = new() { ["topics"] = "in", ["consumer.override.max.poll.records"] = "4" };

    [Fact]
    public async Task A_sink_that_is_killed_at_any_step_of_the_disk_gets_every_record_and_no_offset_is_ahead_of_what_it_was_given()
    {
        var prepared = new SimulatedDisk();
        await using (var worker = await StartAsync(prepared))
        {
            await worker.CreateAsync("in");
            for (var i = 1; i <= Records; i++)
                await worker.ProduceAsync("in", 0, $"{i}");
        }

        var start = prepared.Restart();
        var whole = start.Restart();
        await RunAsync(whole, new SinkScript());
        var stride = (int)Math.Max(1, whole.Operations / MostSteps);
        int cutOff = 0, again = 0;
        for (var step = 1; step <= whole.Operations; step += stride)
        {
            var disk = start.Restart();
            disk.CrashAt(step, seed: step);
            var before = new SinkScript();
            await RunAsync(disk, before);
            await using var worker = await StartAsync(disk.Reboot(seed: step));
            var committed = worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset ?? 0;
            Assert.InRange(committed, 0, before.Put.Count);

            var after = new SinkScript();
            worker.Run<RememberingSink>(after, s_config);
            await TestWorker.UntilAsync(() => committed == Records || after.Values.LastOrDefault() == $"{Records}", $"the rest after a crash at step {step}");
            Assert.Equal(Enumerable.Range((int)committed + 1, Records - (int)committed).Select(n => $"{n}"), after.Values);
            cutOff += committed < Records ? 1 : 0;
            again += committed < before.Put.Count ? 1 : 0;
        }

        output.WriteLine($"{whole.Operations} steps, every {stride}.: {cutOff} runs were cut off, {again} got records again");
        Assert.True(cutOff > 3);
    }

    private static Task<TestWorker> StartAsync(SimulatedDisk disk) => TestWorker.StartAsync(disk, folder: "/data");

    /// <summary>Runs the sink, which commits after every batch, until it has everything or the disk stops.</summary>
    private static async Task RunAsync(SimulatedDisk disk, SinkScript script)
    {
        TestWorker worker;
        try
        {
            worker = await StartAsync(disk);
        }
        catch (Exception e) when (e is SimulatedCrash or Storage.StorageException or Broker.BrokerException or IOException)
        {
            return;
        }

        script.BeforePut = (context, records, _) =>
        {
            if (records.Count > 0)
                context.RequestCommit();
            return Task.CompletedTask;
        };
        var run = worker.Run<RememberingSink>(script, s_config);
        await TestWorker.UntilAsync(() => run.Failure is not null || worker.Broker.CommittedOffset("connect-c", new LogPartition("in", 0))?.Offset == Records, "the end or a failure");
        await worker.CrashAsync();
    }
}
