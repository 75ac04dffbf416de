using RestStream.Storage;

namespace RestStream.Broker.Tests;

public class WaitTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    /// <summary>Only so that a lost wake-up fails the test instead of hanging it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task An_append_wakes_the_reader_that_waits_at_the_end()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");
        var wait = fetch.WaitAsync(Long, default);
        Assert.False(wait.IsCompleted);

        await test.ProduceAsync("t", 0, "a");

        Assert.True(await wait.AsTask().WaitAsync(Patience));
        Assert.Equal(["a"], TestBroker.ReadAll(fetch));
    }

    [Fact]
    public async Task A_wait_answers_at_once_when_there_are_records_or_no_time()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");

        var none = fetch.WaitAsync(TimeSpan.Zero, default);
        Assert.True(none.IsCompletedSuccessfully);
        Assert.False(await none);

        await test.ProduceAsync("t", 0, "a");
        var some = fetch.WaitAsync(Long, default);
        Assert.True(some.IsCompletedSuccessfully);
        Assert.True(await some);
    }

    [Fact]
    public async Task A_wait_that_runs_out_answers_false_and_leaves_no_timer_and_no_place_behind()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var before = test.Clock.ArmedTimers;
        using var fetch = test.Open("t");
        var wait = fetch.WaitAsync(Long, default);
        Assert.Equal(before + 1, test.Clock.ArmedTimers);

        test.Clock.Advance(Long - TimeSpan.FromMilliseconds(1));
        Assert.False(wait.IsCompleted);
        test.Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.False(await wait.AsTask().WaitAsync(Patience));
        Assert.Equal(before, NotCountingRetention(test, before));
        Assert.Equal(0, Parked(test, "t"));
    }

    [Fact]
    public async Task One_reader_waits_many_times_with_one_timer()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var before = test.Clock.ArmedTimers;
        using var fetch = test.Open("t");

        for (var i = 0; i < 20; i++)
        {
            var wait = fetch.WaitAsync(Long, default).AsTask();
            await test.ProduceAsync("t", 0, $"v{i}");
            Assert.True(await wait.WaitAsync(Patience));
            Assert.Equal(before, test.Clock.ArmedTimers);
            Assert.Equal([$"v{i}"], TestBroker.ReadAll(fetch));
        }

        Assert.Equal(0, Parked(test, "t"));
    }

    [Fact]
    public async Task A_cancelled_wait_throws_and_the_next_one_works()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var before = test.Clock.ArmedTimers;
        using var fetch = test.Open("t");
        using var cancel = new CancellationTokenSource();
        var wait = fetch.WaitAsync(Long, cancel.Token).AsTask();

        await cancel.CancelAsync();

        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.WaitAsync(Patience));
        Assert.Equal(cancel.Token, thrown.CancellationToken);
        Assert.Equal(before, test.Clock.ArmedTimers);
        Assert.Equal(0, Parked(test, "t"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await fetch.WaitAsync(Long, cancel.Token));
        var next = fetch.WaitAsync(Long, default).AsTask();
        await test.ProduceAsync("t", 0, "a");
        Assert.True(await next.WaitAsync(Patience));
    }

    [Fact]
    public async Task Deleting_the_topic_wakes_its_readers_with_that_news()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");
        var wait = fetch.WaitAsync(Long, default).AsTask();

        await test.Broker.DeleteTopicAsync("t", default);

        Assert.True(await wait.WaitAsync(Patience));
        var gone = Assert.Throws<BrokerException>(() => fetch.Read(TextEncoder.Shared, 1, 1, []));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, gone.Code);
    }

    [Fact]
    public async Task Stopping_the_broker_wakes_its_readers()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");
        var wait = fetch.WaitAsync(Long, default).AsTask();

        await test.StopAsync();

        Assert.True(await wait.WaitAsync(Patience));
        Assert.Equal(ErrorCode.KafkaStorageError, Assert.Throws<BrokerException>(() => fetch.Read(TextEncoder.Shared, 1, 1, [])).Code);
    }

    [Fact]
    public async Task A_reader_of_many_partitions_is_woken_by_any_of_them_and_leaves_all()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 8);
        using var fetch = test.Broker.OpenFetch([.. Enumerable.Range(0, 8).Select(p => new FetchPosition(new TopicPartition("t", p), 0))]);
        for (var p = 7; p >= 0; p--)
        {
            var wait = fetch.WaitAsync(Long, default).AsTask();
            await test.ProduceAsync("t", p, $"p{p}");
            Assert.True(await wait.WaitAsync(Patience));
            Assert.Equal([$"p{p}"], TestBroker.ReadAll(fetch));
            Assert.Equal(0, Parked(test, "t"));
        }
    }

    [Fact]
    public async Task A_thousand_readers_are_all_woken_by_one_append()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var fetches = Enumerable.Range(0, 1000).Select(_ => test.Open("t")).ToList();
        var waits = fetches.Select(f => f.WaitAsync(Long, default).AsTask()).ToList();
        Assert.Equal(1000, Parked(test, "t"));

        // Every third leaves before, from the middle of the list.
        for (var i = 0; i < fetches.Count; i += 3)
            fetches[i].Dispose();
        Assert.Equal(666, Parked(test, "t"));
        await test.ProduceAsync("t", 0, "a");

        var staying = waits.Where((_, i) => i % 3 != 0).ToList();
        Assert.All(await Task.WhenAll(staying).WaitAsync(Patience), Assert.True);
        Assert.Equal(0, Parked(test, "t"));
        fetches.ForEach(f => f.Dispose());
    }

    [Fact]
    public async Task No_wake_up_is_lost_when_appends_race_with_waits()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2, ("reststream.durability", "os"));
        const int Records = 2000;
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            using var fetch = test.Broker.OpenFetch([new(new("t", 0), 0), new(new("t", 1), 0)]);
            var slices = new List<EncodedSlice>();
            var seen = 0;
            while (seen < Records)
            {
                seen += fetch.Read(TextEncoder.Shared, 10, int.MaxValue, slices);
                if (seen < Records)
                    Assert.True(await fetch.WaitAsync(Timeout.InfiniteTimeSpan, default));
            }
        })).ToList();

        for (var i = 0; i < Records; i++)
            await test.ProduceAsync("t", i % 2, "v");

        await Task.WhenAll(readers).WaitAsync(Patience);
    }

    [Fact]
    public async Task Waiting_again_and_again_allocates_nothing()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");
        using var cancel = new CancellationTokenSource();
        Wait();
        Wait();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Wait();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // The clock of the test lists its due timers in a new array at each step; nothing else may appear.
        Assert.True(allocated <= ClockBytes(test) + 100, $"{allocated} bytes in 100 waits");

        void Wait()
        {
            var wait = fetch.WaitAsync(TimeSpan.FromMilliseconds(1), cancel.Token);
            test.Clock.Advance(TimeSpan.FromMilliseconds(1));
#pragma warning disable CA2012 // Completed by the clock; reading the result here is what is measured.
            Assert.False(wait.GetAwaiter().GetResult());
#pragma warning restore CA2012
        }
    }

    /// <summary>What 100 steps of the clock with one due timer allocate.</summary>
    private static long ClockBytes(TestBroker test)
    {
        using var timer = test.Clock.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            timer.Change(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            test.Clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static int Parked(TestBroker test, string topic) =>
        test.Broker.Topics.Single(t => t.Name == topic).Partitions.Sum(p => p.Waiters.Count);

    /// <summary>The step of the clock also fired the background timer of retention, which is armed again when its pass has ended.</summary>
    private static int NotCountingRetention(TestBroker test, int before) => Math.Max(test.Clock.ArmedTimers, before);
}
