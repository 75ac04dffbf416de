using System.Buffers.Binary;
using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

public sealed class RecordBatchValidatorTests
{
    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void A_good_batch_has_no_problem(CompressionCodec codec)
    {
        using var batch = Batches.Build(100, codec);
        using var idempotent = Batches.Build(100, codec, producerId: 5, producerEpoch: 0, baseSequence: 0);

        Assert.Null(RecordBatchValidator.FindProblem(batch.Span, keyRequired: true));
        Assert.Null(RecordBatchValidator.FindProblem(idempotent.Span, keyRequired: true));
    }

    public static TheoryData<string, int, byte[]> Changes => new()
    {
        { "magic 1", 16, [1] },
        { "attributes 0x0008", 21, [0, 0x08] },
        { "control", 21, [0, 0x20] },
        { "attributes 0x0040", 21, [0, 0x40] },
        { "attributes 0x8000", 21, [0x80, 0] },
        { "codec 5", 21, [0, 5] },
        { "transactional", 21, [0, 0x10] },
        { "0 records", 57, [0, 0, 0, 0] },
        { "last offset delta", 57, [0, 0, 0, 2] },
        { "last offset delta", 23, [0, 0, 0, 9] },
        { "max timestamp", 35, [0, 0, 0, 0, 0, 0, 0, 1] },
        { "sequence -1", 43, [0, 0, 0, 0, 0, 0, 0, 1] },
        { "producer epoch -1", 43, [0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0] },
    };

    [Theory, MemberData(nameof(Changes))]
    public void A_field_that_clients_may_not_send_is_named(string expected, int position, byte[] change)
    {
        using var batch = Batches.Build(3);
        change.CopyTo(batch.Span[position..]);
        RecordBatch.WriteCrc(batch.Span);

        Assert.Contains(expected, RecordBatchValidator.FindProblem(batch.Span, keyRequired: false));
    }

    [Fact]
    public void Length_and_checksum_are_checked()
    {
        using var batch = Batches.Build(3);
        var bytes = batch.Span.ToArray();

        Assert.Contains("at least 61", RecordBatchValidator.FindProblem(bytes.AsSpan(0, 60), keyRequired: false));
        Assert.Contains("exactly one batch", RecordBatchValidator.FindProblem([.. bytes, .. bytes], keyRequired: false));
        Assert.Contains("exactly one batch", RecordBatchValidator.FindProblem(bytes.AsSpan(0, bytes.Length - 1), keyRequired: false));
        bytes[^1] ^= 1;
        Assert.Contains("CRC", RecordBatchValidator.FindProblem(bytes, keyRequired: false));
    }

    [Fact]
    public void A_missing_key_matters_only_where_keys_are_required()
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(1, keyIsNull: true, default, valueIsNull: false, "v"u8);
        using var batch = builder.Build();

        Assert.Null(RecordBatchValidator.FindProblem(batch.Span, keyRequired: false));
        Assert.Contains("no key", RecordBatchValidator.FindProblem(batch.Span, keyRequired: true));
    }

    [Fact]
    public void Gaps_in_the_offsets_are_refused()
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(1, true, default, true, default);
        builder.AppendAt(2, 1, true, default, true, default);
        using var batch = builder.BuildWith(CompressionCodec.None, -1, -1, -1, 0, lastOffsetDelta: 2);
        BinaryPrimitives.WriteInt32BigEndian(batch.Span[23..], 1);
        RecordBatch.WriteCrc(batch.Span);
        Assert.Contains("offset delta", RecordBatchValidator.FindProblem(batch.Span, keyRequired: false));

        using var late = new RecordBatchBuilder();
        late.AppendAt(1, 1, true, default, true, default);
        using var lateBatch = late.BuildWith(CompressionCodec.None, -1, -1, -1, 0, lastOffsetDelta: 1);
        BinaryPrimitives.WriteInt32BigEndian(lateBatch.Span[57..], 2);
        RecordBatch.WriteCrc(lateBatch.Span);
        Assert.Contains("count up by 1", RecordBatchValidator.FindProblem(lateBatch.Span, keyRequired: false));
    }

    [Fact]
    public void Compressed_garbage_with_a_right_checksum_is_refused()
    {
        for (short codec = 1; codec <= 4; codec++)
        {
            var batch = Batches.FromRecords([1, 2, 3, 4, 5, 6, 7, 8, 9], count: 1, attributes: codec);

            Assert.NotNull(RecordBatchValidator.FindProblem(batch, keyRequired: false));
        }
    }

    [Fact]
    public void A_batch_that_decompresses_to_too_much_is_refused()
    {
        using var builder = new RecordBatchBuilder();
        Batches.Append(builder, 1, new string('a', 1_000_000));
        using var batch = builder.Build(CompressionCodec.Zstd);

        Assert.Contains("more than 500000 bytes", RecordBatchValidator.FindProblem(batch.Span, keyRequired: false, maxDecompressedBytes: 500_000));
    }
}
