using RestStream.Storage;

namespace RestStream.Broker.Tests;

public class ModelTests
{
    /// <summary>What a partition should hold: a plain list, and how much of its front is gone.</summary>
    private sealed class Model
    {
        public List<string> Values { get; } = [];
        public int Start { get; set; }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_is_done_a_partition_reads_like_a_plain_list(int seed)
    {
        var random = new Random(seed);
        await using var test = await TestBroker.StartAsync();
        var topics = new Dictionary<string, Model[]>();

        for (var step = 0; step < 300; step++)
        {
            var name = $"topic{random.Next(3)}";
            var known = topics.TryGetValue(name, out var partitions);
            var p = known ? random.Next(partitions!.Length) : 0;
            switch (random.Next(100))
            {
                case < 4 when known:
                    await test.Broker.DeleteTopicAsync(name, default);
                    topics.Remove(name);
                    break;
                case < 8:
                    await test.RestartAsync();
                    break;
                case < 12 when known && partitions!.Length < 5:
                    await test.AlterAsync(name, partitions.Length + 1);
                    topics[name] = [.. partitions, new Model()];
                    break;
                case < 20 when known:
                    await TruncateAsync(test, name, p, partitions![p], random);
                    break;
                case < 60 when known:
                    Check(test, name, p, partitions![p], random);
                    break;
                case < 65 when known:
                    await ProduceAtomicAsync(test, name, partitions!, random);
                    break;
                case var _ when known:
                    await ProduceAsync(test, name, p, partitions![p], random);
                    break;
                default:
                    var count = random.Next(1, 4);
                    await test.CreateAsync(name, count, ("segment.bytes", "2048"), ("index.interval.bytes", "200"), ("file.delete.delay.ms", "0"));
                    topics[name] = [.. Enumerable.Range(0, count).Select(_ => new Model())];
                    break;
            }
        }

        await test.RestartAsync();
        Assert.Equal(topics.Keys.Order(), test.Broker.ListTopics(null, 10, false).Select(t => t.Name));
        foreach (var (name, partitions) in topics)
        {
            for (var p = 0; p < partitions.Length; p++)
                Check(test, name, p, partitions[p], random);
        }
    }

    private static async Task ProduceAsync(TestBroker test, string name, int partition, Model model, Random random)
    {
        var values = RandomValues(random);

        var result = await test.ProduceAsync(name, partition, values);

        Assert.Equal(model.Values.Count, result.BaseOffset);
        model.Values.AddRange(values);
    }

    private static async Task ProduceAtomicAsync(TestBroker test, string name, Model[] partitions, Random random)
    {
        var parts = partitions.Select(_ => RandomValues(random)).ToList();

        var results = await test.Broker.ProduceAtomicAsync([.. parts.Select((values, p) => (new TopicPartition(name, p), test.Batch(values)))]);

        for (var p = 0; p < partitions.Length; p++)
        {
            Assert.Equal(partitions[p].Values.Count, results[p].BaseOffset);
            partitions[p].Values.AddRange(parts[p]);
        }
    }

    private static async Task TruncateAsync(TestBroker test, string name, int partition, Model model, Random random)
    {
        var before = random.Next(model.Values.Count + 1);

        var starts = await test.Broker.TruncateAsync(name, new Dictionary<int, long> { [partition] = before }, default);

        model.Start = Math.Max(model.Start, before);
        Assert.Equal(model.Start, starts[partition]);
    }

    private static void Check(TestBroker test, string name, int partition, Model model, Random random)
    {
        var described = test.Broker.DescribeTopic(name).Partitions[partition];
        Assert.Equal((model.Start, model.Values.Count), (described.LogStartOffset, described.HighWatermark));

        var from = random.Next(model.Start, model.Values.Count + 1);
        using var fetch = test.Open(name, partition, from);
        var read = TestBroker.ReadAll(fetch, maxRecords: random.Next(1, 50), maxBytes: random.Next(1, 2000));
        Assert.Equal(model.Values.Skip(from), read);
        if (model.Start > 0)
        {
            using var below = test.Open(name, partition, model.Start - 1);
            Assert.Equal(ErrorCode.OffsetOutOfRange, Assert.Throws<BrokerException>(() => below.Read(TextEncoder.Shared, 1, 1, [])).Code);
        }
    }

    private static string[] RandomValues(Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => new string((char)('a' + random.Next(26)), random.Next(300)))];
}
