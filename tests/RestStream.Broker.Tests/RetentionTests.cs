namespace RestStream.Broker.Tests;

public class RetentionTests
{
    private static readonly (string, string)[] SmallSegments = [("segment.bytes", "1024"), ("file.delete.delay.ms", "0")];

    [Fact]
    public async Task Records_older_than_the_limit_go_with_their_segment_and_offsets_stay()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, [.. SmallSegments, ("retention.ms", "60000")]);
        for (var i = 0; i < 4; i++)
            await test.ProduceAsync("t", 0, new string('o', 400));
        test.Clock.Advance(TimeSpan.FromSeconds(61));
        for (var i = 0; i < 3; i++)
            await test.ProduceAsync("t", 0, new string('n', 400));

        await test.Broker.Retention.PassAsync(default);

        var partition = test.Broker.DescribeTopic("t").Partitions[0];
        Assert.InRange(partition.LogStartOffset, 1, 4);
        Assert.Equal(7, partition.HighWatermark);
        var kept = test.ReadAll("t", 0, partition.LogStartOffset);
        Assert.Equal(3, kept.Count(v => v[0] == 'n'));
        await test.RestartAsync();
        Assert.Equal(partition.LogStartOffset, test.Broker.DescribeTopic("t").Partitions[0].LogStartOffset);
    }

    [Fact]
    public async Task The_oldest_segments_go_until_the_size_fits()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, [.. SmallSegments, ("retention.bytes", "3000")]);
        for (var i = 0; i < 20; i++)
            await test.ProduceAsync("t", 0, new string('x', 400));

        await test.Broker.Retention.PassAsync(default);

        var partition = test.Broker.DescribeTopic("t").Partitions[0];
        Assert.InRange(partition.Bytes, 3000, 3000 + 1024);
        Assert.Equal(20, partition.HighWatermark);
        Assert.Equal(20 - partition.LogStartOffset, test.ReadAll("t", 0, partition.LogStartOffset).Count);
    }

    [Fact]
    public async Task Nothing_goes_within_the_limits_or_without_the_delete_policy()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("young", 1, [.. SmallSegments, ("retention.ms", "60000")]);
        await test.CreateAsync("ever", 1, [.. SmallSegments, ("retention.ms", "-1")]);
        await test.CreateAsync("compacted", 1, [.. SmallSegments, ("retention.ms", "1000"), ("cleanup.policy", "compact")]);
        string[] topics = ["young", "ever", "compacted"];
        foreach (var topic in topics)
        {
            for (var i = 0; i < 5; i++)
                await test.ProduceAsync(topic, 0, new string('x', 600));
        }

        test.Clock.Advance(TimeSpan.FromSeconds(59));
        await test.Broker.Retention.PassAsync(default);

        Assert.All(topics, topic => Assert.Equal(5, test.ReadAll(topic).Count));
    }

    [Fact]
    public async Task Retention_runs_by_itself_every_thirty_seconds()
    {
        var log = new SignalLog();
        await using var test = await TestBroker.StartAsync(logger: log);
        await test.CreateAsync("t", 1, [.. SmallSegments, ("retention.ms", "10000")]);
        for (var i = 0; i < 5; i++)
            await test.ProduceAsync("t", 0, new string('x', 600));

        // Twice: the loop arms itself again.
        for (var pass = 0; pass < 2; pass++)
        {
            var ended = log.NextAsync(2014);
            test.Clock.Advance(TimeSpan.FromSeconds(30));
            await ended.WaitAsync(TimeSpan.FromSeconds(60));
            await log.ArmedAsync(test.Clock, timers: 2);
        }

        Assert.Equal(5, test.Broker.DescribeTopic("t").Partitions[0].LogStartOffset);
    }

    [Fact]
    public async Task A_clock_that_jumps_ahead_deletes_nothing_by_age_until_it_has_held_for_an_hour()
    {
        var clock = new JumpingClock();
        await using var test = await TestBroker.StartAsync(clock: clock);
        await test.CreateAsync("aged", 1, [.. SmallSegments, ("retention.ms", "60000")]);
        await test.CreateAsync("sized", 1, [.. SmallSegments, ("retention.ms", "60000"), ("retention.bytes", "2000")]);
        foreach (var topic in (string[])["aged", "sized"])
        {
            for (var i = 0; i < 10; i++)
                await test.ProduceAsync(topic, 0, new string('x', 600));
        }

        clock.Jump(TimeSpan.FromDays(365));
        await test.Broker.Retention.PassAsync(default);
        Assert.Equal(0, test.Broker.DescribeTopic("aged").Partitions[0].LogStartOffset);
        Assert.InRange(test.Broker.DescribeTopic("sized").Partitions[0].LogStartOffset, 1, 9);

        // Settings that change meanwhile do not end the hold.
        await test.AlterAsync("aged", null, ("retention.ms", "50000"));
        await test.Broker.Retention.PassAsync(default);
        Assert.Equal(0, test.Broker.DescribeTopic("aged").Partitions[0].LogStartOffset);

        clock.Advance(TimeSpan.FromHours(1));
        await test.Broker.Retention.PassAsync(default);
        Assert.Equal(10, test.Broker.DescribeTopic("aged").Partitions[0].LogStartOffset);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_again_ends_the_hold_with_nothing_lost()
    {
        var clock = new JumpingClock();
        await using var test = await TestBroker.StartAsync(clock: clock);
        await test.CreateAsync("t", 1, [.. SmallSegments, ("retention.ms", "60000")]);
        for (var i = 0; i < 10; i++)
            await test.ProduceAsync("t", 0, new string('x', 600));

        clock.Jump(TimeSpan.FromDays(365));
        await test.Broker.Retention.PassAsync(default);
        clock.Jump(TimeSpan.FromDays(-365));
        await test.Broker.Retention.PassAsync(default);
        Assert.Equal(10, test.ReadAll("t").Count);

        clock.Advance(TimeSpan.FromSeconds(61));
        await test.Broker.Retention.PassAsync(default);
        Assert.Equal(10, test.Broker.DescribeTopic("t").Partitions[0].LogStartOffset);
    }

    /// <summary>A wall clock that is set by hand, beside a monotonic one that only advances. Its timers never fire.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private readonly Lock _lock = new();
        private DateTimeOffset _wall = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private long _monotonic;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow()
        {
            lock (_lock)
                return _wall;
        }

        public override long GetTimestamp()
        {
            lock (_lock)
                return _monotonic;
        }

        public void Jump(TimeSpan by)
        {
            lock (_lock)
                _wall += by;
        }

        public void Advance(TimeSpan by)
        {
            lock (_lock)
            {
                _wall += by;
                _monotonic += by.Ticks;
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
