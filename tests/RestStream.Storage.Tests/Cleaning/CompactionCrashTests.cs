using System.Globalization;
using RestStream.Storage.Tests.Directories;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Cleaning;

/// <summary>The machine stops at every single operation while partitions are written and compacted, and while that is recovered: every key keeps its newest value, and no deleted one comes back.</summary>
public class CompactionCrashTests
{
    private static readonly LogConfig s_config = KeyedLog.Config with { SegmentBytes = 900 };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_at_any_operation_leaves_the_newest_value_of_each_key(bool powerCut)
    {
        // The journal and the other partition have their own test; here it is about the files of the compacted one and the checkpoints, from the first pass on.
        var stops = new List<long>();
        var cleaning = false;
        var whole = new SimulatedDisk
        {
            Before = operation =>
            {
                cleaning |= operation.Path.EndsWith(".cleaned", StringComparison.Ordinal);
                if (cleaning && (operation.Path.Contains("/k-0", StringComparison.Ordinal) || operation.Path.Contains("checkpoint", StringComparison.Ordinal)))
                    stops.Add(operation.Number);
            },
        };
        var complete = new Workload(seed: 7);
        await complete.RunAsync(whole);
        Assert.True(complete.Passes >= 4 && complete.Replaced >= 10, $"{complete.Passes} passes, {complete.Replaced} segments: the workload does not try enough.");
        Assert.True(complete.TombstonesDropped, "No tombstone was ever dropped.");

        foreach (var n in stops.Where((_, i) => powerCut || i % 4 == 0))
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: (int)n);
            var workload = new Workload(seed: 7);
            await workload.RunAsync(disk);
            await workload.VerifyAsync(powerCut ? disk.Reboot((int)n) : disk.Restart(), $"operation {n}");
        }
    }

    [Fact]
    public async Task Random_histories_come_to_the_same_table_with_and_without_compaction()
    {
        for (var seed = 0; seed < 15; seed++)
        {
            var disk = new SimulatedDisk();
            var workload = new Workload(seed);
            await workload.RunAsync(disk);
            await workload.VerifyAsync(disk.Restart(), $"seed {seed}");
        }
    }

    [Fact]
    public async Task A_stop_at_any_operation_of_the_recovery_is_recovered_from_as_well()
    {
        // Stops within the exchange of files, where a start has most to finish.
        var renames = new List<long>();
        var whole = new SimulatedDisk { Before = operation => { if (operation.Kind == DiskOperationKind.Rename && operation.Path.Contains("/k-0/", StringComparison.Ordinal)) renames.Add(operation.Number); } };
        await new Workload(seed: 3).RunAsync(whole);
        Assert.True(renames.Count > 20);

        foreach (var stop in renames.Where((_, i) => i % 9 == 4))
        {
            var first = new SimulatedDisk();
            first.CrashAt(stop, seed: 1);
            var workload = new Workload(seed: 3);
            await workload.RunAsync(first);
            for (var n = 1; n < 50; n += 2)
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
                await workload.VerifyAsync(disk.Reboot(seed: 1000 + n), $"stop {stop}, operation {n} of the recovery");
            }
        }
    }

    /// <summary>Two partitions, one of them compacted now and then while both are written; notes what was acknowledged.</summary>
    private sealed class Workload(int seed)
    {
        private readonly Dictionary<long, (string Key, string? Value)> _sent = [];
        private readonly List<Keyed> _acknowledged = [];
        private readonly HashSet<long> _gone = [];
        private (string Key, string? Value)[] _inFlight = [];

        public int Passes { get; private set; }
        public int Replaced { get; private set; }
        public bool TombstonesDropped { get; private set; }

        public async Task RunAsync(SimulatedDisk disk)
        {
            DirectoryRun? run = null;
            var random = new Random(seed);
            try
            {
                run = new DirectoryRun(disk);
                var (log, other) = (run.Log("k", s_config), run.Log("other", LogConfig.Default));
                for (var i = 0; i < 40; i++)
                {
                    await AppendAsync(run, log, random, i);
                    if (i % 8 == 0)
                        await run.AppendAsync(other, $"{i}");
                    run.Clock.Advance(TimeSpan.FromSeconds(random.Next(20)));
                    if (i % 5 == 4)
                        await CleanAsync(run, log);
                }
                await run.DisposeAsync();
            }
            catch (Exception e) when (e is SimulatedCrash or StorageException or ObjectDisposedException)
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
            var clock = TimeSpan.FromSeconds(40 * 20);
            for (var start = 0; start < 2; start++)
            {
                // The first time everything is read again, when nothing but the checkpoint says that offsets may be missing.
                await using var run = new DirectoryRun(disk, DirectoryRun.Small() with { VerifyAll = start == 0 });
                run.Clock.Advance(clock);
                Assert.True(run.Directory.Recovery.Damaged.Count == 0, $"{when}: damage was reported");
                var log = run.Log("k", s_config);
                Check(log.ReadKeyed(), $"{when}, start {start}");
                Assert.True(!log.ReadKeyed().Exists(r => _gone.Contains(r.Offset)), $"{when}: a record came back that a finished pass had taken away");

                // It goes on without help: a further pass, and writing behind what is there.
                await run.CleanAsync(log);
                await run.Directory.ApplyRetentionAsync(log);
                Check(log.ReadKeyed(), $"{when}, start {start}, cleaned");
                Assert.Equal(log.HighWatermark, await run.AppendAsync(log, ($"after-{start}", when)));
                Assert.Empty(log.Damage);
            }
        }

        private void Check(List<Keyed> there, string when)
        {
            foreach (var record in there.Where(r => !r.Key.StartsWith("after", StringComparison.Ordinal)))
            {
                var known = _sent.TryGetValue(record.Offset, out var sent) ? sent == (record.Key, record.Value) : _inFlight.Contains((record.Key, record.Value));
                Assert.True(known, $"{when}: {record} was never sent");
            }
            var table = there.Where(r => !r.Key.StartsWith("after", StringComparison.Ordinal)).Newest();
            var promised = _acknowledged.Newest();
            foreach (var key in _acknowledged.Select(r => r.Key).Distinct())
            {
                // What was on its way when the machine stopped may have arrived.
                if (_inFlight.Any(r => r.Key == key) && there.Any(r => r.Key == key && !_sent.ContainsKey(r.Offset)))
                    continue;
                Assert.True(promised.GetValueOrDefault(key) == table.GetValueOrDefault(key), $"{when}: {key} was {promised.GetValueOrDefault(key)} and is {table.GetValueOrDefault(key)}");
            }
        }

        private async Task AppendAsync(DirectoryRun run, PartitionLog log, Random random, int number)
        {
            // Some keys are written all the time, others only for a while and then deleted.
            var records = Enumerable.Range(0, random.Next(1, 5)).Select(i =>
                (random.Next(3) == 0 ? $"d{number / 5}" : $"k{random.Next(4)}",
                random.Next(4) == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"v{number}.{i}:{new string('x', random.Next(150))}"))).ToArray();
            _inFlight = records;
            var offset = await run.AppendAsync(log, records);
            foreach (var (key, value) in records)
            {
                _sent[offset] = (key, value);
                _acknowledged.Add(new(offset++, key, value));
            }
            _inFlight = [];
        }

        private async Task CleanAsync(DirectoryRun run, PartitionLog log)
        {
            var before = log.ReadKeyed();
            if (await run.CleanAsync(log) is not { } result)
                return;
            Passes++;
            Replaced += result.SegmentsBefore;
            var after = log.ReadKeyed();
            _gone.UnionWith(before.Select(r => r.Offset).Except(after.Select(r => r.Offset)));
            TombstonesDropped |= before.Any(r => r.Value is null && after.All(left => left.Key != r.Key));
            await run.Directory.ApplyRetentionAsync(log);
        }
    }
}
