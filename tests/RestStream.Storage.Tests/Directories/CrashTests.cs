using System.Globalization;
using RestStream.Storage.Tests.Log;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

/// <summary>The machine stops at every single operation on its disk, in turn, and what was promised before must hold afterwards.</summary>
public class CrashTests
{
    private static readonly LogConfig s_config = LogConfig.Default with { SegmentBytes = 4096, IndexIntervalBytes = 100 };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_at_any_operation_loses_nothing_that_was_acknowledged_or_read(bool powerCut)
    {
        var whole = new SimulatedDisk();
        await new Workload().RunAsync(whole);
        var operations = whole.Operations;
        Assert.True(operations > 150, $"Only {operations} operations: the workload does not try enough.");

        for (var n = 1; n <= operations; n++)
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: n);
            var workload = new Workload();
            await workload.RunAsync(disk);
            for (var seed = 0; seed < (powerCut ? 3 : 1); seed++)
                await workload.VerifyAsync(powerCut ? disk.Reboot((n * 10) + seed) : disk.Restart(), $"operation {n}, seed {seed}");
        }
    }

    [Fact]
    public async Task A_stop_at_any_operation_of_the_recovery_is_recovered_from_as_well()
    {
        var first = new SimulatedDisk();
        first.CrashAt(120, seed: 1);
        var workload = new Workload();
        await workload.RunAsync(first);

        for (var n = 1; n < 200; n++)
        {
            var disk = first.Reboot(seed: n);
            disk.CrashAt(n, seed: n);
            try
            {
                await new DirectoryRun(disk).DisposeAsync();
            }
            catch (SimulatedCrash)
            {
            }
            await workload.VerifyAsync(disk.Reboot(seed: 1000 + n), $"operation {n} of the recovery");
        }
    }

    /// <summary>Small and large appends, units over two partitions, rolls, background flushes; notes what was acknowledged and what a reader saw.</summary>
    private sealed class Workload
    {
        private readonly Dictionary<(string Topic, long Offset), string> _promised = [];
        private readonly List<(string Value, string Other)> _atomic = [];
        private readonly HashSet<string> _sent = [];

        public async Task RunAsync(SimulatedDisk disk)
        {
            DirectoryRun? run = null;
            try
            {
                run = new DirectoryRun(disk);
                var topics = new[] { "a", "b", "c" };
                foreach (var topic in topics)
                    run.Log(topic, s_config);
                for (var i = 0; i < 30; i++)
                {
                    var topic = topics[i % 3];
                    if (i % 7 == 6)
                        await AppendBothAsync(run, $"{i}");
                    else
                        await AppendAsync(run, topic, i % 5 == 4 ? $"{i}:{new string((char)('a' + (i % 26)), 2500)}" : $"{i}");
                    if (i % 10 == 9)
                        run.Clock.Advance(TimeSpan.FromSeconds(10));
                    Read(run);
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

        public async Task VerifyAsync(SimulatedDisk disk, string when)
        {
            for (var start = 0; start < 2; start++)
            {
                await using var run = new DirectoryRun(disk);
                Assert.True(run.Directory.Recovery.Damaged.Count == 0, $"{when}: damage was reported");
                var there = new Dictionary<(string, long), string>();
                foreach (var log in run.Directory.Partitions)
                {
                    foreach (var (offset, _, value) in log.ReadAll())
                        there[(log.Id.Topic, offset)] = value!;
                }
                foreach (var (place, value) in _promised)
                    Assert.True(there.TryGetValue(place, out var found) && found == value, $"{when}, start {start}: {place} was {Short(value)} and is {Short(found)}");
                Assert.All(there.Values, value => Assert.True(_sent.Contains(value), $"{when}: {Short(value)} was never sent"));
                Assert.Equal(there.Count, there.Values.Distinct().Count());
                foreach (var (value, other) in _atomic)
                    Assert.True(there.ContainsValue(value) == there.ContainsValue(other), $"{when}: half of the unit {value} is there");

                // It goes on without help, behind what is there.
                foreach (var log in run.Directory.Partitions)
                {
                    var end = log.HighWatermark;
                    var value = string.Create(CultureInfo.InvariantCulture, $"{log.Id.Topic}-after-{start}-{when}");
                    _sent.Add(value);
                    Assert.Equal(end, (await run.AppendAsync(log, value)).BaseOffset);
                }
            }
            foreach (var value in _sent.Where(v => v.Contains("-after-", StringComparison.Ordinal)).ToList())
                _sent.Remove(value);
        }

        private static string Short(string? value) => value is null ? "nothing" : value.Length > 12 ? value[..12] + "..." : value;

        private async Task AppendAsync(DirectoryRun run, string topic, string value)
        {
            _sent.Add(value);
            var result = await run.AppendAsync(run.Log(topic), value);
            _promised[(topic, result.BaseOffset)] = value;
        }

        private async Task AppendBothAsync(DirectoryRun run, string value)
        {
            var (one, two) = (value + "-one", value + "-two");
            _sent.Add(one);
            _sent.Add(two);
            _atomic.Add((one, two));
            var results = await run.Directory.AppendAtomicAsync([(run.Log("a"), run.Batch(one)), (run.Log("b"), run.Batch(two))]);
            _promised[("a", results[0].BaseOffset)] = one;
            _promised[("b", results[1].BaseOffset)] = two;
        }

        private void Read(DirectoryRun run)
        {
            foreach (var log in run.Directory.Partitions)
            {
                foreach (var (offset, _, value) in log.ReadAll())
                    _promised[(log.Id.Topic, offset)] = value!;
            }
        }
    }
}
