using System.Text;
using RestStream.Storage.Files;
using RestStream.Storage.Records;
using RestStream.TestKit.Disks;

namespace RestStream.Storage.Tests.Directories;

/// <summary>Batches of idempotent producers: every one is written once, in its order, whatever is sent again.</summary>
public class ProducerTests
{
    private const int Largest = int.MaxValue;

    [Fact]
    public async Task A_repeat_of_any_of_the_last_five_batches_gets_the_original_offset_and_an_older_one_is_refused()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("t");
        for (var sequence = 0; sequence < 12; sequence += 2)
            await SendAsync(run, log, new(1, 0, sequence, 2));

        for (var sequence = 2; sequence < 12; sequence += 2)
            Assert.Equal(new AppendResult(sequence, -1, Duplicate: true), await SendAsync(run, log, new(1, 0, sequence, 2)));
        Assert.Equal((StorageError.OutOfOrderSequence, 12), await RefusalAsync(run, log, new(1, 0, 0, 2)));
        Assert.Equal((StorageError.OutOfOrderSequence, 12), await RefusalAsync(run, log, new(1, 0, 10, 1)));
        Assert.Equal((StorageError.OutOfOrderSequence, 12), await RefusalAsync(run, log, new(1, 0, 13, 1)));

        Assert.Equal(12, log.HighWatermark);
    }

    [Fact]
    public async Task The_sequence_goes_on_at_0_behind_its_largest_number_within_a_batch_too()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var (within, between) = (run.Log("within"), run.Log("between"));

        await SendAsync(run, within, new(1, 0, Largest - 1, 4));
        Assert.Equal(4, (await SendAsync(run, within, new(1, 0, 2, 1))).BaseOffset);
        await SendAsync(run, between, new(1, 0, Largest, 1));
        Assert.Equal((StorageError.OutOfOrderSequence, 0), await RefusalAsync(run, between, new(1, 0, 1, 1)));
        await SendAsync(run, between, new(1, 0, 0, 1));

        Assert.True((await SendAsync(run, within, new(1, 0, Largest - 1, 4))).Duplicate);
        Assert.Equal(new AppendResult(0, -1, Duplicate: true), await SendAsync(run, between, new(1, 0, Largest, 1)));
    }

    [Fact]
    public async Task A_new_epoch_begins_at_0_and_fences_the_one_before()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("t");
        await SendAsync(run, log, new(1, 3, 100, 1));

        Assert.Equal((StorageError.OutOfOrderSequence, 0), await RefusalAsync(run, log, new(1, 4, 101, 1)));
        Assert.Equal(1, (await SendAsync(run, log, new(1, 4, 0, 1))).BaseOffset);
        var fenced = await Assert.ThrowsAsync<StorageException>(() => SendAsync(run, log, new(1, 3, 101, 1)).AsTask());

        Assert.Equal((StorageError.StaleProducerEpoch, 4), (fenced.Error, fenced.ProducerEpoch));
        Assert.Equal(2, (await SendAsync(run, log, new(2, 0, 77, 1))).BaseOffset);
    }

    [Fact]
    public async Task Batches_of_one_group_see_each_other()
    {
        var disk = new SimulatedDisk();
        await using var run = new DirectoryRun(disk);
        var (log, other) = (run.Log("t"), run.Log("other"));
        using var gathered = new ManualResetEventSlim();

        // The committer stands in a flush until everything below waits for it.
        disk.Before = operation =>
        {
            if (operation.Kind == DiskOperationKind.Flush)
                gathered.Wait();
        };
        var first = run.AppendAsync(other, "x").AsTask();
        Stamp[] sent = [new(1, 0, 0, 2), new(1, 0, 0, 2), new(1, 0, 2, 1), new(1, 0, 9, 1), new(1, 0, 0, 2), new(1, 1, 0, 1), new(1, 0, 3, 1)];
        var answers = sent.Select(stamp => SendAsync(run, log, stamp).AsTask()).ToArray();
        disk.Before = null;
        gathered.Set();
        await first;

        Assert.Equal(new AppendResult(0, -1), await answers[0]);
        Assert.Equal(new AppendResult(0, -1, Duplicate: true), await answers[1]);
        Assert.Equal(new AppendResult(2, -1), await answers[2]);
        Assert.Equal(3, (await Assert.ThrowsAsync<StorageException>(() => answers[3])).ExpectedSequence);
        Assert.Equal(new AppendResult(0, -1, Duplicate: true), await answers[4]);
        Assert.Equal(new AppendResult(3, -1), await answers[5]);
        Assert.Equal(StorageError.StaleProducerEpoch, (await Assert.ThrowsAsync<StorageException>(() => answers[6])).Error);
        Assert.Equal(4, log.HighWatermark);
    }

    [Fact]
    public async Task A_group_that_finds_no_room_leaves_the_sequence_as_it_was()
    {
        var disk = new SimulatedDisk();
        await using var run = new DirectoryRun(disk);
        var log = run.Log("t");
        var sequence = 0;
        await SendAsync(run, log, new(1, 0, sequence++, 1));

        disk.CapacityBytes = 0;
        var refused = await Assert.ThrowsAsync<StorageException>(async () =>
        {
            for (; sequence < 1000; sequence++)
                await SendAsync(run, log, new(1, 0, sequence, 1), padding: 1000);
        });
        disk.CapacityBytes = long.MaxValue;

        Assert.Equal(StorageError.DiskFull, refused.Error);
        Assert.Equal(new AppendResult(sequence, -1), await SendAsync(run, log, new(1, 0, sequence, 1)));
    }

    [Fact]
    public async Task A_repeat_that_also_names_its_offset_is_a_repeat_and_no_mismatch()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("t");

        Assert.Equal(0, (await run.Directory.AppendAsync(log, Batch(new(1, 0, 0, 1)), expectedOffset: 0)).BaseOffset);
        Assert.True((await run.Directory.AppendAsync(log, Batch(new(1, 0, 0, 1)), expectedOffset: 0)).Duplicate);
        Assert.Equal(StorageError.OffsetMismatch, (await Assert.ThrowsAsync<StorageException>(() => run.Directory.AppendAsync(log, Batch(new(1, 0, 1, 1)), expectedOffset: 0).AsTask())).Error);
        Assert.Equal(1, (await SendAsync(run, log, new(1, 0, 1, 1))).BaseOffset);
    }

    [Fact]
    public async Task A_repeat_in_a_topic_that_stamps_its_records_gets_the_first_stamp()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("t", LogConfig.Default with { TimestampType = TimestampType.LogAppendTime });

        var first = await SendAsync(run, log, new(1, 0, 0, 1));
        run.Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal(first with { Duplicate = true }, await SendAsync(run, log, new(1, 0, 0, 1)));
    }

    [Fact]
    public async Task A_producer_is_forgotten_after_a_day_without_a_batch_and_not_before()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());
        var log = run.Log("t");
        await SendAsync(run, log, new(1, 0, 0, 1));
        await SendAsync(run, log, new(2, 0, 0, 1));

        await run.Directory.ApplyRetentionAsync(log);
        run.Clock.Advance(TimeSpan.FromHours(23));
        await SendAsync(run, log, new(2, 0, 1, 1));
        await run.Directory.ApplyRetentionAsync(log);
        Assert.Equal((StorageError.OutOfOrderSequence, 1), await RefusalAsync(run, log, new(1, 0, 5, 1)));
        run.Clock.Advance(TimeSpan.FromHours(1));
        await run.Directory.ApplyRetentionAsync(log);

        Assert.Equal(3, (await SendAsync(run, log, new(1, 0, 5, 1))).BaseOffset);
        Assert.Equal((StorageError.OutOfOrderSequence, 2), await RefusalAsync(run, log, new(2, 0, 9, 1)));
    }

    [Fact]
    public async Task Beyond_the_limit_the_producers_that_wrote_the_longest_ago_are_forgotten()
    {
        await using var run = new DirectoryRun(new SimulatedDisk(), DirectoryRun.Small() with { MaxProducers = 8 });
        var log = run.Log("t");
        for (var id = 0; id < 8; id++)
            await SendAsync(run, log, new(id, 0, 0, 1));
        await SendAsync(run, log, new(0, 0, 1, 1));

        await SendAsync(run, log, new(100, 0, 0, 1));

        Assert.Equal([0, 3, 4, 5, 6, 7, 100], log.Producers.All.Select(p => p.ProducerId));
        Assert.Equal((StorageError.OutOfOrderSequence, 2), await RefusalAsync(run, log, new(0, 0, 9, 1)));
    }

    [Fact]
    public async Task A_unit_of_several_batches_cannot_carry_a_producer()
    {
        await using var run = new DirectoryRun(new SimulatedDisk());

        await Assert.ThrowsAsync<ArgumentException>(() => run.Directory.AppendAtomicAsync([(run.Log("a"), Batch(new(1, 0, 0, 1))), (run.Log("b"), run.Batch("x"))]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_batches_are_judged_as_by_a_plain_list_of_what_was_written(int seed)
    {
        var random = new Random(seed);
        var disk = new SimulatedDisk();
        var run = new DirectoryRun(disk);
        var model = new Model();
        try
        {
            for (var i = 0; i < 1500; i++)
            {
                if (random.Next(200) == 0)
                {
                    await run.DisposeAsync();
                    run = new DirectoryRun(disk);
                    model.CleanRestart();
                }

                var log = run.Log("t", LogConfig.Default with { SegmentBytes = 8000 });
                var stamp = model.Propose(random);
                var expected = model.Send(stamp);
                try
                {
                    var result = await SendAsync(run, log, stamp);
                    Assert.Equal(expected, result.Duplicate ? $"again at {result.BaseOffset}" : $"at {result.BaseOffset}");
                }
                catch (StorageException e)
                {
                    Assert.Equal(expected, e.Error == StorageError.StaleProducerEpoch ? $"stale {e.ProducerEpoch}" : $"gap {e.ExpectedSequence}");
                }
            }
        }
        finally
        {
            await run.DisposeAsync();
        }
        Assert.True(model.Answers.Count(a => a.StartsWith("again", StringComparison.Ordinal)) > 150, string.Join(' ', model.Answers.Select(a => a.Split(' ')[0]).GroupBy(a => a).Select(g => $"{g.Key}: {g.Count()}")));
    }

    [Fact]
    public async Task A_power_cut_at_any_operation_makes_no_retry_be_written_twice_or_lost()
    {
        var whole = new SimulatedDisk();
        await new RetryingClient().RunAsync(whole);

        for (var n = 1; n <= whole.Operations; n++)
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: n);
            var client = new RetryingClient();
            await client.RunAsync(disk);
            for (var seed = 0; seed < 2; seed++)
                await client.FinishAsync(disk.Reboot((n * 10) + seed), $"operation {n}, seed {seed}");
        }
    }

    private static ValueTask<AppendResult> SendAsync(DirectoryRun run, PartitionLog log, Stamp stamp, int padding = 0) => run.Directory.AppendAsync(log, Batch(stamp, padding));

    private static async Task<(StorageError, int)> RefusalAsync(DirectoryRun run, PartitionLog log, Stamp stamp)
    {
        var refused = await Assert.ThrowsAsync<StorageException>(() => SendAsync(run, log, stamp).AsTask());
        return (refused.Error, refused.ExpectedSequence);
    }

    private static BatchBuffer Batch(Stamp stamp, int padding = 0)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < stamp.Count; i++)
            builder.Append(1000, keyIsNull: true, default, valueIsNull: false, Encoding.UTF8.GetBytes($"{stamp.Id} {stamp.Epoch} {(stamp.Sequence + (long)i) & int.MaxValue}{new string(' ', padding)}"));
        return builder.Build(CompressionCodec.None, stamp.Id, stamp.Epoch, stamp.Sequence);
    }

    private sealed record Stamp(long Id, short Epoch, int Sequence, int Count);

    /// <summary>Everything that was written, in order, and the rules in plain words.</summary>
    private sealed class Model
    {
        private readonly Dictionary<long, List<(Stamp Stamp, long Offset)>> _written = [];
        private long _next;

        public List<string> Answers { get; } = [];

        /// <summary>Mostly what a client would send: the next batch, one of the last again, a mistake now and then.</summary>
        public Stamp Propose(Random random)
        {
            var id = random.Next(4);
            var count = random.Next(1, 5);
            if (!_written.TryGetValue(id, out var batches))
                return new(id, (short)random.Next(3), random.Next(2) == 0 ? 0 : Largest - random.Next(20), count);
            var last = batches[^1].Stamp;
            return random.Next(12) switch
            {
                0 or 1 => batches[Math.Max(0, batches.Count - 1 - random.Next(8))].Stamp,
                2 => last with { Count = count },
                3 => new(id, last.Epoch, (int)(((long)last.Sequence + random.Next(20)) & int.MaxValue), count),
                4 => new(id, (short)(last.Epoch + 1), random.Next(3) == 0 ? 1 : 0, count),
                5 => new(id, (short)Math.Max(0, last.Epoch - random.Next(2)), 0, count),
                _ => new(id, last.Epoch, (int)(((long)last.Sequence + last.Count) & int.MaxValue), count),
            };
        }

        public string Send(Stamp stamp)
        {
            var answer = Judge(stamp);
            if (answer is null)
            {
                if (!_written.TryGetValue(stamp.Id, out var batches))
                    _written.Add(stamp.Id, batches = []);
                batches.Add((stamp, _next));
                answer = $"at {_next}";
                _next += stamp.Count;
            }

            Answers.Add(answer);
            return answer;
        }

        /// <summary>The snapshot of a clean stop keeps one batch of each producer.</summary>
        public void CleanRestart()
        {
            foreach (var batches in _written.Values)
                batches.RemoveRange(0, batches.Count - 1);
        }

        private string? Judge(Stamp stamp)
        {
            if (!_written.TryGetValue(stamp.Id, out var batches))
                return null;
            var last = batches[^1].Stamp;
            if (stamp.Epoch < last.Epoch)
                return $"stale {last.Epoch}";
            foreach (var (written, offset) in batches.TakeLast(5))
            {
                if (written == stamp)
                    return $"again at {offset}";
            }

            var due = stamp.Epoch > last.Epoch ? 0 : (last.Sequence + (long)last.Count) % (1L << 31);
            return stamp.Sequence == due ? null : $"gap {due}";
        }
    }

    /// <summary>Sends six batches each for two producers, each until it is answered.</summary>
    private sealed class RetryingClient
    {
        private readonly int[] _answered = new int[2];

        public async Task RunAsync(IFileSystem disk)
        {
            DirectoryRun? run = null;
            try
            {
                run = new DirectoryRun(disk);
                await SendRestAsync(run);
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

        public async Task FinishAsync(IFileSystem disk, string when)
        {
            var before = _answered.ToArray();
            await using (var run = new DirectoryRun(disk))
            {
                // The last answer may have been lost on its way: ask for it again, too.
                for (var producer = 0; producer < 2; producer++)
                    _answered[producer] = Math.Max(0, _answered[producer] - 1);
                await SendRestAsync(run);
                var values = DirectoryRun.Values(run.Log("t"));
                Assert.True(
                    values.Order().SequenceEqual(Enumerable.Range(0, 2).SelectMany(p => Enumerable.Range(0, 12).Select(i => $"{p} 0 {i}")).Order()),
                    $"{when}: {string.Join(", ", values)}");
            }
            before.CopyTo(_answered, 0);
        }

        private async Task SendRestAsync(DirectoryRun run)
        {
            var log = run.Log("t", LogConfig.Default with { SegmentBytes = 800 });
            while (_answered.Min() < 6)
            {
                var producer = _answered[0] <= _answered[1] ? 0 : 1;
                await SendAsync(run, log, new(producer, 0, _answered[producer] * 2, 2));
                _answered[producer]++;
                if (_answered[producer] % 4 == 3)
                    run.Clock.Advance(TimeSpan.FromSeconds(10));
            }
        }
    }
}
