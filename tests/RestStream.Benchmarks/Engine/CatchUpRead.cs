using BenchmarkDotNet.Attributes;
using RestStream.Broker;
using RestStream.Http;
using RestStream.Http.Records;
using RestStream.Storage.Records;

namespace RestStream.Benchmarks.Engine;

/// <summary>A reader that starts at the beginning: from the page cache to record objects in JSON, on one thread. One operation is one record of 200 bytes.</summary>
[Config(typeof(EngineConfig))]
public class CatchUpRead
{
    private const int Records = 200_000;

    private readonly List<EncodedSlice> _slices = [];
    private EngineData _data = null!;
    private IFetch _fetch = null!;

    [GlobalSetup]
    public void Write() => WriteAsync().GetAwaiter().GetResult();

    private async Task WriteAsync()
    {
        _data = await EngineData.OpenAsync("os", cacheBytes: 0);
        using var builder = new RecordBatchBuilder();
        var values = EngineData.Values(100);
        for (var i = 0; i < Records / values.Length; i++)
            await _data.Broker.ProduceAsync(EngineData.Partition, EngineData.Build(builder, values));
        _fetch = _data.Broker.OpenFetch([new FetchPosition(EngineData.Partition, 0)]);
    }

    [GlobalCleanup]
    public void Close() => CloseAsync().GetAwaiter().GetResult();

    private async Task CloseAsync()
    {
        _fetch.Dispose();
        await _data.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public long ReadAsJson()
    {
        _fetch.Seek(0, 0);
        var (records, bytes) = (0L, 0L);
        while (_fetch.Read(RecordJson.Native(DataFormat.Text, DataFormat.Json), int.MaxValue, 1024 * 1024, _slices) is > 0 and var count)
        {
            records += count;
            foreach (var slice in _slices)
                bytes += slice.Batch.Ends[slice.Last] - slice.Batch.Start(slice.First);
        }
        return records == Records ? bytes : throw new InvalidOperationException($"{records} of {Records} records were read.");
    }
}
