using RestStream.Storage.Records;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Log;

public sealed class PartitionLogTests : IDisposable
{
    private readonly LogFixture _fixture = new(new SimulatedDisk());

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Records_come_back_as_they_were_appended()
    {
        var log = _fixture.Create();

        log.Append(1000, "a", "b");
        log.Append(2000, "c");

        Assert.Equal([(0, 1000, "a"), (1, 1001, "b"), (2, 2000, "c")], log.ReadAll());
        Assert.Equal(3, log.HighWatermark);
    }

    [Fact]
    public void Readers_see_nothing_above_the_high_watermark()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");
        log.Write([LogTestExtensions.Batch(1, 0, 2000, "b")]);

        Assert.Equal([(0, 1000, "a")], log.ReadAll());
        Assert.Equal((2, 1), (log.NextOffset, log.HighWatermark));
        Assert.Null(log.FindOffset(1500));

        log.Publish();
        Assert.Equal([(0, 1000, "a"), (1, 2000, "b")], log.ReadAll());
    }

    [Fact]
    public void Publishing_tells_those_who_wait()
    {
        var log = _fixture.Create();
        var seen = new List<long>();
        log.Advanced = () => seen.Add(log.HighWatermark);

        log.Append(1000, "a");
        log.Append(1000, "b", "c");

        Assert.Equal([1, 3], seen);
    }

    [Fact]
    public void A_read_takes_whole_batches_up_to_the_limit_and_at_least_one()
    {
        var log = _fixture.Create();
        var batch = LogTestExtensions.Batch(0, 0, 1000, "value").Length;
        for (var i = 0; i < 5; i++)
            log.Append(1000, "value");

        int BytesOf(long offset, int maxBytes)
        {
            using var buffer = BatchBuffer.Rent(16);
            return log.Read(offset, maxBytes, buffer);
        }

        Assert.Equal(batch, BytesOf(0, 1));
        Assert.Equal(batch, BytesOf(0, 2 * batch - 1));
        Assert.Equal(2 * batch, BytesOf(0, 2 * batch));
        Assert.Equal(5 * batch, BytesOf(0, 100 * batch));
        Assert.Equal(2 * batch, BytesOf(3, 100 * batch));
        Assert.Equal(0, BytesOf(5, 100 * batch));
    }

    [Fact]
    public void A_read_appends_to_what_the_buffer_holds()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");
        using var buffer = BatchBuffer.Rent(16);
        "before"u8.CopyTo(buffer.Whole);
        buffer.Length = 6;

        var read = log.Read(0, 1000, buffer);

        Assert.Equal(6 + read, buffer.Length);
        Assert.Equal("before"u8, buffer.Span[..6]);
        Assert.True(RecordBatch.IsCrcValid(buffer.Span[6..]));
    }

    [Fact]
    public void A_read_goes_on_in_the_next_segment()
    {
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 150 });
        for (var i = 0; i < 6; i++)
            log.Append(1000 + i, "v" + i);

        using var buffer = BatchBuffer.Rent(16);
        log.Read(1, 100_000, buffer);

        Assert.True(log.Segments.Count >= 3);
        Assert.Equal(log.SizeBytes - LogTestExtensions.Batch(0, 0, 1000, "v0").Length, buffer.Length);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void An_offset_outside_the_log_is_refused_with_the_nearest_inside(long offset)
    {
        var log = _fixture.Create();
        log.Append(1000, "a", "b");
        using var buffer = BatchBuffer.Rent(16);

        var error = Assert.Throws<StorageException>(() => log.Read(offset, 100, buffer));

        Assert.Equal(StorageError.OffsetOutOfRange, error.Error);
        Assert.Equal(offset < 0 ? 0 : 2, error.Offset);
    }

    [Fact]
    public void A_segment_is_rolled_by_size_time_and_full_index()
    {
        var config = LogConfig.Default with { SegmentBytes = 1000, SegmentMs = 5000, SegmentIndexBytes = 36, IndexIntervalBytes = 0 };
        var log = _fixture.Create(config);

        log.Append(1000, new string('x', 800));
        log.Append(1001, new string('x', 800));
        Assert.Equal([0, 1], log.Segments.Select(segment => segment.BaseOffset));

        log.Append(6002, "later");
        Assert.Equal([0, 1, 2], log.Segments.Select(segment => segment.BaseOffset));

        log.Append(6003, "indexed");
        log.Append(6004, "indexed");
        log.Append(6005, "in the next");
        Assert.Equal([0, 1, 2, 5], log.Segments.Select(segment => segment.BaseOffset));
        Assert.Equal(6, log.ReadAll().Count);
        Assert.Equal(3, _fixture.Events.Count(happened => happened.Kind == StorageEventKind.SegmentRolled));
    }

    [Fact]
    public void A_batch_larger_than_a_segment_gets_one_of_its_own()
    {
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 200 });

        log.Append(1000, new string('x', 500));
        log.Append(1000, new string('y', 500));

        Assert.Equal([0, 1], log.Segments.Select(segment => segment.BaseOffset));
        Assert.Equal(2, log.ReadAll().Count);
    }

    [Fact]
    public void Several_batches_in_one_write_may_span_segments()
    {
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 300 });
        var batches = Enumerable.Range(0, 10).Select(i => LogTestExtensions.Batch(i, 0, 1000 + i, "value " + i)).ToArray();

        log.Write([.. batches.Select(batch => new ReadOnlyMemory<byte>(batch))]);
        Assert.Empty(log.ReadAll());
        log.Publish();

        Assert.Equal(Enumerable.Range(0, 10).Select(i => ((long)i, 1000L + i, (string?)$"value {i}")), log.ReadAll());
        Assert.True(log.Segments.Count > 2);
    }

    [Fact]
    public void A_batch_that_does_not_continue_the_log_is_refused_and_stops_writing()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");

        Assert.Throws<ArgumentException>(() => log.Write([LogTestExtensions.Batch(5, 0, 1000, "b")]));

        Assert.Equal(StorageError.WritesStopped, Assert.Throws<StorageException>(() => log.Write([LogTestExtensions.Batch(1, 0, 1000, "b")])).Error);
        Assert.Single(log.ReadAll());
    }

    [Fact]
    public void A_closed_log_opens_clean_without_opening_a_file()
    {
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 500 });
        for (var i = 0; i < 50; i++)
            log.Append(1000 + i, "value " + i);
        var before = log.ReadAll();
        log.Close();

        var files = new CountingFiles(_fixture.Files);
        var reopened = PartitionLog.Open(files, _fixture.Directory, "t-0", LogConfig.Default with { SegmentBytes = 500 },
            new OpenLog { CleanShutdown = true, RecoveryPoint = 50, DurableEnd = 50, LogStartOffset = -1 }, _fixture.Clock, _ => { });

        Assert.Equal(0, files.Opened);
        Assert.Equal((50, 50, 50), (reopened.HighWatermark, reopened.NextOffset, reopened.RecoveryPoint));
        Assert.Equal(before, reopened.ReadAll());
        reopened.Append(5000, "more");
        Assert.Equal(51, reopened.ReadAll().Count);
        reopened.Abandon();
    }

    [Fact]
    public void The_indexes_of_a_closed_segment_stay_in_memory_while_they_are_read()
    {
        var config = LogConfig.Default with { SegmentBytes = 500 };
        var log = _fixture.Create(config);
        for (var i = 0; i < 50; i++)
            log.Append(1000 + i, "value " + i);
        log.Close();
        var files = new CountingFiles(_fixture.Files);
        var reopened = PartitionLog.Open(files, _fixture.Directory, "t-0", config,
            new OpenLog { CleanShutdown = true, RecoveryPoint = 50, DurableEnd = 50, LogStartOffset = -1 }, _fixture.Clock, _ => { });
        reopened.ReadAll();
        var once = files.Opened;

        // The collector has no say in it: an index of usual size is young.
        GC.Collect();
        reopened.ReadAll();
        reopened.DropIdleIndexes();
        reopened.ReadAll();
        Assert.Equal(once, files.Opened);

        // Not looked at between two passes: read again from the files.
        reopened.DropIdleIndexes();
        reopened.DropIdleIndexes();
        Assert.Equal(50, reopened.ReadAll().Count);
        Assert.True(files.Opened > once);
        reopened.Abandon();
    }

    [Fact]
    public void An_untouched_log_is_closed_without_writing()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");
        log.Close();
        var before = ((SimulatedDisk)_fixture.Files).Operations;

        var reopened = _fixture.OpenClean(1);
        reopened.ReadAll();
        reopened.Close();

        Assert.Equal(before, ((SimulatedDisk)_fixture.Files).Operations);
    }

    [Fact]
    public void The_leader_epoch_grows_with_every_unclean_start_and_is_kept_with_the_data()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");
        log.Flush();
        _fixture.Kill(log);

        var second = _fixture.OpenAfterCrash(durableEnd: 1);
        Assert.Equal(1, second.LeaderEpoch);
        second.Append(1000, "b");
        second.Close();
        Assert.Equal("0\n2\n0 0\n1 1\n", EpochFile());

        var third = _fixture.OpenClean(2);
        Assert.Equal(1, third.LeaderEpoch);
        _fixture.Kill(third);
        Assert.Equal(2, _fixture.OpenAfterCrash(durableEnd: 2).LeaderEpoch);
    }

    [Fact]
    public void A_lost_epoch_file_is_rebuilt_from_the_batches()
    {
        var log = _fixture.Create();
        log.AppendBytes(LogTestExtensions.Batch(0, 0, 1000, "a"));
        log.AppendBytes(LogTestExtensions.Batch(1, 3, 1000, "b"));
        log.Close();
        _fixture.WriteAllBytes(Path.Combine(_fixture.PartitionDirectory, "leader-epoch-checkpoint"), "nonsense"u8.ToArray());

        var reopened = _fixture.OpenClean(2);
        Assert.Equal(3, reopened.LeaderEpoch);
        reopened.Close();

        Assert.Equal("0\n2\n0 0\n3 1\n", EpochFile());
        Assert.True(_fixture.Files.FileExists(Path.Combine(_fixture.PartitionDirectory, "leader-epoch-checkpoint.corrupt")));
    }

    [Fact]
    public void A_disk_that_is_full_is_noticed_before_anything_is_written()
    {
        var disk = (SimulatedDisk)_fixture.Files;
        var log = _fixture.Create();
        log.Append(1000, "a");
        disk.CapacityBytes = 512 * 1024;

        var error = Assert.Throws<IOException>(() => log.Reserve(1024 * 1024));

        Assert.True(Storage.Files.DiskErrors.IsDiskFull(error));
        Assert.Equal(1, log.NextOffset);
        disk.CapacityBytes = long.MaxValue;
        log.Append(1000, new string('x', 100_000));
        Assert.Equal(2, log.ReadAll().Count);
    }

    [Fact]
    public void A_roll_that_finds_no_room_leaves_the_old_segment_in_use()
    {
        var disk = (SimulatedDisk)_fixture.Files;
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 100 });
        log.Append(1000, "a");
        disk.Before = operation => { if (operation.Kind == DiskOperationKind.Create) throw Storage.Files.DiskErrors.Full("no room"); };

        Assert.Throws<IOException>(() => log.Reserve(80));
        disk.Before = null;

        log.Append(1000, "b");
        Assert.Equal(["a", "b"], log.ReadAll().Select(record => record.Value));
        Assert.Equal(2, log.Segments.Count);
    }

    [Fact]
    public void A_failed_flush_leaves_the_recovery_point_and_stops_writing()
    {
        var disk = (SimulatedDisk)_fixture.Files;
        var log = _fixture.Create();
        log.Append(1000, "a");
        log.Flush();
        log.Append(1000, "b");
        disk.Before = operation => { if (operation.Kind == DiskOperationKind.Flush) throw new IOException("EIO", 5); };

        Assert.Throws<IOException>(() => log.Flush());

        disk.Before = null;
        Assert.Equal(1, log.RecoveryPoint);
        Assert.Equal(StorageError.WritesStopped, Assert.Throws<StorageException>(() => log.Reserve(1)).Error);
        Assert.Equal(2, log.ReadAll().Count);
    }

    [Fact]
    public void An_abandoned_log_tells_its_readers()
    {
        var log = _fixture.Create();
        log.Append(1000, "a");
        var told = false;
        log.Advanced = () => told = true;

        log.Abandon();

        Assert.True(told);
        using var buffer = BatchBuffer.Rent(16);
        Assert.Equal(StorageError.PartitionDeleted, Assert.Throws<StorageException>(() => log.Read(0, 100, buffer)).Error);
    }

    [Fact]
    public void Producers_are_remembered_across_restarts_of_both_kinds()
    {
        var log = _fixture.Create(LogConfig.Default with { SegmentBytes = 200 });
        for (var i = 0; i < 6; i++)
            log.AppendBytes(Idempotent(log.NextOffset, producerId: 7 + i % 2, sequence: i / 2 * 2, "a", "b"));
        var expected = log.Producers.All.ToList();
        Assert.Equal([(7, 5, 9), (8, 5, 11)], expected.Select(producer => (producer.ProducerId, producer.LastSequence, producer.LastOffset)));
        log.Close();

        var clean = _fixture.OpenClean(12);
        Assert.Equal(expected, clean.Producers.All);
        _fixture.Kill(clean);
        var crashed = _fixture.OpenAfterCrash(12);
        Assert.Equal(expected, crashed.Producers.All);
    }

    private static byte[] Idempotent(long baseOffset, long producerId, int sequence, params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(1000, keyIsNull: true, default, valueIsNull: false, System.Text.Encoding.UTF8.GetBytes(value));
        using var batch = builder.Build(CompressionCodec.None, producerId, 0, sequence);
        RecordBatch.SetBaseOffset(batch.Span, baseOffset);
        RecordBatch.SetPartitionLeaderEpoch(batch.Span, 0);
        return batch.Span.ToArray();
    }

    private string EpochFile() => System.Text.Encoding.ASCII.GetString(_fixture.ReadAllBytes(Path.Combine(_fixture.PartitionDirectory, "leader-epoch-checkpoint")));
}
