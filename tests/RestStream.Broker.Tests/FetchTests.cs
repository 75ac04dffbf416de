using System.Text;
using RestStream.Storage;

namespace RestStream.Broker.Tests;

public class FetchTests
{
    [Fact]
    public async Task A_batch_is_encoded_once_for_a_hundred_followers()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var encoder = new TextEncoder();
        var followers = Enumerable.Range(0, 100).Select(_ => test.Open("t")).ToList();

        for (var batch = 0; batch < 5; batch++)
        {
            await test.ProduceAsync("t", 0, $"a{batch}", $"b{batch}");
            await Task.WhenAll(followers.Select(f => Task.Run(() => Assert.Equal([$"a{batch}", $"b{batch}"], TestBroker.ReadAll(f, encoder)))));
            Assert.Equal(batch + 1, encoder.Calls);
        }

        followers.ForEach(f => f.Dispose());
    }

    [Fact]
    public async Task Followers_in_two_formats_get_each_batch_encoded_twice()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        TextEncoder one = new(), other = new();
        await test.ProduceAsync("t", 0, "a");

        for (var i = 0; i < 3; i++)
        {
            using var first = test.Open("t");
            using var second = test.Open("t");
            Assert.Equal(["a"], TestBroker.ReadAll(first, one));
            Assert.Equal(["a"], TestBroker.ReadAll(second, other));
        }

        Assert.Equal((1, 1), (one.Calls, other.Calls));
    }

    [Fact]
    public async Task A_reader_of_old_records_does_not_push_out_what_the_followers_share()
    {
        await using var test = await TestBroker.StartAsync(new BrokerOptions { EncodedCacheBytes = 16 * 20_000, MinFreeBytes = 0 });
        await test.CreateAsync("t");
        var encoder = new TextEncoder();
        for (var i = 0; i < 50; i++)
            await test.ProduceAsync("t", 0, new string('x', 4000));
        using var follower = test.Open("t", 0, 50);
        await test.ProduceAsync("t", 0, "new");
        Assert.Equal(["new"], TestBroker.ReadAll(follower, encoder));
        Assert.Equal(1, encoder.Calls);

        using var old = test.Open("t");
        Assert.Equal(51, TestBroker.ReadAll(old, encoder).Count);

        // The old one encoded what it read for itself, and found the newest batch in the shared ones.
        Assert.Equal(51, encoder.Calls);
        using var late = test.Open("t", 0, 50);
        Assert.Equal(["new"], TestBroker.ReadAll(late, encoder));
        Assert.Equal(51, encoder.Calls);
    }

    [Theory]
    [InlineData(10, int.MaxValue)]
    [InlineData(int.MaxValue, 70)]
    [InlineData(1, 1)]
    public async Task A_reader_that_catches_up_in_small_steps_encodes_a_large_batch_once(int maxRecords, int maxBytes)
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var values = Enumerable.Range(1000, 1000).Select(i => $"{i}").ToArray();
        await test.ProduceAsync("t", 0, values);
        await test.ProduceAsync("t", 0, "new");
        var encoder = new TextEncoder();
        using var follower = test.Open("t", 0, 1000);
        Assert.Equal(["new"], TestBroker.ReadAll(follower, encoder));

        using var old = test.Open("t");
        Assert.Equal([.. values, "new"], TestBroker.ReadAll(old, encoder, maxRecords, maxBytes));

        // A share of bytes may end inside a record, which is then encoded by the next read too.
        Assert.InRange(encoder.Records, 1001, 1100);
    }

    [Fact]
    public async Task Encoded_batches_stay_within_their_bound_and_go_when_nobody_reads()
    {
        const long Bound = 16 * 20_000;
        await using var test = await TestBroker.StartAsync(new BrokerOptions { EncodedCacheBytes = Bound, MinFreeBytes = 0 });
        await test.CreateAsync("t", 40);
        for (var p = 0; p < 40; p++)
        {
            using var fetch = test.Open("t", p);
            for (var i = 0; i < 10; i++)
            {
                await test.ProduceAsync("t", p, new string('x', 4000));
                Assert.Single(TestBroker.ReadAll(fetch));
            }

            Assert.InRange(test.Broker.EncodedCacheBytes, 1, Bound);
        }

        await test.Broker.Retention.PassAsync(default);
        await test.Broker.Retention.PassAsync(default);

        Assert.Equal(0, test.Broker.EncodedCacheBytes);
        await test.Broker.DeleteTopicAsync("t", default);
        Assert.Equal(0, test.Broker.EncodedCacheBytes);
    }

    [Fact]
    public async Task Reading_a_shared_batch_allocates_nothing()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        await test.ProduceAsync("t", 0, [.. Enumerable.Range(0, 100).Select(i => $"value-{i}")]);
        using var fetch = test.Open("t");
        var slices = new List<EncodedSlice>(16);
        Read();
        Read();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Read();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);

        void Read()
        {
            fetch.Seek(0, 0);
            if (fetch.Read(TextEncoder.Shared, int.MaxValue, int.MaxValue, slices) != 100)
                throw new InvalidOperationException("Not all records.");
        }
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(3, int.MaxValue)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(int.MaxValue, 7)]
    [InlineData(2, 5)]
    public async Task Limits_are_kept_and_every_read_gives_at_least_one_record(int maxRecords, int maxBytes)
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        List<string> all = [];
        foreach (var batch in (string[][])[["a", "bb", "ccc"], ["dddddddddd"], ["", "", "e"], ["f"]])
        {
            await test.ProduceAsync("t", 0, batch);
            all.AddRange(batch);
        }

        using var fetch = test.Open("t");
        var slices = new List<EncodedSlice>();
        var read = new List<string>();
        while (fetch.Positions[0].Offset < all.Count)
        {
            var count = fetch.Read(TextEncoder.Shared, maxRecords, maxBytes, slices);
            var values = TestBroker.Values(slices).ToList();

            Assert.Equal(values.Count, count);
            Assert.InRange(count, 1, maxRecords);
            Assert.True(count == 1 || values.Sum(v => v.Length) <= maxBytes);
            read.AddRange(values);
            Assert.Equal(read.Count, fetch.Positions[0].Offset);
        }

        Assert.Equal(all, read);
        Assert.Equal(0, fetch.Read(TextEncoder.Shared, maxRecords, maxBytes, slices));
        Assert.Empty(slices);
    }

    [Fact]
    public async Task A_read_begins_in_the_middle_of_a_batch()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        await test.ProduceAsync("t", 0, "a", "b", "c", "d");

        for (var from = 0; from <= 4; from++)
            Assert.Equal(((string[])["a", "b", "c", "d"]).Skip(from), test.ReadAll("t", 0, from));
    }

    [Fact]
    public async Task A_loud_partition_leaves_room_for_the_others_and_a_lone_one_gets_everything()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 4);
        for (var i = 0; i < 100; i++)
            await test.ProduceAsync("t", 0, $"loud{i}");
        await test.ProduceAsync("t", 2, "quiet");

        using var fetch = test.Broker.OpenFetch([.. Enumerable.Range(0, 4).Select(p => new FetchPosition(new TopicPartition("t", p), 0))]);
        var slices = new List<EncodedSlice>();
        var count = fetch.Read(TextEncoder.Shared, 40, int.MaxValue, slices);

        Assert.Equal(40, count);
        Assert.Contains("quiet", TestBroker.Values(slices));
        Assert.Equal(1, fetch.Positions[2].Offset);
        Assert.Equal(39, fetch.Positions[0].Offset);
        Assert.Equal((100, 0, 1, 0), (fetch.EndOffset(0), fetch.EndOffset(1), fetch.EndOffset(2), fetch.EndOffset(3)));
    }

    [Fact]
    public async Task Positions_outside_of_the_log_say_where_it_starts_and_ends()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        for (var i = 0; i < 5; i++)
            await test.ProduceAsync("t", 0, $"v{i}");
        await test.Broker.TruncateAsync("t", new Dictionary<int, long> { [0] = 2 }, default);
        using var fetch = test.Open("t", 0, 1);

        var below = Assert.Throws<BrokerException>(() => fetch.Read(TextEncoder.Shared, 1, 1, []));
        Assert.Equal((ErrorCode.OffsetOutOfRange, 2, 5), (below.Code, below.Earliest, below.Latest));
        fetch.Seek(0, 6);
        var beyond = Assert.Throws<BrokerException>(() => fetch.Read(TextEncoder.Shared, 1, 1, []));
        Assert.Equal((ErrorCode.OffsetOutOfRange, 2, 5), (beyond.Code, beyond.Earliest, beyond.Latest));
        fetch.Seek(0, 2);
        Assert.Equal(["v2", "v3", "v4"], TestBroker.ReadAll(fetch));
    }

    [Fact]
    public async Task A_failed_partition_does_not_hide_the_records_of_another_and_is_reported_next()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        await test.ProduceAsync("t", 0, "good");
        using var fetch = test.Broker.OpenFetch([new(new("t", 0), 0), new(new("t", 1), 9)]);
        var slices = new List<EncodedSlice>();
        var seen = new List<string>();
        BrokerException? failed = null;

        for (var i = 0; i < 3; i++)
        {
            try
            {
                fetch.Read(TextEncoder.Shared, 10, 1000, slices);
                seen.AddRange(TestBroker.Values(slices));
            }
            catch (BrokerException e)
            {
                failed = e;
            }
        }

        Assert.Equal(["good"], seen);
        Assert.Equal((ErrorCode.OffsetOutOfRange, new TopicPartition("t", 1)), (failed!.Code, failed.Partition));
    }

    [Fact]
    public async Task A_damaged_batch_is_refused_with_the_next_good_offset_and_the_rest_is_readable()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        await test.ProduceAsync("t", 0, "before");
        await test.ProduceAsync("t", 0, "damaged-1", "damaged-2");
        await test.ProduceAsync("t", 0, "behind");
        FlipByteOf(Path.Combine(test.Folder, "t-0", "00000000000000000000.log"), "damaged-1");
        using var fetch = test.Open("t");
        var slices = new List<EncodedSlice>();

        Assert.Equal(1, fetch.Read(TextEncoder.Shared, 10, 1000, slices));
        Assert.Equal(["before"], TestBroker.Values(slices));
        var damaged = Assert.Throws<BrokerException>(() => fetch.Read(TextEncoder.Shared, 10, 1000, slices));
        Assert.Equal((ErrorCode.CorruptMessage, 3), (damaged.Code, damaged.Earliest));
        Assert.Equal(1, fetch.Positions[0].Offset);
        fetch.Seek(0, damaged.Earliest);
        Assert.Equal(["behind"], TestBroker.ReadAll(fetch));
        var reported = Assert.Single(test.Broker.Health.Damaged);
        Assert.Equal((1, 3), (reported.Ranges[0].From, reported.Ranges[0].To));
        Assert.True(test.Broker.Health.Ready);
    }

    [Fact]
    public async Task Unknown_topics_and_partitions_are_refused_when_the_reader_is_opened()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Throws<BrokerException>(() => test.Open("no")).Code);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Throws<BrokerException>(() => test.Open("t", 2)).Code);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Throws<BrokerException>(() => test.Open("t", -1)).Code);
        Assert.Equal(ErrorCode.InvalidTopic, Assert.Throws<BrokerException>(() => test.Open("a\r\nb")).Code);
    }

    [Fact]
    public async Task Records_are_found_by_time()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var id = new TopicPartition("t", 0);
        var start = test.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < 3; i++)
        {
            await test.ProduceAsync("t", 0, $"v{i}");
            test.Clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(1, test.Broker.FindOffset(id, start + 5)!.Value.Offset);
        Assert.Equal(3, test.Broker.FindOffset(id, -1)!.Value.Offset);
        Assert.Equal(0, test.Broker.FindOffset(id, -2)!.Value.Offset);
        Assert.Equal(2, test.Broker.FindOffset(id, -3)!.Value.Offset);
        Assert.Null(test.Broker.FindOffset(id, start + 1000));
    }

    private static void FlipByteOf(string file, string text)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
        Assert.True(at > 0);
        stream.Position = at;
        stream.WriteByte((byte)(bytes[at] ^ 1));
    }
}
