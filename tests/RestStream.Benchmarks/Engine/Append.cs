using BenchmarkDotNet.Attributes;
using RestStream.Storage.Records;

namespace RestStream.Benchmarks.Engine;

/// <summary>Appends through the broker with 64 batches on the way at a time; one operation is one record. Bytes allocated include every thread of the engine.</summary>
[Config(typeof(EngineConfig))]
public class Append
{
    private const int Waves = 20, Concurrent = 64, BatchRecords = 100;

    private readonly RecordBatchBuilder _builder = new();
    private readonly ValueTask<Storage.AppendResult>[] _underWay = new ValueTask<Storage.AppendResult>[Concurrent];
    private byte[][] _one = [], _hundred = [];
    private EngineData _data = null!;

    /// <summary>fsync: what acks=all waits for by default; os: the page cache, which leaves the engine's own cost.</summary>
    [Params("fsync", "os")]
    public string Durability { get; set; } = "";

    [GlobalSetup]
    public void Open() => OpenAsync().GetAwaiter().GetResult();

    private async Task OpenAsync()
    {
        _data = await EngineData.OpenAsync(Durability);
        (_one, _hundred) = (EngineData.Values(1), EngineData.Values(BatchRecords));
    }

    [GlobalCleanup]
    public void Close() => CloseAsync().GetAwaiter().GetResult();

    private async Task CloseAsync() => await _data.DisposeAsync();

    [Benchmark(OperationsPerInvoke = Waves * Concurrent)]
    public void SingleRecords() => AppendAsync(_one).GetAwaiter().GetResult();

    [Benchmark(OperationsPerInvoke = Waves * Concurrent * BatchRecords)]
    public void BatchesOf100() => AppendAsync(_hundred).GetAwaiter().GetResult();

    private async Task AppendAsync(byte[][] values)
    {
        for (var wave = 0; wave < Waves; wave++)
        {
#pragma warning disable CA2012 // Each is awaited once, below; a list of tasks would be allocated by the benchmark, not by the engine.
            for (var i = 0; i < Concurrent; i++)
                _underWay[i] = _data.Broker.ProduceAsync(EngineData.Partition, EngineData.Build(_builder, values));
#pragma warning restore CA2012
            for (var i = 0; i < Concurrent; i++)
                await _underWay[i];
        }
    }
}
