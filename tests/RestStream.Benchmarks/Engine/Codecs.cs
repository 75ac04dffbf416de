using BenchmarkDotNet.Attributes;
using RestStream.Storage.Records;

namespace RestStream.Benchmarks.Engine;

/// <summary>The codecs over the records of one batch of about 64 KiB of JSON. One operation is one batch.</summary>
[Config(typeof(EngineConfig))]
public class Codecs
{
    private BatchBuffer _plain = null!, _compressed = null!, _into = null!;

    [Params(CompressionCodec.Gzip, CompressionCodec.Snappy, CompressionCodec.Lz4, CompressionCodec.Zstd)]
    public CompressionCodec Codec { get; set; }

    [GlobalSetup]
    public void Build()
    {
        using var builder = new RecordBatchBuilder();
        _plain = EngineData.Build(builder, EngineData.Values(64 * 1024 / EngineData.ValueBytes));
        _compressed = BatchBuffer.Rent(_plain.Length);
        _into = BatchBuffer.Rent(_plain.Length * 2);
        Compression.Compress(Codec, _plain.Span, _compressed);
    }

    [GlobalCleanup]
    public void GiveBack()
    {
        _plain.Dispose();
        _compressed.Dispose();
        _into.Dispose();
    }

    [Benchmark]
    public int Compress()
    {
        _into.Length = 0;
        Compression.Compress(Codec, _plain.Span, _into);
        return _into.Length;
    }

    [Benchmark]
    public int Decompress()
    {
        _into.Length = 0;
        Compression.Decompress(Codec, _compressed.Span, _into, 16 * 1024 * 1024);
        return _into.Length == _plain.Length ? _into.Length : throw new InvalidOperationException("The bytes changed.");
    }
}
