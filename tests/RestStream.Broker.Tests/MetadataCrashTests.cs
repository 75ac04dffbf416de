using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Files;

namespace RestStream.Broker.Tests;

public class MetadataCrashTests
{
    private const string Topic = "changing";

    /// <summary>A change of the topic, and what may be found after a crash in it.</summary>
    private static readonly Dictionary<string, (bool Exists, Func<TestBroker, Task> Act, Action<TestBroker, bool> Check)> Changes = new()
    {
        ["create"] = (false, test => test.CreateAsync(Topic, 2, ("retention.ms", "5000")), CheckCreate),
        ["alter"] = (true, test => test.AlterAsync(Topic, 4, ("retention.ms", "5000")), CheckAlter),
        ["delete"] = (true, test => test.Broker.DeleteTopicAsync(Topic, default), CheckDelete),
        ["make again"] = (true, MakeAgainAsync, CheckMakeAgain),
    };

    [Theory]
    [InlineData("create")]
    [InlineData("alter")]
    [InlineData("delete")]
    [InlineData("make again")]
    public async Task A_change_that_is_killed_at_any_step_is_done_or_not_done_after_the_restart(string change)
    {
        var (exists, act, check) = Changes[change];
        await using var prepared = await TestBroker.StartAsync();
        await prepared.CreateAsync("bystander", 2);
        await prepared.ProduceAsync("bystander", 1, "untouched");
        if (exists)
        {
            await prepared.CreateAsync(Topic, 2);
            await prepared.ProduceAsync(Topic, 1, "old");
        }

        await prepared.StopAsync();

        var killed = 0;
        for (var step = 1; ; step++)
        {
            var folder = Path.Combine(Path.GetTempPath(), $"reststream-broker-{Guid.NewGuid():N}");
            Copy(prepared.Folder, folder);
            try
            {
                var done = await KillAsync(folder, step, act);
                await using var again = await TestBroker.StartAsync(folder: folder);
                check(again, done);
                CheckBystander(again);

                // The topic is in a state in which life goes on, whichever it is.
                if (again.Broker.ListTopics(null, 10, false).All(t => t.Name != Topic))
                    await again.CreateAsync(Topic, 2);
                var next = await again.ProduceAsync(Topic, 1, "new");
                await again.RestartAsync();
                Assert.Equal("new", Assert.Single(again.ReadAll(Topic, 1, next.BaseOffset)));
                CheckBystander(again);
                if (done)
                    break;
                killed++;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        Assert.InRange(killed, 3, 500);
    }

    /// <summary>Runs the change with the disk failing at this step; true when the change came through before.</summary>
    private static async Task<bool> KillAsync(string folder, int step, Func<TestBroker, Task> act)
    {
        var files = new KilledFiles(new LinuxFileSystem());
        var test = await TestBroker.StartAsync(files: files, folder: folder);
        var done = false;
        files.KillAt(step);
        try
        {
            await act(test);
            done = true;
        }
        catch (Exception e) when (e is BrokerException or StorageException or IOException)
        {
        }

        // Whatever a stopping process would still write is lost too.
        files.KillAt(1);
        try
        {
            await test.StopAsync();
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
        }

        return done;
    }

    private static async Task MakeAgainAsync(TestBroker test)
    {
        await test.Broker.DeleteTopicAsync(Topic, default);
        await test.CreateAsync(Topic, 2, ("retention.ms", "5000"));
    }

    private static void CheckCreate(TestBroker test, bool done)
    {
        var topic = Find(test);
        Assert.True(topic is not null || !done);
        if (topic is not null)
            CheckFresh(test, topic);
    }

    private static void CheckAlter(TestBroker test, bool done)
    {
        var topic = Find(test);
        Assert.NotNull(topic);
        Assert.Equal(["old"], test.ReadAll(Topic, 1));
        if (done || topic.Partitions.Count == 4)
            Assert.Equal((4, "5000"), (topic.Partitions.Count, topic.OverriddenConfigs["retention.ms"]));
        else
            Assert.Equal((2, 0), (topic.Partitions.Count, topic.OverriddenConfigs.Count));
    }

    private static void CheckDelete(TestBroker test, bool done)
    {
        var topic = Find(test);
        Assert.True(topic is null || !done);
        if (topic is not null)
            Assert.Equal(["old"], test.ReadAll(Topic, 1));
        else
            Assert.DoesNotContain(Directory.GetDirectories(test.Folder), d => Path.GetFileName(d).StartsWith(Topic, StringComparison.Ordinal));
    }

    private static void CheckMakeAgain(TestBroker test, bool done)
    {
        var topic = Find(test);
        Assert.True(topic is not null || !done);
        if (topic is null)
            return;
        if (topic.OverriddenConfigs.Count == 0)
            Assert.Equal(["old"], test.ReadAll(Topic, 1));
        else
            CheckFresh(test, topic);
    }

    private static void CheckFresh(TestBroker test, TopicDescription topic)
    {
        Assert.Equal((2, "5000"), (topic.Partitions.Count, topic.OverriddenConfigs["retention.ms"]));
        Assert.All(topic.Partitions, p => Assert.Equal(0, p.HighWatermark));
        Assert.Empty(test.Broker.Health.Damaged);
    }

    private static TopicDescription? Find(TestBroker test) => test.Broker.ListTopics(null, 10, false).SingleOrDefault(t => t.Name == Topic);

    private static void CheckBystander(TestBroker test)
    {
        Assert.Equal(2, test.Broker.DescribeTopic("bystander").Partitions.Count);
        Assert.Empty(test.ReadAll("bystander", 0));
        Assert.Equal(["untouched"], test.ReadAll("bystander", 1));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var directory in Directory.GetDirectories(from))
            Copy(directory, Path.Combine(to, Path.GetFileName(directory)));
    }
}
