using RestStream.Connect.Model;
using LogPartition = RestStream.Storage.TopicPartition;

namespace RestStream.Connect.Tests.Tasks;

public class SinkTaskTests
{
    private static readonly Dictionary<string, string> s_topic = new() { ["topics"] = "in" };

    [Fact]
    public async Task A_sink_gets_the_records_of_its_topics_and_a_stopped_one_has_committed_all_of_them()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 2);
        await worker.ProduceAsync("in", 0, "a", "b");
        await worker.ProduceAsync("in", 1, "c");
        var script = new SinkScript();

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 3, "three records");
        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal(["in-0@0=a", "in-0@1=b", "in-1@0=c"], script.Put.Order());
        Assert.Equal(["open in-0 in-1", "flush in-0@2 in-1@1", "close in-0 in-1"], script.Calls);
        Assert.Equal((2, 1), (Committed(worker, 0), Committed(worker, 1)));
        Assert.Equal(1, script.Disposed);
        Assert.Empty(worker.Broker.DescribeGroup("connect-c").Members);
    }

    [Fact]
    public async Task A_sink_goes_on_at_its_committed_offset_after_a_restart_of_the_worker()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in");
        await worker.ProduceAsync("in", 0, "a", "b");
        var first = new SinkScript();
        worker.Run<RememberingSink>(first, s_topic);
        await TestWorker.UntilAsync(() => first.Put.Count == 2, "two records");

        await worker.RestartAsync();
        await worker.ProduceAsync("in", 0, "c");
        var second = new SinkScript();
        worker.Run<RememberingSink>(second, s_topic);
        await TestWorker.UntilAsync(() => !second.Put.IsEmpty, "the third record");

        Assert.Equal(["c"], second.Values);
    }

    [Fact]
    public async Task Offsets_are_never_committed_beyond_what_a_flush_says_nor_beyond_what_was_put()
    {
        await using var worker = await TestWorker.StartAsync();
        await worker.CreateAsync("in", 2);
        await worker.ProduceAsync("in", 0, "a", "b", "c");
        await worker.ProduceAsync("in", 1, "d");
        var script = new SinkScript
        {
            Flush = _ => new Dictionary<TopicPartition, long> { [new("in", 0)] = 2, [new("in", 1)] = 9, [new("other", 0)] = 1 },
        };

        var run = worker.Run<RememberingSink>(script, s_topic);
        await TestWorker.UntilAsync(() => script.Put.Count == 4, "four records");
        await run.Task.StopAsync(TimeSpan.FromSeconds(30));

        Assert.Equal((2, null), (Committed(worker, 0), Committed(worker, 1)));
        Assert.Equal([new LogPartition("in", 0)], worker.Broker.CommittedOffsets("connect-c").Select(o => o.Partition));
    }

    private static long? Committed(TestWorker worker, int partition, string group = "connect-c") => worker.Broker.CommittedOffset(group, new LogPartition("in", partition))?.Offset;
}
