using RestStream.Storage.Files;

namespace RestStream.Broker.Tests;

/// <summary>Producer ids are never handed out twice, and epochs only rise.</summary>
public class ProducerIdTests
{
    [Fact]
    public async Task Ids_are_new_after_every_restart()
    {
        await using var test = await TestBroker.StartAsync();
        var ids = new HashSet<long>();

        for (var start = 0; start < 3; start++)
        {
            for (var i = 0; i < 1500; i++)
                Assert.True(ids.Add((await test.Broker.InitProducerAsync(null, default)).Id));
            await test.RestartAsync();
        }
    }

    [Fact]
    public async Task An_epoch_is_raised_once_however_often_it_is_asked_and_remembered()
    {
        await using var test = await TestBroker.StartAsync();
        var producer = await test.Broker.InitProducerAsync(null, default);

        Assert.Equal(producer with { Epoch = 1 }, await test.Broker.InitProducerAsync(producer, default));
        await test.RestartAsync();
        Assert.Equal(producer with { Epoch = 1 }, await test.Broker.InitProducerAsync(producer, default));
        Assert.Equal(producer with { Epoch = 2 }, await test.Broker.InitProducerAsync(producer with { Epoch = 1 }, default));
        await test.RestartAsync();

        foreach (var epoch in new short[] { 0, 3 })
        {
            var refused = await Assert.ThrowsAsync<BrokerException>(() => test.Broker.InitProducerAsync(producer with { Epoch = epoch }, default));
            Assert.Equal((ErrorCode.InvalidProducerEpoch, 2), (refused.Code, refused.ProducerEpoch));
        }
    }

    [Fact]
    public async Task An_id_whose_epochs_are_used_up_is_replaced()
    {
        await using var test = await TestBroker.StartAsync();
        var producer = await test.Broker.InitProducerAsync(null, default);

        var last = await test.Broker.InitProducerAsync(producer with { Epoch = short.MaxValue - 2 }, default);
        var next = await test.Broker.InitProducerAsync(last, default);

        Assert.Equal(producer with { Epoch = short.MaxValue - 1 }, last);
        Assert.Equal((true, 0), (next.Id != producer.Id, next.Epoch));
    }

    [Fact]
    public async Task An_id_that_was_never_handed_out_has_no_epoch()
    {
        await using var test = await TestBroker.StartAsync();
        await test.Broker.InitProducerAsync(null, default);

        var refused = await Assert.ThrowsAsync<BrokerException>(() => test.Broker.InitProducerAsync(new(1000, 0), default));

        Assert.Equal((ErrorCode.InvalidProducerIdMapping, "producer_id"), (refused.Code, refused.Subject));
    }

    [Fact]
    public async Task A_kill_at_any_change_of_the_disk_hands_no_id_out_twice()
    {
        for (var change = 1; change < 60; change++)
        {
            var files = new KilledFiles(new LinuxFileSystem());
            await using var test = await TestBroker.StartAsync(files: files);
            var ids = new HashSet<long>();
            files.KillAt(change);
            try
            {
                await TakeAsync(test, ids);
            }
            catch (BrokerException)
            {
            }

            try
            {
                await test.StopAsync();
            }
            catch (IOException)
            {
            }

            await using var again = await TestBroker.StartAsync(folder: test.Folder);
            await TakeAsync(again, ids);
        }
    }

    [Fact]
    public async Task Their_topic_is_the_brokers_own()
    {
        await using var test = await TestBroker.StartAsync();
        await test.Broker.InitProducerAsync(null, default);

        await Assert.ThrowsAsync<BrokerException>(() => test.Broker.DeleteTopicAsync("__producer_ids", default));
        await Assert.ThrowsAsync<BrokerException>(() => test.ProduceAsync("__producer_ids", 0, "x").AsTask());
        Assert.Empty(test.Broker.ListTopics(null, 10, includeInternal: false));
    }

    private static async Task TakeAsync(TestBroker test, HashSet<long> ids)
    {
        for (var i = 0; i < 1001; i++)
            Assert.True(ids.Add((await test.Broker.InitProducerAsync(null, default)).Id));
    }
}
