using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

/// <summary>Units over several partitions of which some are not flushed by themselves: after a power cut they are there as a whole or not at all.</summary>
public class UnitCrashTests
{
    private static readonly LogConfig s_os = LogConfig.Default with { Durability = Durability.Os };

    [Theory]
    [InlineData(Durability.Fsync)]
    [InlineData(Durability.Os)]
    public async Task A_power_cut_at_any_operation_leaves_no_half_of_a_unit(Durability other)
    {
        var whole = new SimulatedDisk();
        await RunAsync(whole, other, []);

        for (var n = 1; n <= whole.Operations; n++)
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: n);
            var acknowledged = new List<string>();
            await RunAsync(disk, other, acknowledged);
            for (var seed = 0; seed < 4; seed++)
            {
                await using var run = new DirectoryRun(disk.Reboot((n * 10) + seed));
                Assert.True(run.Directory.Recovery.Damaged.Count == 0, $"operation {n}: damage was reported");
                var (one, two) = (Units(run, "one"), Units(run, "two"));
                Assert.True(one.SequenceEqual(two), $"operation {n}, seed {seed}: {string.Join(',', one)} and {string.Join(',', two)}");
                Assert.Equal(acknowledged, one.Take(acknowledged.Count));
            }
        }
    }

    /// <summary>Single appends that nobody flushes, and between them units that need what was written before.</summary>
    private static async Task RunAsync(SimulatedDisk disk, Durability other, List<string> acknowledged)
    {
        DirectoryRun? run = null;
        try
        {
            run = new DirectoryRun(disk);
            var (one, two) = (run.Log("one", s_os), run.Log("two", s_os with { Durability = other }));
            for (var i = 0; i < 5; i++)
            {
                await run.AppendAsync(one, $"single {i}");
                await run.AppendAsync(two, $"single {i}");
                await run.Directory.AppendAtomicAsync([(one, run.Batch($"unit {i}")), (two, run.Batch($"unit {i}"))]);
                acknowledged.Add($"unit {i}");
            }
            await run.DisposeAsync();
        }
        catch (Exception e) when (e is SimulatedCrash or StorageException)
        {
            try
            {
                if (run is not null)
                    await run.DisposeAsync();
            }
            catch (SimulatedCrash)
            {
            }
        }
    }

    private static List<string> Units(DirectoryRun run, string topic) =>
        run.Directory.Find(new TopicPartition(topic, 0)) is { } log ? [.. DirectoryRun.Values(log).Where(v => v.StartsWith("unit", StringComparison.Ordinal))] : [];
}
