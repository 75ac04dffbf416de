using System.Buffers.Binary;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Storage.Tests.Records;

public sealed class RecordBatchTests
{
    [Fact]
    public void A_batch_begins_at_offset_0_without_epoch_and_producer()
    {
        using var batch = Batches.Build(3);

        var header = RecordBatchHeader.Read(batch.Span);

        Assert.Equal((0, 2, 3), (header.BaseOffset, header.LastOffset, header.RecordsCount));
        Assert.Equal((-1, -1L, (short)-1, -1), (header.PartitionLeaderEpoch, header.ProducerId, header.ProducerEpoch, header.BaseSequence));
        Assert.Equal((1000, 1002), (header.BaseTimestamp, header.MaxTimestamp));
        Assert.Equal(batch.Length, header.TotalBytes);
        Assert.True(RecordBatch.IsCrcValid(batch.Span));
    }

    [Fact]
    public void A_builder_can_be_used_again_and_counts_its_bytes()
    {
        using var builder = new RecordBatchBuilder();
        Assert.Equal(RecordBatchHeader.Size, builder.Bytes);
        Batches.Append(builder, 5, "first");
        builder.Reset();
        Assert.Equal((0, RecordBatchHeader.Size), (builder.Count, builder.Bytes));
        Batches.Append(builder, 5, "second");
        var bytes = builder.Bytes;

        using var batch = builder.Build();

        Assert.Equal(bytes, batch.Length);
        Assert.Equal(0, builder.Count);
        Assert.Equal(["second"], Batches.Values(batch.Span));
        Batches.Append(builder, 7, "third");
        using var next = builder.Build(CompressionCodec.Lz4);
        Assert.Equal(["third"], Batches.Values(next.Span));
        Assert.Equal(7, RecordBatchHeader.Read(next.Span).MaxTimestamp);
    }

    [Fact]
    public void A_batch_without_records_is_not_built()
    {
        using var builder = new RecordBatchBuilder();

        Assert.Throws<InvalidOperationException>(() => builder.Build(CompressionCodec.Gzip));
    }

