using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.Storage.Tests.Log;
using RestStream.TestKit;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

public class LogDirectoryTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public async Task Appends_get_consecutive_offsets_and_are_readable_when_they_are_answered()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");

        var first = await run.AppendAsync(log, "a", "b");
        var second = await run.AppendAsync(log, "c");

        Assert.Equal((0, 2), (first.BaseOffset, second.BaseOffset));
        Assert.Equal(["a", "b", "c"], DirectoryRun.Values(log));
    }

    [Fact]
    public async Task Many_appends_at_once_are_all_there_once_and_in_the_order_of_their_offsets()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");

        var appends = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(async () => (await run.AppendAsync(log, $"{i}")).BaseOffset)));

        Assert.Equal(Enumerable.Range(0, 500).Select(i => (long)i), appends.Order());
        Assert.Equal(Enumerable.Range(0, 500).OrderBy(i => appends[i]).Select(i => $"{i}"), DirectoryRun.Values(log));
    }

    [Fact]
    public async Task After_a_clean_stop_nothing_is_scanned_and_everything_is_there()
    {
        await using (var run = new DirectoryRun(_disk))
        {
            await run.AppendAsync(run.Log("t"), "a");
            await run.AppendAsync(run.Log("u"), new string('x', 5000));
        }

        await using var again = new DirectoryRun(_disk);

        Assert.True(again.Directory.Recovery.CleanShutdown);
        Assert.Equal(0, again.Directory.Recovery.ScannedBytes);
        Assert.Equal(["a"], DirectoryRun.Values(again.Log("t")));
        Assert.Equal(5000, DirectoryRun.Values(again.Log("u")).Single().Length);
    }

    [Fact]
    public async Task A_second_opener_is_refused_and_told_which_directory()
    {
        await using var run = new DirectoryRun(_disk);

        var error = Assert.Throws<StorageException>(() => new DirectoryRun(_disk));

        Assert.Equal(StorageError.DirectoryInUse, error.Error);
        Assert.Contains(DirectoryRun.Root, error.Message);
        await run.AppendAsync(run.Log("t"), "unharmed");
    }

    [Fact]
    public async Task An_append_that_demands_an_offset_gets_it_or_nothing_is_written()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");
        await run.AppendAsync(log, "a");

        await run.Directory.AppendAsync(log, run.Batch("b"), expectedOffset: 1);
        var error = await Assert.ThrowsAsync<StorageException>(async () => await run.Directory.AppendAsync(log, run.Batch("c"), expectedOffset: 1));

        Assert.Equal((StorageError.OffsetMismatch, 2), (error.Error, error.Offset));
        Assert.Equal(["a", "b"], DirectoryRun.Values(log));
    }

    [Fact]
    public async Task A_log_append_time_topic_gives_every_record_the_brokers_time()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t", LogConfig.Default with { TimestampType = TimestampType.LogAppendTime });
        var batch = run.Batch("a", "b");
        run.Clock.Advance(TimeSpan.FromHours(1));

        var result = await run.Directory.AppendAsync(log, batch);

        Assert.Equal(run.Clock.GetUtcNow().ToUnixTimeMilliseconds(), result.Timestamp);
        Assert.All(log.ReadAll(), record => Assert.Equal(result.Timestamp, record.Timestamp));
    }

    [Fact]
    public async Task Several_partitions_are_appended_to_as_one()
    {
        await using var run = new DirectoryRun(_disk);
        var (a, b) = (run.Log("a"), run.Log("b"));
        await run.AppendAsync(b, "before");

        var results = await run.Directory.AppendAtomicAsync([(a, run.Batch("1")), (b, run.Batch("2", "3"))]);

        Assert.Equal([0, 1], results.Select(r => r.BaseOffset));
        Assert.Equal(["1"], DirectoryRun.Values(a));
        Assert.Equal(["before", "2", "3"], DirectoryRun.Values(b));
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_keeps_reads_and_recovers_without_a_restart()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");
        await run.AppendAsync(log, "a");
        _disk.CapacityBytes = 0;

        var refused = await Assert.ThrowsAsync<StorageException>(async () =>
        {
            for (var i = 0; i < 1000; i++)
                await run.AppendAsync(log, new string('x', 1000));
        });
        var kept = DirectoryRun.Values(log).Count;
        _disk.CapacityBytes = long.MaxValue;
        var after = await run.AppendAsync(log, "again");

        Assert.Equal(StorageError.DiskFull, refused.Error);
        Assert.Null(run.Directory.WritesStoppedReason);
        Assert.Equal(kept, after.BaseOffset);
        Assert.Equal("a", DirectoryRun.Values(log).First());
        Assert.Equal("again", DirectoryRun.Values(log).Last());
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3000)]
    public async Task A_failed_flush_is_never_turned_into_an_answer_and_stops_all_writes(int bytes)
    {
        var run = new DirectoryRun(_disk);
        var (log, other) = (run.Log("t"), run.Log("u"));
        await run.AppendAsync(log, "a");
        _disk.Before = operation =>
        {
            if (operation.Kind == DiskOperationKind.Flush)
                throw new IOException("Input/output error", 5);
        };

        var failed = await Assert.ThrowsAsync<StorageException>(async () => await run.AppendAsync(log, new string('x', bytes)));
        _disk.Before = null;
        var later = await Assert.ThrowsAsync<StorageException>(async () => await run.AppendAsync(other, "b"));

        Assert.Equal((StorageError.WritesStopped, StorageError.WritesStopped), (failed.Error, later.Error));
        Assert.Contains(run.Events, e => e.Kind == StorageEventKind.WritesStopped);
        Assert.Equal("a", DirectoryRun.Values(log)[0]);
        await run.DisposeAsync();

        await using var again = new DirectoryRun(_disk);
        Assert.False(again.Directory.Recovery.CleanShutdown);
        Assert.Equal("a", DirectoryRun.Values(again.Log("t"))[0]);
        await again.AppendAsync(again.Log("u"), "b");
    }

    [Fact]
    public async Task The_journal_stays_within_its_limit_and_its_files_are_used_again()
    {
        await using var run = new DirectoryRun(_disk);
        var logs = Enumerable.Range(0, 5).Select(i => run.Log($"t{i}")).ToList();

        for (var i = 0; i < 400; i++)
            await run.AppendAsync(logs[i % 5], new string('x', 900));

        var files = _disk.List("/data/journal");
        Assert.True(files.Sum(f => _disk.FileLength($"/data/journal/{f}")) <= run.Options.JournalMaxBytes + (2 * run.Options.JournalFileBytes), string.Join(' ', files));
        Assert.All(logs, log => Assert.Equal(80, log.HighWatermark));
    }

    [Fact]
    public async Task A_deleted_partition_refuses_appends_and_leaves_the_disk()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");
        await run.AppendAsync(log, "a");

        await run.Directory.DeleteAsync(log);

        Assert.Equal(StorageError.PartitionDeleted, (await Assert.ThrowsAsync<StorageException>(async () => await run.AppendAsync(log, "b"))).Error);
        Assert.Null(run.Directory.Find(log.Id));
        Assert.DoesNotContain(_disk.List("/data"), name => name.StartsWith("t-0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_partition_that_is_set_aside_keeps_its_files()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t");
        await run.AppendAsync(log, "a");

        await run.Directory.SetAsideAsync(log);

        var stray = Assert.Single(_disk.List("/data"), name => name.EndsWith("-stray", StringComparison.Ordinal));
        Assert.Contains(_disk.List($"/data/{stray}"), name => name.EndsWith(".log", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_interval_topic_is_flushed_when_its_time_is_up_and_not_before()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t", LogConfig.Default with { Durability = Durability.Interval, FlushMs = 1000 });
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wrongTime = false;
        var due = false;
        _disk.Before = operation =>
        {
            if (operation.Kind != DiskOperationKind.Flush || !operation.Path.EndsWith(".log", StringComparison.Ordinal))
                return;
            wrongTime |= !Volatile.Read(ref due);
            flushed.TrySetResult();
        };

        await run.AppendAsync(log, "a");
        run.Clock.Advance(TimeSpan.FromMilliseconds(999));
        Volatile.Write(ref due, true);
        run.Clock.Advance(TimeSpan.FromMilliseconds(1));
        await flushed.Task.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.False(wrongTime);
    }

    [Fact]
    public async Task An_interval_topic_is_flushed_after_so_many_records()
    {
        await using var run = new DirectoryRun(_disk);
        var log = run.Log("t", LogConfig.Default with { Durability = Durability.Interval, FlushMs = long.MaxValue, FlushMessages = 3 });
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sent = 0;
        var flushedAt = 0;
        _disk.Before = operation =>
        {
            if (operation.Kind == DiskOperationKind.Flush && operation.Path.EndsWith(".log", StringComparison.Ordinal))
            {
                flushedAt = Volatile.Read(ref sent);
                flushed.TrySetResult();
            }
        };

        for (var i = 1; i <= 3; i++)
        {
            Volatile.Write(ref sent, i);
            await run.AppendAsync(log, "a");
        }
        await flushed.Task.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(3, flushedAt);
    }

    [Fact]
    public async Task What_was_written_unflushed_is_durable_with_the_first_durable_append_behind_it()
    {
        var run = new DirectoryRun(_disk);
        var log = run.Log("t", LogConfig.Default with { Durability = Durability.Os });
        await run.AppendAsync(log, "a");
        log.Config = LogConfig.Default;
        await run.AppendAsync(log, "b");

        for (var seed = 0; seed < 20; seed++)
        {
            await using var again = new DirectoryRun(_disk.Reboot(seed));
            Assert.Equal(["a", "b"], DirectoryRun.Values(again.Log("t")));
        }
        await run.DisposeAsync();
    }

    [Fact]
    public async Task Records_that_were_deleted_stay_deleted_across_a_crash()
    {
        var run = new DirectoryRun(_disk);
        var log = run.Log("t");
        for (var i = 0; i < 10; i++)
            await run.AppendAsync(log, $"{i}");

        await run.Directory.DeleteRecordsAsync(log, 7);
        var beyond = await Assert.ThrowsAsync<StorageException>(() => run.Directory.DeleteRecordsAsync(log, 11));

        Assert.Equal((StorageError.OffsetOutOfRange, 10), (beyond.Error, beyond.Offset));
        for (var seed = 0; seed < 20; seed++)
        {
            await using var again = new DirectoryRun(_disk.Reboot(seed));
            Assert.Equal(7, again.Log("t").LogStartOffset);
            Assert.Equal(["7", "8", "9"], DirectoryRun.Values(again.Log("t")));
        }
        await run.DisposeAsync();
    }

    [Fact]
    public async Task A_journal_that_was_full_at_a_clean_stop_takes_appends_again_after_it()
    {
        var disk = new SimulatedDisk();
        var options = DirectoryRun.Small() with { JournalMaxBytes = 16 * 1024, DirectFlushBytes = 1024 * 1024 };
        await using (var full = new DirectoryRun(disk, options))
        {
            for (var i = 0; i < 6; i++)
                await full.AppendAsync(full.Log("t"), new string('x', 7_000));
        }

        await using var run = new DirectoryRun(disk, options);
        var append = run.AppendAsync(run.Log("t"), "goes on").AsTask();

        Assert.Equal(6, (await append.WaitAsync(TimeSpan.FromSeconds(60))).BaseOffset);
    }

    [Fact]
    public async Task On_a_real_disk_too()
    {
        using var folder = new TempFolder("directory");
        await using (var run = new DirectoryRun(new LinuxFileSystem(), root: folder["data"]))
        {
            for (var i = 0; i < 200; i++)
                await run.AppendAsync(run.Log($"t{i % 7}"), $"{i}", new string('x', i * 20));
        }

        await using var again = new DirectoryRun(new LinuxFileSystem(), root: folder["data"]);

        Assert.Equal(200, Enumerable.Range(0, 7).Sum(i => DirectoryRun.Values(again.Log($"t{i}")).Count) / 2);
    }
}
