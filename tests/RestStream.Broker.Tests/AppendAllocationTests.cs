using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Tests;

/// <summary>An append runs on threads of the log, so the whole process is measured, and no other test may run meanwhile.</summary>
[CollectionDefinition(nameof(AppendAllocationTests), DisableParallelization = true)]
[Collection(nameof(AppendAllocationTests))]
public class AppendAllocationTests
{
    [Fact]
    public async Task Appending_allocates_less_than_a_byte_for_each_record()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t", 1, ("reststream.durability", "os"));
        using var builder = new RecordBatchBuilder();
        var timestamp = test.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        // The difference between large and small batches is what the records cost; what a batch costs cancels out.
        // The runtime's own threads allocate now and then, which only adds: the smallest of a few runs is the one to look at.
        var (small, large) = (long.MaxValue, long.MaxValue);
        for (var run = 0; run < 8; run++)
        {
            small = Math.Min(small, await AllocatedAsync(records: 10));
            large = Math.Min(large, await AllocatedAsync(records: 1000));
        }

        // The offset index grows with the bytes, by 8 for each 4 KiB; that is all.
        const int MoreRecords = 100 * 990;
        Assert.True(large - small < MoreRecords, $"100 batches of 10 records: {small} bytes, of 1000 records: {large} bytes");

        async Task<long> AllocatedAsync(int records)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < 100; i++)
            {
                for (var r = 0; r < records; r++)
                    builder.Append(timestamp, false, "key"u8, false, "some value"u8);
                await test.Broker.ProduceAsync(new TopicPartition("t", 0), builder.Build());
            }

            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
    }
}
