using System.Globalization;
using RestStream.TestKit.Disks;
using Xunit.Abstractions;

namespace RestStream.Connect.Tests.Tasks;

public class SourceCrashTests(ITestOutputHelper output)
{
    private const int Records = 24;

    /// <summary>Every step at which the disk can stop is tried, up to this many per run; beyond, every second one and so on.</summary>
    private const int MostSteps = 150;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_source_that_is_killed_at_any_step_of_the_disk_has_each_record_once_after_the_restart(bool powerCut)
    {
        var prepared = new SimulatedDisk();
        await using (var worker = await StartAsync(prepared))
            await worker.CreateAsync("out", 2);
        var start = prepared.Restart();

        var whole = start.Restart();
        var before = await RunAsync(whole, Records);
        var steps = before.Operations;
        var stride = (int)Math.Max(1, steps / MostSteps);
        int killed = 0, partly = 0;
        for (var step = 1 + (powerCut ? 0 : stride / 2); step <= steps; step += stride)
        {
            var disk = start.Restart();
            disk.CrashAt(step, seed: step);
            await RunAsync(disk, Records);
            var found = powerCut ? disk.Reboot(seed: step) : disk.Restart();
            await using var worker = await StartAsync(found);

            // All of a unit, or nothing: the offset and the records agree, and the log is a prefix without holes or repeats.
            var written = Written(worker);
            var offset = (long?)worker.Services.Offsets.Find("c", CountingSource.Partition)?["number"] ?? 0;
            Assert.Equal(Enumerable.Range(1, (int)offset), written);
            killed += offset < Records ? 1 : 0;
            partly += offset is > 0 and < Records ? 1 : 0;

            var script = Script();
            worker.Run<CountingSource>(script);
            await TestWorker.UntilAsync(() => script.Started == 1 && Written(worker).Count >= Records, $"all records after a crash at step {step}");
            Assert.Equal(Enumerable.Range(1, Records), Written(worker));
            Assert.Equal(offset == 0 ? null : offset, script.ResumedAt);
        }

        output.WriteLine($"{steps} steps, every {stride}.: {killed} runs were cut off, {partly} of them between two units");
        Assert.True(killed > 3);
        Assert.True(partly > 0);
    }

    /// <summary>Records go to the two partitions in turn, so that each unit has parts in three logs.</summary>
    private static CountingScript Script() => new()
    {
        Last = Records,
        PerPoll = 4,
        Change = r => r with { Partition = int.Parse((string)r.Value!, CultureInfo.InvariantCulture) % 2 },
    };

    private static Task<TestWorker> StartAsync(SimulatedDisk disk) => TestWorker.StartAsync(disk, folder: "/data");

    private static List<int> Written(TestWorker worker) =>
        [.. worker.Values("out", 0).Concat(worker.Values("out", 1)).Select(v => int.Parse(v, CultureInfo.InvariantCulture)).Order()];

    /// <summary>Runs the source until it is done or the disk stops.</summary>
    private static async Task<SimulatedDisk> RunAsync(SimulatedDisk disk, int records)
    {
        TestWorker worker;
        try
        {
            worker = await StartAsync(disk);
        }
        catch (Exception e) when (e is SimulatedCrash or Storage.StorageException or Broker.BrokerException or IOException)
        {
            return disk;
        }

        var run = worker.Run<CountingSource>(Script());
        await TestWorker.UntilAsync(() => run.Failure is not null || Written(worker).Count >= records, "the end or a failure");
        await worker.CrashAsync();
        return disk;
    }
}
