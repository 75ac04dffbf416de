using System.Text;
using System.Text.Json;
using RestStream.Storage.Records;
using RestStream.TestKit;

namespace RestStream.Storage.Tests.Records;

/// <summary>What Kafka's own classes encoded and decoded.</summary>
public sealed class GoldenEncodingTests
{
    [Fact]
    public void Varints_are_written_as_Kafka_writes_them()
    {
        var checkedCases = 0;
        foreach (var vector in Vectors("varints").Where(v => v.TryGetProperty("value", out _)))
        {
            var value = vector.GetProperty("value").GetInt64();
            var bytes = new byte[VarInt.MaxLongBytes];

            Assert.Equal(Text(vector, "varlong"), Hex(bytes, VarInt.Write(bytes, value)));
            Assert.Equal(Text(vector, "varlong").Length / 2, VarInt.Size(value));
            Assert.Equal(Text(vector, "unsignedVarlong"), Hex(bytes, VarInt.WriteUnsigned(bytes, (ulong)value)));
            Assert.True(VarInt.TryRead(Convert.FromHexString(Text(vector, "varlong")), out long readLong, out var length));
            Assert.Equal((value, Text(vector, "varlong").Length / 2), (readLong, length));
            Assert.True(VarInt.TryReadUnsigned(Convert.FromHexString(Text(vector, "unsignedVarlong")), out ulong readUnsignedLong, out _));
            Assert.Equal((ulong)value, readUnsignedLong);
            if (vector.TryGetProperty("varint", out _))
            {
                Assert.Equal(Text(vector, "varint"), Hex(bytes, VarInt.Write(bytes, (int)value)));
                Assert.Equal(Text(vector, "varint").Length / 2, VarInt.Size((int)value));
                Assert.Equal(Text(vector, "unsignedVarint"), Hex(bytes, VarInt.WriteUnsigned(bytes, (uint)(int)value)));
                Assert.True(VarInt.TryRead(Convert.FromHexString(Text(vector, "varint")), out int read, out _));
                Assert.Equal((int)value, read);
                Assert.True(VarInt.TryReadUnsigned(Convert.FromHexString(Text(vector, "unsignedVarint")), out uint readUnsigned, out _));
                Assert.Equal((uint)(int)value, readUnsigned);
            }
            checkedCases++;
        }
        Assert.True(checkedCases > 30);
    }

    [Fact]
    public void Odd_varints_are_read_or_refused_as_Kafka_does()
    {
        var checkedCases = 0;
        foreach (var vector in Vectors("varints").Where(v => v.TryGetProperty("decode", out _)))
        {
            var bytes = Convert.FromHexString(Text(vector, "decode"));

            Assert.Equal(vector.TryGetProperty("varint", out var expected), VarInt.TryRead(bytes, out int value, out var length));
            Assert.Equal(expected.ValueKind == JsonValueKind.Number ? (expected.GetInt32(), Number(vector, "varintBytes")) : (0, 0), (value, (long)length));
            Assert.Equal(vector.TryGetProperty("varlong", out expected), VarInt.TryRead(bytes, out long longValue, out length));
            Assert.Equal(expected.ValueKind == JsonValueKind.Number ? (expected.GetInt64(), Number(vector, "varlongBytes")) : (0, 0), (longValue, (long)length));
            Assert.Equal(vector.TryGetProperty("unsignedVarint", out expected), VarInt.TryReadUnsigned(bytes, out uint unsigned, out length));
            Assert.Equal(expected.ValueKind == JsonValueKind.Number ? (expected.GetInt32(), Number(vector, "unsignedVarintBytes")) : (0, 0), ((int)unsigned, (long)length));
            checkedCases++;
        }
        Assert.True(checkedCases >= 5);
    }

    [Fact]
    public void Checksums_are_Kafkas()
    {
        var vectors = Vectors("crc32c");
        foreach (var vector in vectors)
        {
            var bytes = Convert.FromHexString(Text(vector, "bytes"));

            Assert.Equal((uint)Number(vector, "crc32c"), Crc32C.Compute(bytes));
            Assert.Equal((uint)Number(vector, "crc32c"), Crc32C.Append(Crc32C.Compute(bytes.AsSpan(0, bytes.Length / 3)), bytes.AsSpan(bytes.Length / 3)));
        }
        Assert.NotEmpty(vectors);
    }

    [Fact]
    public void Batches_decode_to_the_fields_that_Kafka_put_in()
    {
        var vectors = Vectors("record-batches");
        foreach (var vector in vectors)
            AssertFields(vector, Convert.FromHexString(Text(vector, "bytes")));
        Assert.NotEmpty(vectors);
        Assert.Equal(5, vectors.Select(v => Text(v, "codec")).Distinct().Count());
    }

    [Fact]
    public void Uncompressed_batches_encode_to_Kafkas_bytes()
    {
        var vectors = Vectors("record-batches").Where(v => Text(v, "codec") == "none").ToList();
        foreach (var vector in vectors)
        {
            using var batch = Encode(vector);

            Assert.Equal(Text(vector, "bytes"), Hex(batch.Span.ToArray(), batch.Length));
        }
        Assert.NotEmpty(vectors);
    }

    [Fact]
    public void Compressed_batches_survive_our_own_round_trip()
    {
        var vectors = Vectors("record-batches").Where(v => Text(v, "codec") != "none").ToList();
        foreach (var vector in vectors)
        {
            using var batch = Encode(vector);

            AssertFields(vector, batch.Span, sameCrc: false);
        }
        Assert.NotEmpty(vectors);
    }

