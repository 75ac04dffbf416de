using System.Text;
using RestStream.Storage;
using RestStream.Storage.Files;
using RestStream.TestKit.Disks;

namespace RestStream.Broker.Tests;

/// <summary>Requests with a key: written once with their receipts, remembered as long as the settings say, across every crash.</summary>
public class IdempotencyKeyTests
{
    private static readonly TopicPartition T0 = new("t", 0);

    [Fact]
    public async Task The_receipt_and_the_places_of_all_parts_come_back_after_restarts()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        await test.ProduceAsync("t", 1, "before");

        var first = await SendAsync(test, "k", "one");
        await test.RestartAsync();
        var again = await SendAsync(test, "k", "one");

        Assert.Equal((null, "receipt of one"), (first.Receipt, again.Receipt));
        Assert.Equal([0, 1], first.Offsets);
        Assert.Equal([0, 1], again.Offsets);
        Assert.Equal(["one"], test.ReadAll("t"));
        Assert.Equal(["before", "one"], test.ReadAll("t", 1));
    }

    [Fact]
    public async Task A_key_is_taken_while_its_request_is_done_and_free_when_that_failed()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);

        using (test.Broker.BeginIdempotent("t", "k", Hash("one")))
        {
            Assert.Equal(ErrorCode.IdempotencyKeyInUse, Assert.Throws<BrokerException>(() => test.Broker.BeginIdempotent("t", "k", Hash("one"))).Code);
            Assert.Equal(ErrorCode.IdempotencyKeyReused, Assert.Throws<BrokerException>(() => test.Broker.BeginIdempotent("t", "k", Hash("two"))).Code);
        }

        await SendAsync(test, "k", "two");
        Assert.Equal(ErrorCode.IdempotencyKeyReused, Assert.Throws<BrokerException>(() => test.Broker.BeginIdempotent("t", "k", Hash("one"))).Code);
    }

    [Fact]
    public async Task A_key_is_forgotten_after_its_age_and_not_before()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        await SendAsync(test, "k", "one");

        test.Clock.Advance(TimeSpan.FromHours(23));
        Assert.NotNull((await SendAsync(test, "k", "one")).Receipt);
        test.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null((await SendAsync(test, "k", "one")).Receipt);
        Assert.NotNull((await SendAsync(test, "k", "one")).Receipt);

        Assert.Equal(["one", "one"], test.ReadAll("t"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_a_topic_the_newest_keys_are_remembered(bool restart)
    {
        await using var test = await TestBroker.StartAsync(new BrokerOptions { MinFreeBytes = 0, IdempotencyKeysPerTopic = 3 });
        await test.CreateAsync("t", 2);
        await test.CreateAsync("other", 2);
        await SendAsync(test, "k", "other", "other");
        for (var i = 0; i < 5; i++)
            await SendAsync(test, $"k{i}", $"{i}");
        if (restart)
            await test.RestartAsync();

        Assert.NotNull((await SendAsync(test, "k2", "2")).Receipt);
        Assert.NotNull((await SendAsync(test, "k4", "4")).Receipt);
        Assert.NotNull((await SendAsync(test, "k", "other", "other")).Receipt);
        Assert.Null((await SendAsync(test, "k1", "1")).Receipt);
        Assert.Null((await SendAsync(test, "k2", "2")).Receipt);
    }

    [Fact]
    public async Task All_topics_together_remember_so_many_and_the_log_is_cut()
    {
        await using var test = await TestBroker.StartAsync(new BrokerOptions { MinFreeBytes = 0, IdempotencyKeysInAll = 20 });
        await test.CreateAsync("t", 2);
        for (var i = 0; i < 21; i++)
            await SendAsync(test, $"k{i}", $"{i}");

        Assert.Equal(5, test.Broker.DescribeTopic("__idempotency_keys").Partitions[0].LogStartOffset);
        Assert.Null((await SendAsync(test, "k4", "4")).Receipt);
        Assert.NotNull((await SendAsync(test, "k5", "5")).Receipt);
    }

    [Fact]
    public async Task A_receipt_that_is_damaged_on_the_disk_is_no_reason_to_write_again()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        await SendAsync(test, "k", "one");
        var path = Path.Combine(test.Folder, "__idempotency_keys-0", "00000000000000000000.log");
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = 90;
            file.WriteByte(0xFF);
        }

        Assert.Equal(ErrorCode.CorruptMessage, Assert.Throws<BrokerException>(() => test.Broker.BeginIdempotent("t", "k", Hash("one"))).Code);
        Assert.Equal(["one"], test.ReadAll("t"));
    }

    [Fact]
    public async Task A_deleted_topic_refuses_the_whole_unit()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 2);
        using var request = test.Broker.BeginIdempotent("t", "k", Hash("one"));

        await Assert.ThrowsAsync<BrokerException>(async () => await test.Broker.ProduceOnceAsync(request, [(T0, test.Batch("one")), (new("gone", 0), test.Batch("one"))], default));

        Assert.Empty(test.ReadAll("t"));
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("os")]
    public async Task A_power_cut_at_any_operation_neither_repeats_nor_forgets_a_request(string durability)
    {
        var whole = new SimulatedDisk();
        await new RetryingClient(durability).RunAsync(whole);

        for (var n = 1; n <= whole.Operations; n++)
        {
            var disk = new SimulatedDisk();
            disk.CrashAt(n, seed: n);
            var client = new RetryingClient(durability);
            await client.RunAsync(disk);
            for (var seed = 0; seed < 2; seed++)
                await client.FinishAsync(disk.Reboot((n * 10) + seed), $"operation {n}, seed {seed}");
        }
    }

    private static byte[] Hash(string text) => Encoding.UTF8.GetBytes(text.PadRight(32));

    /// <summary>Writes the value to both partitions, if the key was not used before.</summary>
    private static async Task<(string? Receipt, long[] Offsets)> SendAsync(TestBroker test, string key, string value, string topic = "t")
    {
        using var request = test.Broker.BeginIdempotent(topic, key, Hash(value));
        if (request.Receipt is { } receipt)
            return (Encoding.UTF8.GetString(receipt.Content.Span), [.. receipt.Results.Select(r => r.BaseOffset)]);
        var results = await test.Broker.ProduceOnceAsync(
            request, [(new(topic, 0), test.Batch(value)), (new(topic, 1), test.Batch(value))], Encoding.UTF8.GetBytes($"receipt of {value}"));
        return (null, [.. results.Take(2).Select(r => r.BaseOffset)]);
    }

    /// <summary>Sends six requests, each until it is answered, with other records between them.</summary>
    private sealed class RetryingClient(string durability)
    {
        private const int Requests = 6;
        private readonly Dictionary<int, long[]> _answers = [];

        public async Task RunAsync(IFileSystem disk)
        {
            TestBroker? test = null;
            try
            {
                test = await TestBroker.StartAsync(files: disk, folder: "/data");
                await SendAllAsync(test);
                await test.StopAsync();
            }
            catch (Exception e) when (e is SimulatedCrash or StorageException or BrokerException)
            {
                try
                {
                    if (test is not null)
                        await test.StopAsync();
                }
                catch (SimulatedCrash)
                {
                }
            }
        }

        public async Task FinishAsync(IFileSystem disk, string when)
        {
            var acknowledged = _answers.ToDictionary();
            await using (var test = await TestBroker.StartAsync(files: disk, folder: "/data"))
            {
                await SendAllAsync(test);
                for (var partition = 0; partition < 2; partition++)
                {
                    var values = test.ReadAll("t", partition).Where(v => !v.StartsWith("between", StringComparison.Ordinal));
                    Assert.True(values.SequenceEqual(Enumerable.Range(0, Requests).Select(i => $"{i}")), $"{when}: {string.Join(", ", values)}");
                }
            }

            foreach (var (request, offsets) in acknowledged)
                Assert.True(offsets.SequenceEqual(_answers[request]), $"{when}: request {request} was answered {string.Join(',', offsets)} and then {string.Join(',', _answers[request])}");
            _answers.Clear();
            foreach (var (request, offsets) in acknowledged)
                _answers[request] = offsets;
        }

        private async Task SendAllAsync(TestBroker test)
        {
            if (test.Broker.ListTopics(null, 10, false).Count == 0)
                await test.CreateAsync("t", 2, ("reststream.durability", durability), ("segment.bytes", "1024"));
            for (var i = 0; i < Requests; i++)
            {
                _answers[i] = (await IdempotencyKeyTests.SendAsync(test, $"key {i}", $"{i}")).Offsets;
                await test.ProduceAsync("t", i % 2, $"between {i}");
            }
        }
    }
}
