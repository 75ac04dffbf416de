using System.Text;
using System.Text.Unicode;
using RestStream.Broker;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Http.Records;

/// <summary>The members of a record object.</summary>
internal enum RecordShape : byte
{
    /// <summary>topic, partition, offset, timestamp, key, value, and headers when there are any. Header values are text.</summary>
    Native,

    /// <summary>topic, key, value, partition, offset, as REST Proxy v2 writes them, then timestamp and, when there are any, headers in base64.</summary>
    V2,
}

/// <summary>
/// Batches as record objects in JSON. There is one instance per shape and format, for ever, because the broker's cache of encoded batches is keyed by it.
/// Bytes that do not fit the asked format never fail a read: they come as a string, with <c>key_format</c> or <c>value_format</c> naming what it holds.
/// So does the JSON text <c>null</c>, because a null is always a tombstone.
/// </summary>
internal sealed class RecordJson : RecordEncoder
{
    private static readonly RecordJson[] s_native =
        [.. from key in Enum.GetValues<DataFormat>() from value in Enum.GetValues<DataFormat>() select new RecordJson(RecordShape.Native, key, value)];

    private static readonly RecordJson[] s_v2 = [.. Enum.GetValues<DataFormat>().Select(f => new RecordJson(RecordShape.V2, f, f))];

    private readonly RecordShape _shape;
    private readonly DataFormat _key;
    private readonly DataFormat _value;

    private RecordJson(RecordShape shape, DataFormat key, DataFormat value)
    {
        _shape = shape;
        _key = key;
        _value = value;
    }

    public static RecordJson Native(DataFormat key, DataFormat value) => s_native[((int)key * 3) + (int)value];

    public static RecordJson V2(DataFormat format) => s_v2[(int)format];

    public override EncodedBatch Encode(TopicPartition partition, ReadOnlySpan<byte> batch) => EncodePart(partition, batch, 0, int.MaxValue, int.MaxValue);

    public override EncodedBatch EncodePart(TopicPartition partition, ReadOnlySpan<byte> batch, long from, int maxRecords, int maxBytes)
    {
        if (!RecordBatch.IsCrcValid(batch))
            throw new CorruptBatchException("The checksum is wrong.");
        var header = RecordBatchHeader.Read(batch);
        return header.IsControl ? new EncodedBatch([], [], [], [], hasLineBreaks: false) : EncodeRecords(partition, batch, header.RecordsCount, from, maxRecords, maxBytes);
    }

    private EncodedBatch EncodeRecords(TopicPartition partition, ReadOnlySpan<byte> batch, int count, long from, int maxRecords, int maxBytes)
    {
        // The count is only believed as far as records of the least size (7 bytes) would fit; a compressed batch may hold more, then the arrays grow.
        // A record makes some 60 bytes of JSON at least.
        var expected = Math.Min(Math.Clamp(count, 0, Math.Max(1024, batch.Length / 7)), Math.Min(maxRecords, (maxBytes / 60) + 1));
        var ends = new int[expected];
        var offsets = new long[expected];
        var timestamps = new long[expected];
        var records = 0;
        var lineBreaks = false;

        var json = new JsonBytes(Math.Min(batch.Length + (expected * 96), Math.Min(maxBytes, int.MaxValue / 2)) + 512);
        var reader = new RecordReader(batch);
        try
        {
            // What all records begin with is written once and copied from the first.
            WriteStart(ref json, partition);
            var start = json.Length;
            while (records < maxRecords && (records == 0 || json.Length < maxBytes) && reader.MoveNext())
            {
                if (reader.Current.Offset < from)
                    continue;
                if (records == ends.Length)
                {
                    Array.Resize(ref ends, (records * 2) + 16);
                    Array.Resize(ref offsets, ends.Length);
                    Array.Resize(ref timestamps, ends.Length);
                }

                if (records > 0)
                    json.Repeat(0, start);
                var record = reader.Current;
                if (_shape == RecordShape.Native)
                    WriteNative(ref json, record, ref lineBreaks);
                else
                    WriteV2(ref json, record, partition.Partition, ref lineBreaks);
                offsets[records] = record.Offset;
                timestamps[records] = record.Timestamp;
                ends[records++] = json.Length;
            }

            if (records == 0)
                return new EncodedBatch([], [], [], [], hasLineBreaks: false);
            if (records < ends.Length)
            {
                Array.Resize(ref ends, records);
                Array.Resize(ref offsets, records);
                Array.Resize(ref timestamps, records);
            }

            return new EncodedBatch(json.ToArray(), ends, offsets, timestamps, lineBreaks);
        }
        finally
        {
            reader.Dispose();
            json.Dispose();
        }
    }