    [Fact]
    public void Records_outgrow_the_first_buffer()
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < 2000; i++)
            Batches.Append(builder, i, $"value {i}");
        Batches.Append(builder, 2000, new string('x', 300_000));

        using var batch = builder.Build();

        var values = Batches.Values(batch.Span);
        Assert.Equal(2001, values.Count);
        Assert.Equal("value 1999", values[1999]);
        Assert.Equal(300_000, values[2000]!.Length);
    }

    [Fact]
    public void Log_append_time_holds_for_every_record_and_keeps_the_base_timestamp()
    {
        using var batch = Batches.Build(3);

        RecordBatch.SetLogAppendTime(batch.Span, 777_777);

        Assert.True(RecordBatch.IsCrcValid(batch.Span));
        using var reader = new RecordReader(batch.Span);
        Assert.Equal((TimestampType.LogAppendTime, 1000, 777_777), (reader.Header.TimestampType, reader.Header.BaseTimestamp, reader.Header.MaxTimestamp));
        while (reader.MoveNext())
            Assert.Equal(777_777, reader.Current.Timestamp);
    }

    [Fact]
    public void Timestamps_count_from_the_delete_horizon_where_there_is_one()
    {
        // As the cleaner leaves it: base timestamp = horizon, deltas below it.
        using var builder = new RecordBatchBuilder();
        builder.Append(1_800_000_000_000, false, "k"u8, true, default);
        builder.AppendAt(4, 1_700_000_000_000, false, "k"u8, true, default);
        using var batch = builder.BuildWith(CompressionCodec.None, -1, -1, -1, attributes: 0x40, lastOffsetDelta: 9);

        using var reader = new RecordReader(batch.Span);

        Assert.True(reader.Header.HasDeleteHorizon);
        Assert.True(reader.MoveNext() && reader.MoveNext());
        Assert.Equal((4, 1_700_000_000_000), (reader.Current.Offset, reader.Current.Timestamp));
        Assert.False(reader.MoveNext());
        Assert.Equal(9, reader.Header.LastOffset);
    }

    [Fact]
    public void A_batch_emptied_by_compaction_has_no_records()
    {
        using var batch = Batches.Build(2);
        var emptied = batch.Span[..RecordBatchHeader.Size].ToArray();
        BinaryPrimitives.WriteInt32BigEndian(emptied.AsSpan(8), RecordBatchHeader.Size - RecordBatchHeader.LogOverhead);
        BinaryPrimitives.WriteInt32BigEndian(emptied.AsSpan(57), 0);
        BinaryPrimitives.WriteInt64BigEndian(emptied.AsSpan(27), -1);

        using var reader = new RecordReader(emptied);

        Assert.False(reader.MoveNext());
        Assert.Equal((0, 1), (reader.Header.RecordsCount, reader.Header.LastOffset));
    }

    public static TheoryData<string, int, int> BrokenRecords => new()
    {
        { "more records than there are", 57, 4 },
        { "fewer records than there are", 57, 2 },
        { "a negative count", 57, -1 },
        { "a huge count", 57, int.MaxValue },
        { "a last offset below its records", 23, 1 },
        { "another length", 8, 60 },
    };

    [Theory, MemberData(nameof(BrokenRecords))]
    public void A_batch_whose_header_lies_is_corrupt(string what, int position, int value)
    {
        using var batch = Batches.Build(3);
        var bytes = batch.Span.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(position), value);

        Assert.True(Record.Exception(() => Batches.Values(bytes)) is CorruptBatchException, what);
    }

    public static TheoryData<string, byte[]> BrokenBodies => new()
    {
        { "empty record", [0x00] },
        { "length beyond the end", [0x20, 0, 0, 0, 1, 1, 0] },
        { "negative length", [0x01, 0, 0, 0, 1, 1, 0] },
        { "length too long", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
        { "key beyond the record", [0x0c, 0, 0, 0, 0x10, 1, 0] },
        { "key of -2", [0x0c, 0, 0, 0, 3, 1, 0] },
        { "key of 2 GiB", [0x14, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0] },
        { "value beyond the record", [0x0c, 0, 0, 0, 1, 0x10, 0] },
        { "value of -2", [0x0c, 0, 0, 0, 1, 3, 0] },
        { "cut behind the key", [0x08, 0, 0, 0, 1] },
        { "negative header count", [0x0c, 0, 0, 0, 1, 1, 1] },
        { "headers that are not there", [0x0c, 0, 0, 0, 1, 1, 2] },
        { "a billion headers", [0x14, 0, 0, 0, 1, 1, 0x80, 0x80, 0x80, 0x80, 0x08] },
        { "null header key", [0x10, 0, 0, 0, 1, 1, 2, 1, 1] },
        { "header value beyond the record", [0x10, 0, 0, 0, 1, 1, 2, 0, 0x10] },
        { "bytes behind the headers", [0x0e, 0, 0, 0, 1, 1, 0, 9] },
        { "negative offset delta", [0x0c, 0, 0, 1, 1, 1, 0] },
        { "offset delta beyond the last", [0x0c, 0, 0, 2, 1, 1, 0] },
        { "timestamp of 11 bytes", [0x20, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 1, 0] },
    };

    [Theory, MemberData(nameof(BrokenBodies))]
    public void A_broken_record_is_corrupt(string what, byte[] record)
    {
        Assert.Equal([null], Batches.Values(Batches.FromRecords([0x0c, 0, 0, 0, 1, 1, 0], count: 1)));

        Assert.True(Record.Exception(() => Batches.Values(Batches.FromRecords(record, count: 1))) is CorruptBatchException, what);
    }

    [Fact]
    public void Offsets_that_do_not_grow_are_corrupt()
    {
        byte[] twice = [0x0c, 0, 0, 0, 1, 1, 0, 0x0c, 0, 0, 0, 1, 1, 0];

        Assert.Throws<CorruptBatchException>(() => Batches.Values(Batches.FromRecords(twice, count: 2)));
    }

    [Fact]
    public void Another_magic_and_too_few_bytes_are_corrupt()
    {
        using var batch = Batches.Build(1);
        var bytes = batch.Span.ToArray();
        bytes[16] = 1;

        Assert.Throws<CorruptBatchException>(() => Batches.Values(bytes));
        Assert.Throws<CorruptBatchException>(() => Batches.Values(bytes.AsSpan(0, 60)));
        Assert.False(RecordBatch.IsCrcValid(bytes.AsSpan(0, 60)));
    }

    [Fact]
    public void The_length_of_the_next_batch_is_read_from_12_bytes()
    {
        using var batch = Batches.Build(1);

        Assert.True(RecordBatch.TryReadTotalBytes(batch.Span[..12], out var bytes));
        Assert.Equal(batch.Length, bytes);
        Assert.False(RecordBatch.TryReadTotalBytes(batch.Span[..11], out _));
        Assert.False(RecordBatch.TryReadTotalBytes(new byte[12], out _));
        Assert.False(RecordBatch.TryReadTotalBytes([0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff], out _));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void Decompression_stops_at_the_cap_of_the_reader(CompressionCodec codec)
    {
        using var builder = new RecordBatchBuilder();
        Batches.Append(builder, 1, new string('a', 100_000));
        using var batch = builder.Build(codec);
        var bytes = batch.Span.ToArray();

        Assert.Equal([100_000], Batches.Values(bytes).Select(v => v!.Length));
        if (codec != CompressionCodec.None)
            Assert.Throws<CorruptBatchException>(() => { using var reader = new RecordReader(bytes, maxDecompressedBytes: 99_999); });
    }

    [Fact]
    public void Headers_keep_order_repeats_and_nulls()
    {
        Span<byte> encoded = stackalloc byte[HeaderEncoder.MaxBytes(1, 1) * 3];
        var length = HeaderEncoder.Write(encoded, "a"u8, false, "1"u8);
        length += HeaderEncoder.Write(encoded[length..], "a"u8, true, default);
        length += HeaderEncoder.Write(encoded[length..], ""u8, false, ""u8);
        using var builder = new RecordBatchBuilder();
        builder.Append(1, true, default, true, default, encoded[..length], 3);
        using var batch = builder.Build();
        using var reader = new RecordReader(batch.Span);
        Assert.True(reader.MoveNext());
        var read = new List<string>();

        var headers = new HeaderReader(reader.Current);
        while (headers.MoveNext())
            read.Add($"{Encoding.UTF8.GetString(headers.Key)}={(headers.ValueIsNull ? "null" : Encoding.UTF8.GetString(headers.Value))}");

        Assert.Equal(["a=1", "a=null", "="], read);
        Assert.Equal(batch.Length - RecordBatchHeader.Size, reader.Current.EncodedBytes);
    }
}

/// <summary>Small batches for the tests of this folder.</summary>
internal static class Batches
{
    public static void Append(RecordBatchBuilder builder, long timestamp, string value) =>
        builder.Append(timestamp, false, "key"u8, false, Encoding.UTF8.GetBytes(value));

    public static BatchBuffer Build(int count, CompressionCodec codec = CompressionCodec.None, long producerId = -1, short producerEpoch = -1, int baseSequence = -1)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < count; i++)
            Append(builder, 1000 + i, $"value {i}");
        return builder.Build(codec, producerId, producerEpoch, baseSequence);
    }

    /// <summary>A batch with a right header and CRC around these bytes.</summary>
    public static byte[] FromRecords(ReadOnlySpan<byte> records, int count, short attributes = 0)
    {
        using var template = Build(1);
        byte[] batch = [.. template.Span[..RecordBatchHeader.Size], .. records];
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(8), batch.Length - RecordBatchHeader.LogOverhead);
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(21), attributes);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(23), count - 1);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), count);
        RecordBatch.WriteCrc(batch);
        return batch;
    }

    public static List<string?> Values(ReadOnlySpan<byte> batch)
    {
        var values = new List<string?>();
        using var reader = new RecordReader(batch);
        while (reader.MoveNext())
            values.Add(reader.Current.ValueIsNull ? null : Encoding.UTF8.GetString(reader.Current.Value));
        return values;
    }
}
