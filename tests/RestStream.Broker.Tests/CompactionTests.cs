using System.Diagnostics.Metrics;
using System.Text;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Tests;

public class CompactionTests
{
    private static readonly (string, string)[] s_compacted =
        [("cleanup.policy", "compact"), ("segment.bytes", "1200"), ("file.delete.delay.ms", "0"), ("min.cleanable.dirty.ratio", "0.1")];

    [Fact]
    public async Task Superseded_records_go_and_readers_see_the_last_value_of_each_key()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, s_compacted);
        await WriteAsync(test, "t", rounds: 20);

        await test.Broker.Compaction.RoundAsync(default);

        var values = test.ReadAll("t");
        Assert.True(values.Count < 20, string.Join(' ', values));
        Assert.Equal(Enumerable.Range(0, 5).Select(k => $"k{k}=19"), values.TakeLast(5));
        await test.RestartAsync();
        Assert.Equal(values, test.ReadAll("t"));
        Assert.Equal(values.Count, test.Broker.ListTopics(null, 10, includeInternal: false).Single().Partitions[0].CountRecords());
    }

    [Fact]
    public async Task It_runs_by_itself_every_fifteen_seconds()
    {
        var log = new SignalLog();
        await using var test = await TestBroker.StartAsync(logger: log);
        await test.CreateAsync("t", 1, s_compacted);
        for (var round = 0; round < 2; round++)
        {
            await WriteAsync(test, "t", rounds: 20);
            var ended = log.NextAsync(2033);
            test.Clock.Advance(TimeSpan.FromSeconds(15));

            // The second time the loop may just be on its way to its next timer.
            for (var second = 0; round > 0 && !ended.IsCompleted && second < 1_000_000; second++)
            {
                test.Clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(1);
            }

            await ended.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(test.ReadAll("t").Count < 30);
        }
    }

    [Fact]
    public async Task A_follower_goes_through_holes_and_bare_headers_and_ends_at_the_end()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, [.. s_compacted, ("delete.retention.ms", "0"), ("max.compaction.lag.ms", "60000")]);
        await WriteAsync(test, "t", rounds: 20);
        for (var k = 0; k < 5; k++)
            await test.Broker.ProduceAsync(new("t", 0), Batch(test, $"k{k}", null));
        var end = test.Broker.DescribeTopic("t").Partitions[0].HighWatermark;

        // The first pass comes upon the tombstones, and once something was written behind them the next one drops them with all that is left.
        for (var pass = 0; pass < 3; pass++)
        {
            test.Clock.Advance(TimeSpan.FromMinutes(2));
            await test.Broker.ProduceAsync(new("t", 0), Batch(test, "last", $"{pass}"));
            await test.Broker.Compaction.RoundAsync(default);
        }

        Assert.True(test.Broker.DescribeTopic("t").Partitions[0].HighWatermark > end);
        foreach (var from in Enumerable.Range(0, (int)end + 1))
        {
            using var fetch = test.Open("t", 0, from);
            var values = TestBroker.ReadAll(fetch, maxRecords: 1);
            Assert.Equal("last=2", values[^1]);
            Assert.DoesNotContain(values, v => v.StartsWith('k') && from > 0 && v.Length > 3 && v[3..] != "19");
            Assert.Equal(fetch.EndOffset(0), fetch.Positions[0].Offset);
            Assert.False(await fetch.WaitAsync(TimeSpan.Zero, default));
        }
        Assert.DoesNotContain(test.ReadAll("t"), v => v.StartsWith('k'));
    }

    [Fact]
    public async Task A_partition_that_cannot_be_compacted_is_left_alone_and_the_others_are_not()
    {
        var log = new SignalLog();
        await using var test = await TestBroker.StartAsync(logger: log);
        await test.CreateAsync("bad", 1, s_compacted);
        await test.CreateAsync("good", 1, s_compacted);
        await WriteAsync(test, "bad", rounds: 20);
        await WriteAsync(test, "good", rounds: 20);
        var first = Path.Combine(test.Folder, "bad-0", "00000000000000000000.log");
        await using (var file = new FileStream(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = RecordBatchHeader.Size + 5;
            file.WriteByte(0xAA);
        }
        using var metrics = new Gauge("reststream_cleaner_uncleanable_partitions");
        var bytes = test.Broker.DescribeTopic("bad").Partitions[0].Bytes;
        var failed = log.NextAsync(2031);

        await test.Broker.Compaction.RoundAsync(default);

        Assert.True(failed.IsCompleted);
        Assert.Equal(bytes, test.Broker.DescribeTopic("bad").Partitions[0].Bytes);
        Assert.True(test.ReadAll("good").Count < 20);
        Assert.Equal(1, metrics.Read());
        Assert.Single(test.Broker.Health.Damaged);
        Assert.True(test.Broker.Health.Ready);

        // It is not tried again, and goes with its topic.
        await test.Broker.Compaction.RoundAsync(default);
        await test.Broker.DeleteTopicAsync("bad", default);
        await test.Broker.Compaction.RoundAsync(default);
        Assert.Equal(0, metrics.Read());
    }

    [Fact]
    public async Task Internal_topics_are_compacted_and_topics_of_another_policy_and_the_metadata_are_not()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("__table", 1, s_compacted);
        await test.CreateAsync("plain", 1, ("segment.bytes", "1200"));
        await WriteAsync(test, "__table", rounds: 20);
        await WriteAsync(test, "plain", rounds: 20);
        var metadata = test.Broker.DescribeTopic("__reststream_metadata").Partitions[0];

        await test.Broker.Compaction.RoundAsync(default);

        Assert.True(test.ReadAll("__table").Count < 20);
        Assert.Equal(100, test.ReadAll("plain").Count);
        Assert.Equal(metadata.Bytes, test.Broker.DescribeTopic("__reststream_metadata").Partitions[0].Bytes);
    }

    [Fact]
    public async Task The_configs_take_effect_when_they_are_changed()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, [.. s_compacted, ("min.compaction.lag.ms", "60000")]);
        await WriteAsync(test, "t", rounds: 20);
        await test.Broker.Compaction.RoundAsync(default);
        Assert.Equal(100, test.ReadAll("t").Count);

        await test.AlterAsync("t", null, ("min.compaction.lag.ms", null), ("min.cleanable.dirty.ratio", "1"));
        await test.Broker.Compaction.RoundAsync(default);
        Assert.Equal(100, test.ReadAll("t").Count);

        test.Clock.Advance(TimeSpan.FromSeconds(61));
        await test.AlterAsync("t", null, ("max.compaction.lag.ms", "60000"));
        await test.Broker.Compaction.RoundAsync(default);

        // The lag closed the active segment too, so nothing is left twice.
        Assert.Equal(5, test.ReadAll("t").Count);
    }

    [Fact]
    public async Task A_stop_ends_a_pass_and_the_next_start_goes_on()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, s_compacted);
        await WriteAsync(test, "t", rounds: 20);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => test.Broker.Compaction.RoundAsync(new CancellationToken(canceled: true)));

        Assert.Equal(100, test.ReadAll("t").Count);
        await test.RestartAsync();
        await test.Broker.Compaction.RoundAsync(default);
        Assert.True(test.ReadAll("t").Count < 20);
    }

    [Fact]
    public async Task The_newest_record_of_a_key_comes_alone_and_a_tombstone_is_none()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2, ("segment.bytes", "1200"));
        await test.Broker.ProduceAsync(new("t", 1), Batch(test, "early", "1"));
        for (var i = 0; i < 50; i++)
            await test.Broker.ProduceAsync(new("t", 1), TestBroker.Batch(i % 2 == 0 ? CompressionCodec.None : CompressionCodec.Gzip, i, $"{i}", $"{i}b"));
        await test.Broker.ProduceAsync(new("t", 1), Batch(test, "gone", "1"));
        await test.Broker.ProduceAsync(new("t", 1), Batch(test, "gone", null));

        Assert.Equal("early=1", await LatestAsync("early"));
        Assert.Equal("49b", await LatestAsync("k"));
        Assert.Null(await LatestAsync("gone"));
        Assert.Null(await LatestAsync("never"));
        Assert.Null(await LatestAsync("k", partition: 0));
        await Assert.ThrowsAsync<BrokerException>(() => LatestAsync("k", partition: 2));

        async Task<string?> LatestAsync(string key, int partition = 1) =>
            await test.Broker.FindLatestAsync(new("t", partition), Encoding.UTF8.GetBytes(key), TextEncoder.Shared, default) is { IsTombstone: false } found
                ? Encoding.UTF8.GetString(found.Encoded.Record(0).Span) : null;
    }

    /// <summary>Each round writes all five keys with the round's number.</summary>
    private static async Task WriteAsync(TestBroker test, string topic, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            for (var k = 0; k < 5; k++)
                await test.Broker.ProduceAsync(new TopicPartition(topic, 0), Batch(test, $"k{k}", $"{round}"));
        }
    }

    private static BatchBuffer Batch(TestBroker test, string key, string? value)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(test.Clock.GetUtcNow().ToUnixTimeMilliseconds(), false, Encoding.UTF8.GetBytes(key), value is null, Encoding.UTF8.GetBytes(value is null ? "" : $"{key}={value}"));
        return builder.Build();
    }

    /// <summary>What an observable gauge says when it is asked.</summary>
    private sealed class Gauge : IDisposable
    {
        private readonly MeterListener _listener = new();
        private int _last = -1;

        public Gauge(string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<int>((_, value, _, _) => _last = Math.Max(_last, value));
            _listener.Start();
        }

        public int Read()
        {
            _last = -1;
            _listener.RecordObservableInstruments();
            return _last;
        }

        public void Dispose() => _listener.Dispose();
    }
}
