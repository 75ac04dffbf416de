using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Tests.Directories;
using RestStream.Storage.Tests.Log;
using RestStream.Storage.Verification;
using RestStream.TestKit;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Cleaning;

public class CompactionTests
{
    [Fact]
    public async Task Every_read_while_files_are_exchanged_finds_what_no_newer_record_supersedes()
    {
        var disk = new SimulatedDisk();
        await using var run = new DirectoryRun(disk);
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 60);
        var all = log.ReadKeyed();
        var newest = all.Newest();
        var (follower, next, looks) = (new List<Keyed>(), 0L, 0);
        disk.Before = operation =>
        {
            if (!operation.Path.Contains("/k-0", StringComparison.Ordinal))
                return;
            looks++;
            Assert.Equal(newest, log.ReadKeyed().Newest());
            // A follower that goes on batch by batch, while the segments under it are replaced.
            foreach (var record in log.ReadKeyed(next, maxBytes: 1).Take(2))
            {
                Assert.True(follower.Count == 0 || record.Offset > follower[^1].Offset);
                follower.Add(record);
                next = record.Offset + 1;
            }
        };

        var result = await run.CleanAsync(log);

        disk.Before = null;
        Assert.True(result!.RecordsKept < result.RecordsRead && looks > 20);
        follower.AddRange(log.ReadKeyed(next));
        Assert.Equal(newest, follower.Newest());
        Assert.All(follower, record => Assert.Contains(record, all));
        Assert.Equal(follower.Select(r => r.Offset).Distinct().Count(), follower.Count);
    }

    [Fact]
    public async Task A_reader_on_another_thread_sees_no_gap_and_no_repeat_while_passes_run()
    {
        using var folder = new TempFolder("compaction");
        await using var run = new DirectoryRun(new LinuxFileSystem(), root: folder.Path);
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 100);
        var done = false;
        var reading = Task.Run(() =>
        {
            var reads = 0;
            for (; !Volatile.Read(ref done) || reads < 3; reads++)
            {
                var (before, records) = (log.HighWatermark, log.ReadKeyed(maxBytes: 2000));
                // Keys are written round and round: whatever is compacted, the last round below the end that was seen is there.
                Assert.Equal(KeyCount, records.Where(r => r.Offset < before).Select(r => r.Key).Distinct().Count());
            }
        });

        for (var pass = 0; pass < 15; pass++)
        {
            await FillAsync(run, log, batches: 10);
            await run.CleanAsync(log);
            await run.Directory.ApplyRetentionAsync(log);
        }

        Volatile.Write(ref done, true);
        await reading;
        Assert.True(log.RecordCount < 200);
    }

    [Fact]
    public async Task A_damaged_batch_stops_compaction_and_nothing_is_dropped()
    {
        var disk = new SimulatedDisk();
        await using var run = new DirectoryRun(disk);
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 40);
        log.Flush();
        var all = log.ReadKeyed();
        var victim = log.Segments[1];
        FlipLastByte(disk, $"/data/k-0/{victim.BaseOffset:D20}.log");
        var files = Files(disk);

        var error = await Assert.ThrowsAsync<StorageException>(() => run.CleanAsync(log));

        Assert.Equal(StorageError.DamagedRange, error.Error);
        Assert.Equal(files.Select(f => (f.Key, f.Value)), Files(disk).Select(f => (f.Key, f.Value)));
        var range = Assert.Single(log.Damage);
        Assert.Contains(run.Events, e => e.Kind == StorageEventKind.DamageFound);
        Assert.Equal(all.Where(r => r.Offset < range.From || r.Offset >= range.To), log.ReadKeyed());

        // The same again, when it is known.
        await Assert.ThrowsAsync<StorageException>(() => run.CleanAsync(log));
        Assert.Equal(files.Keys, Files(disk).Keys);
    }

    [Fact]
    public async Task A_full_disk_changes_nothing_and_with_room_the_pass_is_made()
    {
        var disk = new SimulatedDisk();
        await using var run = new DirectoryRun(disk);
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 80);
        log.Flush();
        var (all, files) = (log.ReadKeyed(), Files(disk));

        for (var room = 0; room < 6; room++)
        {
            disk.CapacityBytes = long.MaxValue;
            var used = 1L << 40;
            disk.CapacityBytes = used;
            disk.CapacityBytes = used - disk.FreeBytes("/") + (room * SimulatedDisk.SectorBytes);
            var plan = run.Directory.PlanCleaning(log)!;
            var error = await Record.ExceptionAsync(() => run.Directory.CleanAsync(plan, CleaningRun.PlentyOfMemory, default));
            if (error is null)
                break;
            Assert.Equal(StorageError.DiskFull, Assert.IsType<StorageException>(error).Error);
            Assert.Null(run.Directory.WritesStoppedReason);
            Assert.DoesNotContain(Files(disk).Keys, name => name.EndsWith(".cleaned", StringComparison.Ordinal) || name.EndsWith(".swap", StringComparison.Ordinal));
            if (room == 0)
                Assert.Equal(files.Keys, Files(disk).Keys);
            Assert.Equal(all.Newest(), log.ReadKeyed().Newest());
        }

        disk.CapacityBytes = long.MaxValue;
        await run.CleanAsync(log);
        Assert.Equal(all.Newest(), log.ReadKeyed().Newest());
        Assert.True(log.ReadKeyed().Count < all.Count);
        Assert.True(await run.AppendAsync(log, ("k0", "goes on")) > 0);
    }

    [Theory]
    [InlineData(24 * 4)]
    [InlineData(24 * 6)]
    [InlineData(24 * 1024)]
    public async Task A_map_that_is_full_makes_several_passes_which_come_to_the_same(long mapBytes)
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 50);
        var all = log.ReadKeyed();

        var (passes, reached) = (0, -1L);
        while (await run.CleanAsync(log, mapBytes) is { } result)
        {
            Assert.True(result.CleanedTo > reached);
            (passes, reached) = (passes + 1, result.CleanedTo);
            Assert.Equal(all.Newest(), log.ReadKeyed().Newest());
        }

        Assert.Equal(mapBytes >= 24 * 1024, passes == 1);
        var active = log.Segments[^1].BaseOffset;
        Assert.All(log.ReadKeyed().Where(r => r.Offset < active).GroupBy(r => r.Key), key => Assert.Single(key));
    }

    [Fact]
    public async Task Every_offset_and_time_is_found_in_a_log_with_gaps_also_after_a_restart_without_indexes()
    {
        var disk = new SimulatedDisk();
        List<Keyed> kept;
        long end;
        await using (var run = new DirectoryRun(disk))
        {
            var log = run.Log("k", KeyedLog.Config);
            await FillAsync(run, log, batches: 60);
            await run.CleanAsync(log);
            (kept, end) = (log.ReadKeyed(), log.HighWatermark);
            CheckLookups(log, kept);
            Assert.Equal(kept.Count, log.RecordCount);
            Assert.Equal(kept.Count, log.Segments.Sum(segment => segment.Records));
        }
        foreach (var name in disk.List("/data/k-0").Where(name => name.EndsWith("index", StringComparison.Ordinal)))
            disk.DeleteFile("/data/k-0/" + name);

        await using var again = new DirectoryRun(disk, DirectoryRun.Small() with { VerifyAll = true });
        Assert.Empty(again.Directory.Recovery.Damaged);
        Assert.Equal(end, again.Log("k").HighWatermark);
        CheckLookups(again.Log("k"), kept);
        Assert.Equal(kept.Count, again.Log("k").RecordCount);
    }

    [Fact]
    public async Task Small_neighbours_become_one_segment_that_stays_within_the_size()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("k", KeyedLog.Config);
        await FillAsync(run, log, batches: 60);
        await run.CleanAsync(log);
        await FillAsync(run, log, batches: 60);
        var before = log.SegmentCount;

        await run.CleanAsync(log);
        await FillAsync(run, log, batches: 10);
        await run.CleanAsync(log);

        Assert.True(log.SegmentCount < before / 3, $"{before} segments became {log.SegmentCount}");
        Assert.All(log.Segments, segment => Assert.InRange(segment.Bytes, 0, KeyedLog.Config.SegmentBytes));
    }

    [Fact]
    public async Task What_was_compacted_is_known_after_a_restart_and_forgotten_with_the_topic()
    {
        var disk = new SimulatedDisk();
        await using (var run = new DirectoryRun(disk))
        {
            var log = run.Log("k", KeyedLog.Config);
            await FillAsync(run, log, batches: 40);
            await run.CleanAsync(log);
            Assert.Null(await run.CleanAsync(log));
        }
        await using var again = new DirectoryRun(disk);
        var known = again.Log("k", KeyedLog.Config);
        Assert.Null(await again.CleanAsync(known));
        Assert.Contains("k 0 ", Text(disk, "/data/cleaner-offset-checkpoint"));

        await again.Directory.DeleteAsync(known);

        Assert.Equal("0\n0\n", Text(disk, "/data/cleaner-offset-checkpoint"));
        Assert.Equal(-1, again.Log("k", KeyedLog.Config).FirstDirtyOffset);
    }

    [Fact]
    public async Task A_pass_waits_for_the_ratio_and_for_the_least_lag_and_the_longest_lag_makes_one()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("k", KeyedLog.Config with { MinCleanableDirtyRatio = 0.5 });
        await FillAsync(run, log, batches: 40);
        Assert.NotNull(await run.CleanAsync(log));
        await run.AppendAsync(log, ("k1", new string('y', 1400)));
        await run.AppendAsync(log, ("k2", new string('y', 1400)));
        log.Config = log.Config with { MinCleanableDirtyRatio = 0.99 };
        Assert.InRange(run.Directory.PlanCleaning(log)!.DirtyRatio, 0.01, 0.99);
        Assert.Null(await run.CleanAsync(log));

        log.Config = log.Config with { MinCleanableDirtyRatio = 0, MinCompactionLagMs = 60_000 };
        Assert.Null(await run.CleanAsync(log));
        run.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.True(run.Directory.PlanCleaning(log)!.IsDue);

        log.Config = log.Config with { MinCleanableDirtyRatio = 1, MinCompactionLagMs = 0, MaxCompactionLagMs = 120_000 };
        Assert.Null(await run.CleanAsync(log));
        run.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.NotNull(await run.CleanAsync(log));

        // The active segment is closed for it when nobody writes.
        var segments = log.SegmentCount;
        await run.Directory.RollForCompactionAsync(log);
        Assert.Equal(0, log.Segments[^1].Bytes);
        Assert.NotNull(await run.CleanAsync(log));
        await run.Directory.RollForCompactionAsync(log);
        Assert.True(log.SegmentCount <= segments + 1);
    }

    [Fact]
    public async Task With_both_policies_old_segments_go_as_well_also_those_that_compaction_emptied()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("k", KeyedLog.Config with { CleanupDelete = true, RetentionMs = 3_600_000, DeleteRetentionMs = 0, SegmentBytes = 600 });
        await FillAsync(run, log, batches: 20, size: 180);
        await run.CleanAsync(log);
        Assert.Contains(log.Segments, segment => segment.Bytes == 0 && !segment.Active);
        run.Clock.Advance(TimeSpan.FromHours(2));
        await run.AppendAsync(log, ("k0", new string('z', 500)));
        await run.AppendAsync(log, ("k1", new string('z', 500)));

        await run.Directory.ApplyRetentionAsync(log);

        Assert.Equal([new('z', 500), new('z', 500)], log.ReadKeyed().Select(r => r.Value!));
        await run.Directory.RollForCompactionAsync(log);
        await run.CleanAsync(log);
        Assert.Equal(2, log.ReadKeyed().Count);
    }

    [Fact]
    public async Task The_offline_checker_accepts_a_compacted_directory()
    {
        using var folder = new TempFolder("compaction");
        await using (var run = new DirectoryRun(new LinuxFileSystem(), root: folder.Path))
        {
            var log = run.Log("k", KeyedLog.Config);
            await FillAsync(run, log, batches: 60);
            await run.CleanAsync(log);
            await FillAsync(run, log, batches: 20);
        }

        Assert.Empty(LogVerifier.Verify(folder.Path).Findings);
        Assert.Empty(LogVerifier.Verify(folder["k-0"]).Findings);
    }

    [Fact]
    public async Task The_newest_record_of_a_key_is_found_before_and_after_compaction()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("k", KeyedLog.Config);
        await run.AppendAsync(log, ("once", "long ago"), ("other", "x"));
        await FillAsync(run, log, batches: 60);
        var newest = log.ReadKeyed().Newest();
        using var batch = BatchBuffer.Rent(1024);

        for (var compacted = 0; compacted < 2; compacted++)
        {
            Assert.All(newest.Values, record => Assert.Equal(record.Offset, log.FindLatest(System.Text.Encoding.UTF8.GetBytes(record.Key), batch, default)));
            Assert.Equal(-1, log.FindLatest("nobody"u8.ToArray(), batch, default));
            await run.CleanAsync(log);
        }
    }

    private const int KeyCount = 6;

    private static async Task FillAsync(DirectoryRun run, PartitionLog log, int batches, int size = 60)
    {
        for (var i = 0; i < batches; i++)
        {
            var n = log.HighWatermark;
            await run.AppendAsync(log, [.. Enumerable.Range(0, 3).Select(j => ($"k{(n + j) % KeyCount}", (string?)$"{n + j}:{new string('v', size)}"))]);
            run.Clock.Advance(TimeSpan.FromMilliseconds(500));
        }
    }

    private static void CheckLookups(PartitionLog log, List<Keyed> kept)
    {
        var times = log.ReadAll().ToDictionary(r => r.Offset, r => r.Timestamp);
        for (var offset = 0L; offset < log.HighWatermark; offset++)
            Assert.Equal(kept.Where(r => r.Offset >= offset), log.ReadKeyed(offset, maxBytes: 300));
        foreach (var time in times.Values.SelectMany(time => new[] { time - 1, time, time + 1 }).Distinct())
            Assert.Equal(times.Where(r => r.Value >= time).OrderBy(r => r.Key).Select(r => (long?)r.Key).FirstOrDefault(), log.FindOffset(time)?.Offset);
    }

    private static SortedDictionary<string, string> Files(SimulatedDisk disk)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in disk.List("/data/k-0").Where(name => name.Contains(".log", StringComparison.Ordinal)))
            files[name] = Text(disk, "/data/k-0/" + name);
        return files;
    }

    private static string Text(SimulatedDisk disk, string path)
    {
        using var file = disk.Open(path, create: false);
        var bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return System.Text.Encoding.Latin1.GetString(bytes);
    }

    private static void FlipLastByte(SimulatedDisk disk, string path)
    {
        using var file = disk.Open(path, create: false);
        var last = new byte[1];
        file.Read(last, file.Length - 1);
        last[0] ^= 4;
        file.Write(last, file.Length - 1);
    }
}