    [Fact]
    public void End_of_transaction_markers_are_Kafkas_bytes_both_ways()
    {
        var vectors = Vectors("control-batches");
        foreach (var vector in vectors)
        {
            var marker = new EndTransactionMarker(Text(vector, "type") == "COMMIT", (int)Number(vector, "coordinatorEpoch"));

            using var batch = marker.Build(Number(vector, "timestamp"), Number(vector, "producerId"), (short)Number(vector, "producerEpoch"));
            RecordBatch.SetBaseOffset(batch.Span, Number(vector, "baseOffset"));
            RecordBatch.SetPartitionLeaderEpoch(batch.Span, (int)Number(vector, "leaderEpoch"));

            Assert.Equal(Text(vector, "bytes"), Hex(batch.Span.ToArray(), batch.Length));
            using var reader = new RecordReader(batch.Span);
            Assert.True(reader.Header.IsControl);
            Assert.True(reader.MoveNext());
            Assert.True(EndTransactionMarker.TryRead(reader.Current, out var read));
            Assert.Equal(marker, read);
            Assert.False(reader.MoveNext());
        }
        Assert.NotEmpty(vectors);
    }

    private static BatchBuffer Encode(JsonElement vector)
    {
        using var builder = new RecordBatchBuilder();
        var baseOffset = Number(vector, "baseOffset");
        foreach (var record in vector.GetProperty("records").EnumerateArray())
        {
            var encoded = new byte[4096];
            var length = 0;
            foreach (var header in record.GetProperty("headers").EnumerateArray())
            {
                var value = Bytes(header[1]);
                length += HeaderEncoder.Write(encoded.AsSpan(length), Encoding.UTF8.GetBytes(header[0].GetString()!), value is null, value);
            }
            var (key, body) = (Bytes(record.GetProperty("key")), Bytes(record.GetProperty("value")));
            builder.AppendAt((int)(Number(record, "offset") - baseOffset), Number(record, "timestamp"), key is null, key, body is null, body,
                encoded.AsSpan(0, length), record.GetProperty("headers").GetArrayLength());
        }

        var batch = builder.BuildWith(Enum.Parse<CompressionCodec>(Text(vector, "codec"), ignoreCase: true), Number(vector, "producerId"),
            (short)Number(vector, "producerEpoch"), (int)Number(vector, "baseSequence"), (short)(vector.GetProperty("transactional").GetBoolean() ? 0x10 : 0),
            (int)(Number(vector, "lastOffset") - baseOffset));
        RecordBatch.SetBaseOffset(batch.Span, baseOffset);
        RecordBatch.SetPartitionLeaderEpoch(batch.Span, (int)Number(vector, "leaderEpoch"));
        if (Text(vector, "timestampType") == "LogAppendTime")
            RecordBatch.SetLogAppendTime(batch.Span, Number(vector, "logAppendTime"));
        return batch;
    }

    private static void AssertFields(JsonElement vector, ReadOnlySpan<byte> batch, bool sameCrc = true)
    {
        using var reader = new RecordReader(batch);
        var header = reader.Header;
        Assert.Equal(Text(vector, "codec"), header.Codec.ToString().ToLowerInvariant());
        Assert.Equal(Text(vector, "timestampType"), header.TimestampType.ToString());
        Assert.Equal((Number(vector, "baseOffset"), Number(vector, "lastOffset")), (header.BaseOffset, header.LastOffset));
        Assert.Equal(Number(vector, "producerId"), header.ProducerId);
        Assert.Equal((Number(vector, "producerEpoch"), Number(vector, "baseSequence")), (header.ProducerEpoch, header.BaseSequence));
        Assert.Equal(vector.GetProperty("transactional").GetBoolean(), header.IsTransactional);
        Assert.Equal(Number(vector, "leaderEpoch"), header.PartitionLeaderEpoch);
        Assert.Equal(Number(vector, "maxTimestamp"), header.MaxTimestamp);
        Assert.True(RecordBatch.IsCrcValid(batch));
        if (sameCrc)
            Assert.Equal(Number(vector, "crc"), header.Crc);

        foreach (var expected in vector.GetProperty("records").EnumerateArray())
        {
            Assert.True(reader.MoveNext());
            var record = reader.Current;
            Assert.Equal(Number(expected, "offset"), record.Offset);
            Assert.Equal(header.TimestampType == TimestampType.LogAppendTime ? header.MaxTimestamp : Number(expected, "timestamp"), record.Timestamp);
            Assert.Equal(Bytes(expected.GetProperty("key")), record.KeyIsNull ? null : record.Key.ToArray());
            Assert.Equal(Bytes(expected.GetProperty("value")), record.ValueIsNull ? null : record.Value.ToArray());
            var headers = new HeaderReader(record);
            foreach (var expectedHeader in expected.GetProperty("headers").EnumerateArray())
            {
                Assert.True(headers.MoveNext());
                Assert.Equal(expectedHeader[0].GetString(), Encoding.UTF8.GetString(headers.Key));
                Assert.Equal(Bytes(expectedHeader[1]), headers.ValueIsNull ? null : headers.Value.ToArray());
            }
            Assert.False(headers.MoveNext());
        }
        Assert.False(reader.MoveNext());
    }

    private static List<JsonElement> Vectors(string name) =>
        [.. File.ReadLines(Path.Combine(Locations.Golden, "log", "encodings", name + ".jsonl")).Where(l => l.Length > 0).Select(l => JsonDocument.Parse(l).RootElement)];

    private static string Text(JsonElement vector, string name) => vector.GetProperty(name).GetString()!;
    private static long Number(JsonElement vector, string name) => vector.GetProperty(name).GetInt64();
    private static byte[]? Bytes(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetBytesFromBase64();
    private static string Hex(byte[] bytes, int length) => Convert.ToHexStringLower(bytes, 0, length);
}