    private void WriteStart(ref JsonBytes json, TopicPartition partition)
    {
        json.Raw("{\"topic\":"u8);
        json.String(Encoding.UTF8.GetBytes(partition.Topic));
        if (_shape == RecordShape.Native)
        {
            json.Raw(",\"partition\":"u8);
            json.Number(partition.Partition);
            json.Raw(",\"offset\":"u8);
        }
        else
        {
            json.Raw(",\"key\":"u8);
        }
    }

    private void WriteNative(ref JsonBytes json, in RecordView record, ref bool lineBreaks)
    {
        json.Number(record.Offset);
        json.Raw(",\"timestamp\":"u8);
        json.Number(record.Timestamp);
        json.Raw(",\"key\":"u8);
        WriteBytes(ref json, record.KeyIsNull, record.Key, _key, ",\"key_format\":"u8, ref lineBreaks);
        json.Raw(",\"value\":"u8);
        WriteBytes(ref json, record.ValueIsNull, record.Value, _value, ",\"value_format\":"u8, ref lineBreaks);
        if (record.HeaderCount > 0)
            WriteHeaders(ref json, record, DataFormat.Text);
        json.Raw("}"u8);
    }

    private void WriteV2(ref JsonBytes json, in RecordView record, int partition, ref bool lineBreaks)
    {
        WriteBytes(ref json, record.KeyIsNull, record.Key, _key, ",\"key_format\":"u8, ref lineBreaks);
        json.Raw(",\"value\":"u8);
        WriteBytes(ref json, record.ValueIsNull, record.Value, _value, ",\"value_format\":"u8, ref lineBreaks);
        json.Raw(",\"partition\":"u8);
        json.Number(partition);
        json.Raw(",\"offset\":"u8);
        json.Number(record.Offset);
        json.Raw(",\"timestamp\":"u8);
        json.Number(record.Timestamp);
        if (record.HeaderCount > 0)
            WriteHeaders(ref json, record, DataFormat.Base64);
        json.Raw("}"u8);
    }

    private static void WriteHeaders(ref JsonBytes json, in RecordView record, DataFormat format)
    {
        json.Raw(",\"headers\":["u8);
        var headers = new HeaderReader(record);
        var first = true;
        var lineBreaks = false;
        while (headers.MoveNext())
        {
            json.Raw(first ? "{\"key\":"u8 : ",{\"key\":"u8);
            WriteBytes(ref json, isNull: false, headers.Key, DataFormat.Text, ",\"key_format\":"u8, ref lineBreaks);
            json.Raw(",\"value\":"u8);
            WriteBytes(ref json, headers.ValueIsNull, headers.Value, format, ",\"value_format\":"u8, ref lineBreaks);
            json.Raw("}"u8);
            first = false;
        }

        json.Raw("]"u8);
    }

    private static void WriteBytes(
        ref JsonBytes json, bool isNull, scoped ReadOnlySpan<byte> bytes, DataFormat format, scoped ReadOnlySpan<byte> formatMember, ref bool lineBreaks)
    {
        if (isNull)
        {
            json.Raw("null"u8);
            return;
        }

        if (format == DataFormat.Json)
        {
            var kind = JsonSyntax.Inspect(bytes);
            if (kind is JsonKind.Value or JsonKind.ValueWithLineBreaks)
            {
                lineBreaks |= kind == JsonKind.ValueWithLineBreaks;
                json.Raw(bytes);
                return;
            }
        }

        if (format != DataFormat.Base64 && Utf8.IsValid(bytes))
        {
            json.String(bytes);
            if (format == DataFormat.Json)
            {
                json.Raw(formatMember);
                json.Raw("\"text\""u8);
            }

            return;
        }

        json.Base64String(bytes);
        if (format != DataFormat.Base64)
        {
            json.Raw(formatMember);
            json.Raw("\"base64\""u8);
        }
    }
}
