using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

/// <summary>Units of several batches, of partitions that are not flushed by themselves: after a power cut they are there as a whole or not at all.</summary>
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

    [Fact]
    public async Task A_power_cut_at_any_operation_leaves_no_half_of_a_unit_of_several_batches_for_one_partition()
    {
        var whole = new SimulatedDisk();
        await RunAsync(whole);

        for (var n = 1; n <= whole.Operations; n++)
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: n);
            var acknowledged = await RunAsync(disk);
            for (var seed = 0; seed < 8; seed++)
            {
                await using var run = new DirectoryRun(disk.Reboot((n * 10) + seed));
                var there = Units(run, "one");
                Assert.True(there.Count % 3 == 0, $"operation {n}, seed {seed}: {string.Join(',', there)}");
                Assert.Equal(acknowledged, there.Take(acknowledged.Count));
            }
        }

        static async Task<List<string>> RunAsync(SimulatedDisk disk)
        {
            var acknowledged = new List<string>();
            await EndAsync(disk, async run =>
            {
                var one = run.Log("one", s_os);
                for (var i = 0; i < 3; i++)
                {
                    await run.AppendAsync(one, $"single {i}");
                    string[] values = [$"unit {i}a", $"unit {i}b", $"unit {i}c"];
                    await run.Directory.AppendAtomicAsync([.. values.Select(v => (one, run.Batch(v)))]);
                    acknowledged.AddRange(values);
                }
            });
            return acknowledged;
        }
    }

    /// <summary>Single appends that nobody flushes, and between them units that need what was written before.</summary>
    private static Task RunAsync(SimulatedDisk disk, Durability other, List<string> acknowledged) => EndAsync(disk, async run =>
    {
        var (one, two) = (run.Log("one", s_os), run.Log("two", s_os with { Durability = other }));
        for (var i = 0; i < 5; i++)
        {
            await run.AppendAsync(one, $"single {i}");
            await run.AppendAsync(two, $"single {i}");
            await run.Directory.AppendAtomicAsync([(one, run.Batch($"unit {i}")), (two, run.Batch($"unit {i}"))]);
            acknowledged.Add($"unit {i}");
        }
    });

    /// <summary>A run that comes to its end or to the power cut.</summary>
    private static async Task EndAsync(SimulatedDisk disk, Func<DirectoryRun, Task> work)
    {
        DirectoryRun? run = null;
        try
        {
            run = new DirectoryRun(disk);
            await work(run);
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
