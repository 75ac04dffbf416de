using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Http;
using RestStream.Http.Compat;
using RestStream.Http.Consumers;
using RestStream.Http.Records;
using RestStream.Settings;
using static RestStream.Tests.Compat.CompatServer;

namespace RestStream.Tests.Compat;

/// <summary>Polls that wait, or whose answer does not arrive, and what else is asked of their instance meanwhile.</summary>
public sealed partial class ConsumeTests
{
    [Fact]
    public async Task A_poll_that_waits_lets_other_calls_in_and_ends_when_the_instance_goes()
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await SubscribedAsync("karapace", topic);
        await consumer.GetAsync("/records?timeout=0");
        var waiting = consumer.GetAsync("/records?timeout=30000");
        await server.UntilParkedAsync(1);

        Assert.Equal(204, (await server.SendAsync("POST", consumer.Uri + "/offsets")).Status);
        Assert.Equal(204, (await server.SendAsync("DELETE", consumer.Uri)).Status);

        Assert.Equal((200, "[]"), ((await waiting).Status, (await waiting).Body));
    }

    [Fact]
    public async Task A_poll_that_waits_is_answered_by_the_next_record()
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await SubscribedAsync("karapace", topic);
        await consumer.GetAsync("/records?timeout=0");
        var waiting = consumer.GetAsync("/records?timeout=30000");
        await server.UntilParkedAsync(1);

        await server.ProduceAsync(topic, 0, "7");

        Assert.Equal(["7"], Values(await waiting));
    }

    [Fact]
    public async Task What_was_polled_but_could_not_be_sent_is_handed_out_again_unless_a_later_poll_went_on()
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1", "2");
        var config = new InstanceConfig { Profile = ProfileName.Confluent, Format = DataFormat.Json, Reset = OffsetReset.Earliest, AutoCommit = false };
        var store = new InstanceStore(server.Broker, TimeProvider.System, NullLogger.Instance);
        var instance = new ConsumerInstance(NewName("g"), "c1", config, server.Broker, store, new GroupMemberOptions(), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        await instance.AssignAsync([new(topic, 0)]);
        Task<PolledRecords> PollAsync() => instance.PollAsync(RecordJson.V2(DataFormat.Json), null, TimeSpan.Zero, 1000, CancellationToken.None);

        var lost = await PollAsync();
        await instance.UndoAsync(lost);
        var again = await PollAsync();
        await server.ProduceAsync(topic, 0, "3");
        var next = await PollAsync();
        await instance.UndoAsync(again);

        Assert.Equal((2, 2, 1, 0), (lost.Records, again.Records, next.Records, (await PollAsync()).Records));
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task What_a_poll_that_waits_has_in_its_hands_is_not_committed_and_goes_to_a_newer_poll(string autoCommit)
    {
        var topic = await server.CreateTopicAsync();
        await server.ProduceAsync(topic, 0, "1");
        var consumer = await SubscribedAsync("karapace", topic, more: $""","fetch.min.bytes":100000,"auto.commit.enable":"{autoCommit}" """);
        var waiting = consumer.GetAsync("/records?timeout=30000");
        await server.UntilParkedAsync(1);

        var commit = await server.SendAsync("POST", consumer.Uri + "/offsets");
        var committed = Committed(consumer, topic, 0);
        var newer = await consumer.GetAsync("/records?timeout=0");
        var committedByNewer = Committed(consumer, topic, 0);
        await server.SendAsync("POST", consumer.Uri + "/offsets");

        Assert.Equal((204, 0, 0), (commit.Status, committed, committedByNewer));
        Assert.Equal(("[]", "1"), ((await waiting).Body, Text(newer)));
        Assert.Equal(1, Committed(consumer, topic, 0));
    }

    [Fact]
    public async Task A_newer_poll_ends_the_one_before_it()
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await SubscribedAsync("karapace", topic);
        await consumer.GetAsync("/records?timeout=0");
        var older = consumer.GetAsync("/records?timeout=30000");
        await server.UntilParkedAsync(1);

        var newer = consumer.GetAsync("/records?timeout=30000");
        Assert.Equal("[]", (await older).Body);
        await server.ProduceAsync(topic, 0, "7");

        Assert.Equal(["7"], Values(await newer));
    }

    [Fact]
    public async Task A_poll_whose_client_went_away_takes_no_record()
    {
        var topic = await server.CreateTopicAsync();
        var consumer = await SubscribedAsync("karapace", topic);
        await consumer.GetAsync("/records?timeout=0");
        using var gone = new CancellationTokenSource();
        var request = server.Client.GetAsync(consumer.Uri + "/records?timeout=30000", gone.Token);
        await server.UntilParkedAsync(1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await server.UntilParkedAsync(0);

        await server.ProduceAsync(topic, 0, "1");

        Assert.Equal(["1"], Values(await consumer.GetAsync("/records?timeout=5000")));
    }
}
