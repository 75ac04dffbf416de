using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using RestStream.Benchmarks.Load.Client;
using RestStream.Http;
using RestStream.Http.Produce;
using RestStream.Settings;

namespace RestStream.Benchmarks.Engine;

/// <summary>The body of a produce request to a finished batch with its CRC, beside walking over the same JSON with the runtime's reader. One operation is one record.</summary>
[Config(typeof(EngineConfig))]
public class JsonParse
{
    private const int Records = 100;

    private readonly LimitOptions _limits = new();
    private byte[] _body = [];
    private EngineData _data = null!;
    private RecordParser _parser = null!;
    private RecordSet _records = null!;

    [Params(200, 1024)]
    public int ValueBytes { get; set; }

    [GlobalSetup]
    public void Open() => OpenAsync().GetAwaiter().GetResult();

    private async Task OpenAsync()
    {
        _data = await EngineData.OpenAsync("os");
        _body = Encoding.UTF8.GetBytes(Requests.Batch(Records, ValueBytes, 1));
        _parser = new RecordParser(_limits);
        _records = new RecordSet(_data.Broker, _limits);
    }

    [GlobalCleanup]
    public void Close() => CloseAsync().GetAwaiter().GetResult();

    private async Task CloseAsync()
    {
        _records.Dispose();
        _parser.Dispose();
        await _data.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public int BodyToBatch()
    {
        _parser.ReadBody(_body, _records, new RecordRules { Target = _records.Target(EngineData.Topic), Partition = -1, KeyFormat = DataFormat.Text, ValueFormat = DataFormat.Json, Now = 1 });
        var count = _records.Count;
        _records.Clear();
        return count == Records ? count : throw new InvalidOperationException($"{count} of {Records} records were read.");
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public int WalkOnly()
    {
        var reader = new Utf8JsonReader(_body);
        var tokens = 0;
        while (reader.Read())
            tokens++;
        return tokens;
    }
}
