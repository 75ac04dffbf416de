using System.Globalization;
using RestStream.Connect.Model;

namespace RestStream.Connect.Tests.Tasks;

public class SourceTaskTests
{
    private static List<string> Numbers(int from, int to) => [.. Enumerable.Range(from, to - from + 1).Select(n => n.ToString(CultureInfo.InvariantCulture))];

    [Fact]
    public async Task Records_and_offsets_of_a_source_are_in_the_log_and_a_restarted_task_goes_on_behind_them()
    {
        await using var worker = await TestWorker.StartAsync();
        var run = worker.Run<CountingSource>(new CountingScript { Last = 100 });
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 100, "100 records");
        Assert.True(await run.Task.StopAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal((object)100L, worker.Services.Offsets.Find("c", CountingSource.Partition)!["number"]);
        Assert.Equal([WorkState.Running], run.States);

        await worker.RestartAsync();
        var script = new CountingScript { Last = 150 };
        worker.Run<CountingSource>(script);
        await TestWorker.UntilAsync(() => worker.Values("out").Count == 150, "150 records");

        Assert.Equal(100L, script.ResumedAt);
        Assert.Equal(Numbers(1, 150), worker.Values("out"));
    }

    [Fact]
    public async Task A_task_hears_of_all_its_records_in_order_between_its_polls()
    {
        await using var worker = await TestWorker.StartAsync();
        var script = new CountingScript { Last = 40 };

        worker.Run<AcknowledgingSource>(script);
        await TestWorker.UntilAsync(() => script.Committed.Count == 40, "everything was committed");

        Assert.Equal(Numbers(1, 40), script.Committed);
        Assert.Equal(["poll", "committed", "poll", "committed", "poll", "committed", "poll", "committed", "poll"], script.Calls);
    }
}
