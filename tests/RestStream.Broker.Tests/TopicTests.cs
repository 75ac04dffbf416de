using System.Diagnostics;
using RestStream.Broker.Topics;
using RestStream.Storage;

namespace RestStream.Broker.Tests;

public class TopicTests
{
    [Fact]
    public async Task A_topic_survives_a_restart_with_its_id_time_configs_and_records()
    {
        await using var test = await TestBroker.StartAsync();
        test.Clock.Advance(TimeSpan.FromMilliseconds(1234));
        var created = await test.CreateAsync("orders", 3, ("retention.ms", "1000"));
        test.Clock.Advance(TimeSpan.FromDays(1));
        await test.ProduceAsync("orders", 1, "a", "b");

        await test.RestartAsync();

        var found = test.Broker.DescribeTopic("orders");
        Assert.Equal(created.TopicId, found.TopicId);
        Assert.Equal(created.Created, found.Created);
        Assert.Equal(3, found.Partitions.Count);
        Assert.Equal("1000", found.OverriddenConfigs["retention.ms"]);
        Assert.Equal("1000", found.Configs["retention.ms"]);
        Assert.Equal("1073741824", found.Configs["segment.bytes"]);
        Assert.False(found.Internal);
        Assert.Equal(2, found.Partitions[1].HighWatermark);
        Assert.Equal(["a", "b"], test.ReadAll("orders", 1));
    }

    [Fact]
    public async Task A_topic_without_a_count_gets_the_default_partitions()
    {
        await using var test = await TestBroker.StartAsync(new BrokerOptions { DefaultPartitions = 4, MinFreeBytes = 0 });

        var created = await test.Broker.CreateTopicAsync(new TopicSpec("t", null, new Dictionary<string, string>()), default);

        Assert.Equal(4, created.Partitions.Count);
    }

    [Theory]
    [InlineData("a b", 1, ErrorCode.InvalidTopic)]
    [InlineData("x", 0, ErrorCode.InvalidPartitions)]
    [InlineData("x", 11, ErrorCode.InvalidPartitions)]
    [InlineData("there", 1, ErrorCode.TopicAlreadyExists)]
    [InlineData("a.b", 1, ErrorCode.InvalidTopic)]
    [InlineData("__reststream_metadata", 1, ErrorCode.InvalidTopic)]
    [InlineData("__consumer_offsets", 1, ErrorCode.InvalidTopic)]
    public async Task A_topic_that_cannot_be_is_refused(string name, int partitions, ErrorCode code)
    {
        await using var test = await TestBroker.StartAsync(new BrokerOptions { MaxPartitionsPerTopic = 10, MinFreeBytes = 0 });
        await test.CreateAsync("there");
        await test.CreateAsync("a_b");

        var refused = await Assert.ThrowsAsync<BrokerException>(() => test.CreateAsync(name, partitions));

        Assert.Equal(code, refused.Code);
    }

