using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

/// <summary>Once the pools are warm, batches are built and read without garbage.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 200, RecordsPerBatch = 100;

    [Fact]
    public void Building_batches_allocates_nothing()
    {
        using var builder = new RecordBatchBuilder();
        Measure(() =>
        {
            Fill(builder);
            builder.Build().Dispose();
        });
    }

    [Fact]
    public void Reading_batches_allocates_nothing()
    {
        using var builder = new RecordBatchBuilder();
        Fill(builder);
        using var batch = builder.Build();
        var total = 0L;

        Measure(() =>
        {
            using var reader = new RecordReader(batch.Span);
            while (reader.MoveNext())
            {
                var headers = new HeaderReader(reader.Current);
                while (headers.MoveNext())
                    total += headers.Value.Length;
                total += reader.Current.Value.Length;
            }
        });

        Assert.True(total > 0);
    }

    [Fact]
    public void Checking_a_batch_allocates_nothing()
    {
        using var builder = new RecordBatchBuilder();
        Fill(builder);
        using var batch = builder.Build();

        Measure(() => Assert.Null(RecordBatchValidator.FindProblem(batch.Span, keyRequired: true)));
    }

    [Theory]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    public void Our_own_codecs_allocate_nothing_either(CompressionCodec codec)
    {
        using var builder = new RecordBatchBuilder();
        var records = 0;

        Measure(() =>
        {
            Fill(builder);
            using var batch = builder.Build(codec);
            using var reader = new RecordReader(batch.Span);
            while (reader.MoveNext())
                records++;
        });

        Assert.True(records > 0);
    }

    private static void Fill(RecordBatchBuilder builder)
    {
        Span<byte> header = stackalloc byte[HeaderEncoder.MaxBytes(5, 5)];
        var length = HeaderEncoder.Write(header, "trace"u8, false, "12345"u8);
        for (var i = 0; i < RecordsPerBatch; i++)
            builder.Append(1_700_000_000_000 + i, false, "customer-17"u8, false, "{\"orderId\":4711,\"total\":12.50}"u8, header[..length], 1);
    }

    private static void Measure(Action work)
    {
        // Warms the pools (the buffer pool holds back its first 64 objects) and the code.
        for (var i = 0; i < Rounds; i++)
            work();

        // The runtime itself may allocate now and then on this thread (tiered compilation); it does not do so in every one of five tries.
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Rounds; i++)
                work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }
}
