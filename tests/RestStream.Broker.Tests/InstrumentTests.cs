using System.Diagnostics.Metrics;

namespace RestStream.Broker.Tests;

public class InstrumentTests
{
    [Fact]
    public async Task Records_and_bytes_are_counted_by_topic()
    {
        await using var test = await TestBroker.StartAsync();
        var topic = $"t{Guid.NewGuid():N}";
        await test.CreateAsync(topic, 2, ("max.message.bytes", "1000"));
        var seen = new Dictionary<string, double>();
        using var listener = Listen(topic, seen);

        await test.ProduceAsync(topic, 0, "a", "bb");
        await test.ProduceAsync(topic, 1, "ccc");
        await Assert.ThrowsAsync<BrokerException>(async () => await test.ProduceAsync(topic, 0, new string('x', 1000)));
        Assert.Equal(2, test.ReadAll(topic).Count);
        Assert.Equal(2, test.ReadAll(topic).Count);
        listener.RecordObservableInstruments();

        Assert.Equal(3, seen["reststream_records_in"]);
        Assert.Equal(4, seen["reststream_records_out"]);
        Assert.Equal(6, seen["reststream_bytes_out"]);
        Assert.Equal(
            test.Broker.DescribeTopic(topic).Partitions.Sum(p => p.Bytes),
            seen["reststream_bytes_in"]);
        Assert.Equal(2, seen["reststream_segments"]);
    }

    [Fact]
    public async Task Parked_readers_are_counted_while_they_wait()
    {
        await using var test = await TestBroker.StartAsync();
        await test.CreateAsync("t");
        using var fetch = test.Open("t");

        var wait = fetch.WaitAsync(TimeSpan.FromSeconds(1), default);
        Assert.Equal(1, test.Broker.ParkedReaders);
        await test.ProduceAsync("t", 0, "a");
        await wait;

        Assert.Equal(0, test.Broker.ParkedReaders);
    }

    /// <summary>Listens to what carries this topic's tag: other tests of the process have meters of the same name.</summary>
    private static MeterListener Listen(string topic, Dictionary<string, double> seen)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == BrokerInstruments.MeterName)
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (var tag in tags)
            {
                if (tag is { Key: "topic", Value: string name } && name == topic)
                    seen[instrument.Name] = value;
            }
        });
        listener.Start();
        return listener;
    }
}