    [Fact]
    public async Task The_limits_of_topics_and_partitions_hold_and_a_delete_makes_room()
    {
        // The metadata topic counts as one of each.
        await using var test = await TestBroker.StartAsync(new BrokerOptions { MaxTopics = 3, MaxPartitions = 5, MinFreeBytes = 0 });
        await test.CreateAsync("a", 2);

        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => test.CreateAsync("b", 3))).Code);
        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => test.AlterAsync("a", 5))).Code);
        await test.CreateAsync("b", 2);
        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => test.CreateAsync("c"))).Code);

        await test.Broker.DeleteTopicAsync("a", default);
        await test.CreateAsync("c", 2);
        await test.RestartAsync();
        Assert.Equal(ErrorCode.LimitReached, (await Assert.ThrowsAsync<BrokerException>(() => test.CreateAsync("d"))).Code);
    }

    [Fact]
    public async Task Partitions_are_added_but_never_taken_away()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders", 2);
        await test.ProduceAsync("orders", 1, "old");

        var altered = await test.AlterAsync("orders", 4);
        await test.ProduceAsync("orders", 3, "new");

        Assert.Equal(4, altered.Partitions.Count);
        Assert.Equal(ErrorCode.InvalidPartitions, (await Assert.ThrowsAsync<BrokerException>(() => test.AlterAsync("orders", 3))).Code);
        await test.RestartAsync();
        Assert.Equal(["old"], test.ReadAll("orders", 1));
        Assert.Equal(["new"], test.ReadAll("orders", 3));
    }

    [Fact]
    public async Task Configs_are_set_and_reset_and_a_bad_one_changes_nothing()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders", 1, ("retention.ms", "1000"), ("max.message.bytes", "500"));

        await test.AlterAsync("orders", null, ("retention.ms", null), ("segment.bytes", "4096"));
        var refused = await Assert.ThrowsAsync<BrokerException>(() => test.AlterAsync("orders", 2, ("segment.bytes", "x")));
        var unknown = await Assert.ThrowsAsync<BrokerException>(() => test.AlterAsync("orders", null, ("nonsense", null)));

        Assert.Equal((ErrorCode.InvalidConfig, "segment.bytes"), (refused.Code, refused.Subject));
        Assert.Equal((ErrorCode.InvalidConfig, "nonsense"), (unknown.Code, unknown.Subject));
        await test.RestartAsync();
        var found = test.Broker.DescribeTopic("orders");
        Assert.Equal(new Dictionary<string, string> { ["max.message.bytes"] = "500", ["segment.bytes"] = "4096" }, found.OverriddenConfigs.ToDictionary());
        Assert.Single(found.Partitions);
        Assert.Equal("604800000", found.Configs["retention.ms"]);
    }

    [Fact]
    public async Task A_topic_made_again_has_a_new_id_and_starts_at_offset_0()
    {
        await using var test = await TestBroker.StartAsync();
        var first = await test.CreateAsync("orders");
        await test.ProduceAsync("orders", 0, "gone");
        using var reader = test.Open("orders");

        await test.Broker.DeleteTopicAsync("orders", default);
        Assert.Throws<BrokerException>(() => test.Broker.DescribeTopic("orders"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Throws<BrokerException>(() => reader.Read(TextEncoder.Shared, 1, 1, [])).Code);
        var second = await test.CreateAsync("orders");

        Assert.NotEqual(first.TopicId, second.TopicId);
        Assert.Equal(ErrorCode.TopicRecreated, Assert.Throws<BrokerException>(() => reader.Read(TextEncoder.Shared, 1, 1, [])).Code);
        var stale = new FetchPosition(new TopicPartition("orders", 0), 1, first.TopicId);
        Assert.Equal(ErrorCode.TopicRecreated, Assert.Throws<BrokerException>(() => test.Broker.OpenFetch([stale])).Code);
        Assert.Equal(0, (await test.ProduceAsync("orders", 0, "fresh")).BaseOffset);
        await test.RestartAsync();
        Assert.Equal(["fresh"], test.ReadAll("orders"));
        Assert.Equal(second.TopicId, test.Broker.DescribeTopic("orders").TopicId);
    }

    [Fact]
    public async Task A_deleted_topic_leaves_nothing_on_the_disk()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders", 2);
        await test.ProduceAsync("orders", 0, "x");

        await test.Broker.DeleteTopicAsync("orders", default);

        Assert.DoesNotContain(Directory.GetDirectories(test.Folder), d => Path.GetFileName(d).StartsWith("orders", StringComparison.Ordinal));
        var unknown = await Assert.ThrowsAsync<BrokerException>(() => test.Broker.DeleteTopicAsync("orders", default));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, unknown.Code);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await Assert.ThrowsAsync<BrokerException>(async () => await test.ProduceAsync("orders", 0, "x"))).Code);
    }

    [Fact]
    public async Task Topics_are_listed_in_pages_in_ordinal_order_and_internal_ones_only_on_request()
    {
        await using var test = await TestBroker.StartAsync();
        foreach (var name in (string[])["b", "a", "C", "connect-offsets", "d"])
            await test.CreateAsync(name);

        string[] Names(string? after, int limit, bool all) => [.. test.Broker.ListTopics(after, limit, all).Select(t => t.Name)];

        Assert.Equal(["C", "a", "b", "d"], Names(null, 100, false));
        Assert.Equal(["C", "__reststream_metadata", "a", "b", "connect-offsets", "d"], Names(null, 100, true));
        Assert.Equal(["C", "a"], Names(null, 2, false));
        Assert.Equal(["b", "d"], Names("a", 2, false));
        Assert.Equal(["b", "d"], Names("aa", 2, false));
        Assert.Empty(Names("d", 2, false));
        Assert.Empty(Names(null, 0, false));
    }

    [Fact]
    public async Task Creating_one_name_many_times_at_once_succeeds_once()
    {
        await using var test = await TestBroker.StartAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            try
            {
                await test.CreateAsync("orders", 2);
                return ErrorCode.UnknownServerError;
            }
            catch (BrokerException e)
            {
                return e.Code;
            }
        })));

        Assert.Single(outcomes, ErrorCode.UnknownServerError);
        Assert.Equal(15, outcomes.Count(o => o == ErrorCode.TopicAlreadyExists));
    }

    [Fact]
    public async Task The_metadata_topic_can_be_read_but_not_changed()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders");
        const string Name = TopicNames.Metadata;

        Assert.Equal(ErrorCode.InvalidTopic, (await Assert.ThrowsAsync<BrokerException>(async () => await test.ProduceAsync(Name, 0, "x"))).Code);
        Assert.Equal(ErrorCode.InvalidTopic, (await Assert.ThrowsAsync<BrokerException>(() => test.Broker.DeleteTopicAsync(Name, default))).Code);
        Assert.Equal(ErrorCode.InvalidTopic, (await Assert.ThrowsAsync<BrokerException>(() => test.AlterAsync(Name, 2))).Code);
        var truncate = test.Broker.TruncateAsync(Name, new Dictionary<int, long> { [0] = -1 }, default);
        Assert.Equal(ErrorCode.InvalidTopic, (await Assert.ThrowsAsync<BrokerException>(() => truncate)).Code);
        Assert.Contains(test.ReadAll(Name), record => record.Contains("\"name\":\"orders\"", StringComparison.Ordinal));
        Assert.True(test.Broker.DescribeTopic(Name).Internal);
    }

    [Fact]
    public async Task Directories_that_no_topic_claims_are_set_aside_with_their_data()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders");
        await test.ProduceAsync("orders", 0, "kept");
        await test.StopAsync();
        CopyPartition(Path.Combine(test.Folder, "orders-0"), Path.Combine(test.Folder, "lost-0"));
        CopyPartition(Path.Combine(test.Folder, "orders-0"), Path.Combine(test.Folder, "orders-7"));

        await test.StartAgainAsync();

        Assert.Equal(["orders"], test.Broker.ListTopics(null, 10, false).Select(t => t.Name));
        Assert.Equal(["kept"], test.ReadAll("orders"));
        var strays = Directory.GetDirectories(test.Folder, "*-stray");
        Assert.Equal(2, strays.Length);
        Assert.All(strays, s => Assert.True(new FileInfo(Path.Combine(s, "00000000000000000000.log")).Length > 0));
        Assert.Single((await test.CreateAsync("lost")).Partitions);
    }

    [Fact]
    public async Task A_partition_whose_directory_vanished_starts_empty_and_the_others_are_untouched()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("orders", 2);
        await test.ProduceAsync("orders", 0, "a");
        await test.ProduceAsync("orders", 1, "b");
        await test.StopAsync();
        Directory.Delete(Path.Combine(test.Folder, "orders-0"), recursive: true);

        await test.StartAgainAsync();

        Assert.Empty(test.ReadAll("orders", 0));
        Assert.Equal(["b"], test.ReadAll("orders", 1));
        Assert.Equal(0, (await test.ProduceAsync("orders", 0, "c")).BaseOffset);
    }

    [Fact]
    public async Task When_a_metadata_record_is_damaged_its_topic_is_served_from_its_directories()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("first", 2);
        await test.ProduceAsync("first", 1, "kept");
        await test.CreateAsync("second");
        await test.ProduceAsync("second", 0, "kept too");
        await test.StopAsync();
        FlipByteAfter(Path.Combine(test.Folder, "__reststream_metadata-0", "00000000000000000000.log"), "\"name\":\"first\"");

        await test.StartAgainAsync();

        Assert.Equal(["kept"], test.ReadAll("first", 1));
        Assert.Equal("-1", test.Broker.DescribeTopic("first").OverriddenConfigs["retention.ms"]);
        Assert.Equal(["kept too"], test.ReadAll("second"));
        Assert.Empty(test.Broker.DescribeTopic("second").OverriddenConfigs);
        Assert.Contains(test.Broker.Health.Damaged, d => d.Partition.Topic == TopicNames.Metadata);
    }

    [Fact]
    public async Task A_long_history_of_changes_is_rewritten_at_start()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("kept", 1, ("retention.ms", "77"));
        var big = new string('1', 1_000_000);
        await test.CreateAsync("busy");
        for (var i = 0; i < 6; i++)
            await test.AlterAsync("busy", null, ("follower.replication.throttled.replicas", big + i));
        await test.AlterAsync("busy", null, ("follower.replication.throttled.replicas", null));

        await test.RestartAsync();

        Assert.True(test.Broker.DescribeTopic(TopicNames.Metadata).Partitions[0].LogStartOffset > 8);
        await test.RestartAsync();
        Assert.Equal("77", test.Broker.DescribeTopic("kept").OverriddenConfigs["retention.ms"]);
        Assert.Empty(test.Broker.DescribeTopic("busy").OverriddenConfigs);
    }

    [Fact]
    public async Task Looking_at_a_topic_that_is_being_deleted_either_answers_or_says_that_it_is_gone()
    {
        await using var test = await TestBroker.StartAsync();
        for (var round = 0; round < 20; round++)
        {
            await test.CreateAsync("t");
            await test.ProduceAsync("t", 0, "a");
            var deleted = test.Broker.DeleteTopicAsync("t", default);
            do
            {
                Look(() => test.Broker.DescribeTopic("t"));
                Look(() => test.Broker.DescribeSegments(new TopicPartition("t", 0)));
                Look(() => test.Broker.FindOffset(new TopicPartition("t", 0), 0));
                Look(() => test.ReadAll("t"));
                _ = test.Broker.ListTopics(null, 10, false);
                _ = test.Broker.Health;
            }
            while (!deleted.IsCompleted);
            await deleted;
        }

        static void Look(Func<object?> question)
        {
            try
            {
                question();
            }
            catch (BrokerException e)
            {
                Assert.Equal(ErrorCode.UnknownTopicOrPartition, e.Code);
            }
        }
    }

    [Fact]
    public async Task A_thousand_topics_are_made_listed_and_found_again_quickly()
    {
        await using var test = await TestBroker.StartAsync();
        var watch = Stopwatch.StartNew();

        await Parallel.ForEachAsync(Enumerable.Range(0, 1000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await test.CreateAsync($"topic-{i:D4}"));
        var created = watch.Elapsed;
        watch.Restart();
        var page = test.Broker.ListTopics("topic-0499", 100, false);
        var listed = watch.Elapsed;
        watch.Restart();
        await test.RestartAsync();
        var restarted = watch.Elapsed;

        Assert.Equal("topic-0500", page[0].Name);
        Assert.Equal(100, page.Count);
        Assert.Equal(1000, test.Broker.ListTopics(null, 2000, false).Count);

        // Generous: a broken algorithm takes minutes, a slow disk seconds.
        Assert.True(created < TimeSpan.FromSeconds(120), $"creating took {created}");
        Assert.True(listed < TimeSpan.FromSeconds(10), $"listing took {listed}");
        Assert.True(restarted < TimeSpan.FromSeconds(120), $"restarting took {restarted}");
    }

    private static void CopyPartition(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static void FlipByteAfter(string file, string text)
    {
        var bytes = File.ReadAllBytes(file);
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.True(at > 0);
        bytes[at] ^= 1;
        File.WriteAllBytes(file, bytes);
    }
}
