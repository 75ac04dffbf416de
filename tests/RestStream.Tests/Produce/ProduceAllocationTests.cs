using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Http;
using RestStream.Http.Produce;
using RestStream.Settings;
using RestStream.TestKit.Disks;

namespace RestStream.Tests.Produce;

public sealed class ProduceAllocationTests
{
    [Fact]
    public async Task Reading_a_body_into_batches_allocates_nothing_per_record()
    {
        await using var broker = await EmbeddedBroker.OpenAsync("/data", new BrokerOptions { MinFreeBytes = 0 }, new SimulatedDisk(), new ManualClock(), NullLogger.Instance);
        await broker.CreateTopicAsync(new TopicSpec("t", 2, new Dictionary<string, string>()), default);
        var policy = new ProduceWork.Policy(broker, new LimitOptions());
        var work = policy.Create();
        var (few, many) = (Body(10), Body(1000));
        Read(few);
        Read(many);
        Read(many);

        var small = Allocated(few);
        var large = Allocated(many);

        Assert.True(large - small < 990, $"{small} bytes for 10 records, {large} for 1000");

        long Allocated(byte[] body)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Read(body);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Read(byte[] body)
        {
            work.Parser.ReadBody(body, work.Records, new RecordRules { Target = work.Records.Target("t"), Partition = 0, KeyFormat = DataFormat.Text, ValueFormat = DataFormat.Json });
            Assert.Equal(0, work.Records.RefusedCount);
            policy.Return(work);
        }
    }

    private static byte[] Body(int records) => Encoding.UTF8.GetBytes(
        $"[{string.Join(',', Enumerable.Range(0, records).Select(i => $$"""{"key":"k{{i}}\u00e9","value":{"n":{{i}},"text":"some text"},"headers":[{"key":"h","value":"x"}]}"""))}]");
}
