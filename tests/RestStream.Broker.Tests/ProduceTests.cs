using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Tests;

public class ProduceTests
{
    private static readonly TopicPartition T0 = new("t", 0);

    [Fact]
    public async Task Offsets_count_records_and_an_expected_offset_that_is_not_next_is_refused()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");

        Assert.Equal(0, (await test.ProduceAsync("t", 0, "a", "b")).BaseOffset);
        Assert.Equal(2, (await test.Broker.ProduceAsync(T0, test.Batch("c"), expectedOffset: 2)).BaseOffset);
        var refused = await RefusalOf(test.Broker.ProduceAsync(T0, test.Batch("d"), expectedOffset: 2));

        Assert.Equal((ErrorCode.OffsetMismatch, 3), (refused.Code, refused.Latest));
        Assert.Equal(["a", "b", "c"], test.ReadAll("t"));
    }

    [Fact]
    public async Task A_batch_larger_than_the_topic_takes_is_refused_and_nothing_is_written()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("max.message.bytes", "200"));

        var refused = await RefusalOf(test.ProduceAsync("t", 0, new string('x', 200)));
        await test.ProduceAsync("t", 0, "fits");

        Assert.Equal(ErrorCode.MessageTooLarge, refused.Code);
        Assert.Contains("200", refused.Message);
        Assert.Equal(["fits"], test.ReadAll("t"));
    }

    [Fact]
    public async Task A_unit_larger_than_the_journal_takes_is_refused_as_a_whole()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 4);
        BatchBuffer Large() => TestBroker.Batch(CompressionCodec.None, 0, new string('x', 700_000));

        var refused = await RefusalOf(test.Broker.ProduceAtomicAsync([(T0, Large()), (new("t", 1), Large()), (new("t", 2), Large())]));
        await test.Broker.ProduceAtomicAsync([(T0, Large()), (new("t", 3), Large())]);

        Assert.Equal(ErrorCode.RecordListTooLarge, refused.Code);
        Assert.Contains("2097152", refused.Message);
        Assert.Equal([1L, 0, 0, 1], test.Broker.DescribeTopic("t").Partitions.Select(p => p.HighWatermark));
    }

    [Theory]
    [InlineData(3_600_000, true)]
    [InlineData(3_600_001, false)]
    [InlineData(-1_000_000_000, true)]
    [InlineData(long.MaxValue, false)]
    public async Task A_timestamp_may_lie_one_hour_ahead_and_any_time_back(long fromNow, bool taken)
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var now = test.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        var produce = test.Broker.ProduceAsync(T0, TestBroker.Batch(CompressionCodec.None, fromNow == long.MaxValue ? fromNow : now + fromNow, "a"));

        if (taken)
            await produce;
        else
            Assert.Equal(ErrorCode.InvalidTimestamp, (await RefusalOf(produce)).Code);
    }

    [Fact]
    public async Task A_topic_may_refuse_old_timestamps_but_not_missing_ones()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("message.timestamp.before.max.ms", "1000"));
        var now = test.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        await test.Broker.ProduceAsync(T0, TestBroker.Batch(CompressionCodec.None, now - 1000, "a"));
        await test.Broker.ProduceAsync(T0, TestBroker.Batch(CompressionCodec.None, -1, "b"));
        var refused = await RefusalOf(test.Broker.ProduceAsync(T0, TestBroker.Batch(CompressionCodec.None, now - 1001, "c")));

        Assert.Equal((ErrorCode.InvalidTimestamp, "timestamp"), (refused.Code, refused.Subject));
        Assert.Contains("message.timestamp.before.max.ms", refused.Message);
    }

    [Fact]
    public async Task A_log_append_time_topic_stamps_records_itself_and_takes_any_timestamp()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("message.timestamp.type", "LogAppendTime"));
        var now = test.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        var result = await test.Broker.ProduceAsync(T0, TestBroker.Batch(CompressionCodec.None, now + 100_000_000, "a"));

        Assert.Equal(now, result.Timestamp);
        var slices = new List<EncodedSlice>();
        using var fetch = test.Open("t");
        fetch.Read(TextEncoder.Shared, 1, 1, slices);
        Assert.Equal([now], slices[0].Batch.Timestamps);
    }

    [Fact]
    public async Task A_compacted_topic_refuses_a_record_without_a_key()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("cleanup.policy", "compact"));
        using var builder = new RecordBatchBuilder();
        builder.Append(0, false, "k"u8, false, "v"u8);
        builder.Append(0, true, default, false, "v"u8);

        var refused = await RefusalOf(test.Broker.ProduceAsync(T0, builder.Build()));
        await test.ProduceAsync("t", 0, "keyed");

        Assert.Equal((ErrorCode.InvalidRecord, "key"), (refused.Code, refused.Subject));
        Assert.Equal(["keyed"], test.ReadAll("t"));
    }

    [Theory]
    [InlineData("gzip", CompressionCodec.None)]
    [InlineData("snappy", CompressionCodec.None)]
    [InlineData("lz4", CompressionCodec.Gzip)]
    [InlineData("zstd", CompressionCodec.Lz4)]
    [InlineData("uncompressed", CompressionCodec.Gzip)]
    [InlineData("gzip", CompressionCodec.Gzip)]
    [InlineData("producer", CompressionCodec.Snappy)]
    public async Task Batches_are_stored_with_the_codec_of_their_topic(string type, CompressionCodec sent)
    {
        var stored = type switch
        {
            "uncompressed" => CompressionCodec.None,
            "producer" => sent,
            _ => Enum.Parse<CompressionCodec>(type, ignoreCase: true),
        };
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("compression.type", type));
        var values = Enumerable.Range(0, 50).Select(i => $"value number {i}").ToArray();

        await test.Broker.ProduceAsync(T0, TestBroker.Batch(sent, test.Clock.GetUtcNow().ToUnixTimeMilliseconds(), values));

        Assert.Equal(values, test.ReadAll("t"));
        await test.StopAsync();
        var batch = File.ReadAllBytes(Path.Combine(test.Folder, "t-0", "00000000000000000000.log"));
        Assert.Equal(stored, RecordBatchHeader.Read(batch).Codec);
        Assert.True(RecordBatch.IsCrcValid(batch));
        Assert.Null(RecordBatchValidator.FindProblem(batch, keyRequired: true));
    }

    [Fact]
    public async Task A_compressed_batch_that_is_broken_inside_is_refused_where_it_must_be_opened()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("compression.type", "uncompressed"));
        var batch = TestBroker.Batch(CompressionCodec.Gzip, 0, "some value", "another value");
        batch.Span[RecordBatchHeader.Size..].Fill(0xEE);

        var refused = await RefusalOf(test.Broker.ProduceAsync(T0, batch));

        Assert.Equal(ErrorCode.CorruptMessage, refused.Code);
        Assert.Empty(test.ReadAll("t"));
    }

    [Fact]
    public async Task Bytes_that_are_no_single_batch_are_refused()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        var tooShort = BatchBuffer.Rent(10);
        tooShort.Length = 10;
        var two = test.Batch("a");
        using (var other = test.Batch("b"))
        {
            var length = two.Length;
            two.EnsureCapacity(length + other.Length);
            two.Length = length + other.Length;
            other.Span.CopyTo(two.Span[length..]);
        }

        Assert.Equal(ErrorCode.InvalidRecord, (await RefusalOf(test.Broker.ProduceAsync(T0, tooShort))).Code);
        Assert.Equal(ErrorCode.InvalidRecord, (await RefusalOf(test.Broker.ProduceAsync(T0, two))).Code);
    }

    [Fact]
    public async Task An_atomic_produce_writes_all_parts_or_none()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        await test.CreateAsync("small", 1, ("max.message.bytes", "100"));

        var results = await test.Broker.ProduceAtomicAsync([(T0, test.Batch("a", "b")), (new("t", 1), test.Batch("c")), (T0, test.Batch("d"))]);
        var tooLarge = test.Broker.ProduceAtomicAsync([(T0, test.Batch("x")), (new("small", 0), test.Batch(new string('y', 100))), (new("t", 1), test.Batch("z"))]);
        var unknown = test.Broker.ProduceAtomicAsync([(T0, test.Batch("x")), (new("t", 5), test.Batch("y"))]);

        Assert.Equal([0, 0, 2], results.Select(r => r.BaseOffset));
        Assert.Equal(ErrorCode.MessageTooLarge, (await RefusalOf(tooLarge)).Code);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await RefusalOf(unknown)).Code);
        Assert.Equal(["a", "b", "d"], test.ReadAll("t"));
        Assert.Equal(["c"], test.ReadAll("t", 1));
        Assert.Empty(test.ReadAll("small"));
    }

    [Fact]
    public async Task Records_are_truncated_up_to_an_offset_or_all_and_a_wrong_offset_truncates_nothing()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        for (var i = 0; i < 4; i++)
        {
            await test.ProduceAsync("t", 0, $"a{i}");
            await test.ProduceAsync("t", 1, $"b{i}");
        }

        var wrong = await Assert.ThrowsAsync<BrokerException>(
            () => test.Broker.TruncateAsync("t", new Dictionary<int, long> { [0] = 2, [1] = 5 }, default));
        Assert.Equal((ErrorCode.OffsetOutOfRange, 4), (wrong.Code, wrong.Latest));
        Assert.Equal(4, test.ReadAll("t").Count);

        var starts = await test.Broker.TruncateAsync("t", new Dictionary<int, long> { [0] = 3, [1] = -1 }, default);
        Assert.Equal((3, 4), (starts[0], starts[1]));
        await test.RestartAsync();
        Assert.Equal(["a3"], test.ReadAll("t", 0, 3));
        Assert.Empty(test.ReadAll("t", 1, 4));
        Assert.Equal(4, (await test.ProduceAsync("t", 1, "next")).BaseOffset);
    }

    [Fact]
    public async Task A_topic_that_only_compacts_is_not_truncated()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("cleanup.policy", "compact"));

        var refused = await Assert.ThrowsAsync<BrokerException>(() => test.Broker.TruncateAsync("t", new Dictionary<int, long> { [0] = 0 }, default));

        Assert.Equal(ErrorCode.PolicyViolation, refused.Code);
    }

    [Fact]
    public async Task On_a_full_disk_appends_are_refused_but_topics_can_be_deleted()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        await test.CreateAsync("other");
        await test.StopAsync();
        await using var full = await TestBroker.StartAsync(new BrokerOptions { MinFreeBytes = long.MaxValue }, folder: test.Folder);

        var refused = await RefusalOf(full.ProduceAsync("t", 0, "x"));
        Assert.True(full.Broker.Health.DiskFull);
        await full.Broker.DeleteTopicAsync("t", default);

        Assert.Equal(ErrorCode.DiskFull, refused.Code);
        Assert.True(full.Broker.Health.DiskFull);
        Assert.Equal(["other"], full.Broker.ListTopics(null, 10, false).Select(t => t.Name));
    }

    private static async Task<BrokerException> RefusalOf<T>(ValueTask<T> produce) => await Assert.ThrowsAsync<BrokerException>(async () => await produce);
}
