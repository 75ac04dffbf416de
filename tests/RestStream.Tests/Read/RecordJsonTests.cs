using System.Text;
using System.Text.Json;
using RestStream.Broker;
using RestStream.Http;
using RestStream.Http.Records;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Tests.Read;

public class RecordJsonTests
{
    private const long Time = 1790000000000;
    private static readonly TopicPartition s_orders = new("orders", 3);

    [Fact]
    public void A_record_is_shown_with_the_members_of_the_contract_in_their_order()
    {
        var batch = Batch(("c-17", "{\"total\":12.50}", null), ("c-18", null, [("trace", "abc"), ("trace", "def")]));
        RecordBatch.SetBaseOffset(batch, 42);

        var encoded = RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch);

        Assert.Equal(
            [
                """{"topic":"orders","partition":3,"offset":42,"timestamp":1790000000000,"key":"c-17","value":{"total":12.50}}""",
                """{"topic":"orders","partition":3,"offset":43,"timestamp":1790000000000,"key":"c-18","value":null,"headers":[{"key":"trace","value":"abc"},{"key":"trace","value":"def"}]}""",
            ],
            Texts(encoded));
        Assert.Equal([42L, 43L], encoded.Offsets);
        Assert.Equal([Time, Time], encoded.Timestamps);
    }

    [Fact]
    public void A_v2_record_is_shown_with_the_members_of_the_REST_proxies()
    {
        var batch = Batch(("\"k\"", "1.50", [("h", "v")]));

        Assert.Equal(
            """{"topic":"orders","key":"k","value":1.50,"partition":3,"offset":0,"timestamp":1790000000000,"headers":[{"key":"h","value":"dg=="}]}""",
            Texts(RecordJson.V2(DataFormat.Json).Encode(s_orders, batch))[0]);
        Assert.StartsWith("""{"topic":"orders","key":"Imsi","value":"MS41MA==",""", Texts(RecordJson.V2(DataFormat.Base64).Encode(s_orders, batch))[0]);
        Assert.StartsWith("""{"topic":"orders","key":"\"k\"","value":"1.50",""", Texts(RecordJson.V2(DataFormat.Text).Encode(s_orders, batch))[0]);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("0.0")]
    [InlineData("12.50")]
    [InlineData("1e400")]
    [InlineData("-1E-400")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("true")]
    [InlineData("false")]
    [InlineData("\"\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\u00e9\\n\\/\"")]
    [InlineData("\"é ✈ \\\" 𝄞 \u007f\u2028\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[[],{},[{}]]")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData(" { \"a\" : [ 1 , null ] } ")]
    [InlineData("{\"\":\"\"}")]
    [InlineData("{\n\t\"a\": 1\r\n}")]
    [InlineData("[1,\r2]")]
    public void A_JSON_value_is_copied_byte_for_byte(string value)
    {
        var text = Single(DataFormat.Json, value);

        Assert.EndsWith($",\"value\":{value}}}", text);
        using var document = JsonDocument.Parse(text);
        Assert.Equal(value.Trim(), document.RootElement.GetProperty("value").GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData(" null\n")]
    [InlineData("nul")]
    [InlineData("True")]
    [InlineData("01")]
    [InlineData("1.")]
    [InlineData(".1")]
    [InlineData("+1")]
    [InlineData("-")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("0x10")]
    [InlineData("NaN")]
    [InlineData("1 2")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":1}x")]
    [InlineData("{\"a\"}")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{,}")]
    [InlineData("{a:1}")]
    [InlineData("{1:1}")]
    [InlineData("[1,]")]
    [InlineData("[,1]")]
    [InlineData("[1")]
    [InlineData("[1}")]
    [InlineData("{\"a\":1]")]
    [InlineData("]")]
    [InlineData("}")]
    [InlineData("\"a")]
    [InlineData("\"a\nb\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("\"\\u12")]
    [InlineData("\"\\")]
    [InlineData("'a'")]
    [InlineData("// x\n1")]
    [InlineData("[1] // x")]
    [InlineData("\ufeff1")]
    [InlineData("\u00a01")]
    [InlineData("\v1")]
    public void What_is_not_JSON_comes_as_a_string_that_says_so(string value)
    {
        var text = Single(DataFormat.Json, value);

        using var document = JsonDocument.Parse(text);
        Assert.Equal(value, document.RootElement.GetProperty("value").GetString());
        Assert.EndsWith(",\"value_format\":\"text\"}", text);
    }

    [Fact]
    public void What_is_not_UTF8_comes_as_base64_that_says_so()
    {
        byte[][] values = [[0xff], [(byte)'"', 0xc3, (byte)'"'], [0xed, 0xa0, 0x80], [(byte)'{', (byte)'"', 0xc0, 0x80, (byte)'"', (byte)':', (byte)'1', (byte)'}']];
        foreach (var value in values)
        {
            foreach (var format in new[] { DataFormat.Json, DataFormat.Text })
            {
                using var document = JsonDocument.Parse(Single(format, value));
                Assert.Equal(value, document.RootElement.GetProperty("value").GetBytesFromBase64());
                Assert.Equal("base64", document.RootElement.GetProperty("value_format").GetString());
            }
        }
    }

    [Fact]
    public void Nesting_is_JSON_up_to_64_levels()
    {
        string Nested(int levels) => string.Concat(Enumerable.Repeat("{\"a\":[", levels / 2)) + "1" + string.Concat(Enumerable.Repeat("]}", levels / 2));

        Assert.EndsWith($"\"value\":{Nested(64)}}}", Single(DataFormat.Json, Nested(64)));
        Assert.EndsWith("\"value_format\":\"text\"}", Single(DataFormat.Json, Nested(66)));
        Assert.EndsWith("\"value_format\":\"text\"}", Single(DataFormat.Json, new string('[', 1_000_000)));
    }

    [Fact]
    public void Text_is_escaped_so_that_it_comes_back_the_same()
    {
        var value = string.Concat(Enumerable.Range(0, 0x180).Select(i => (char)i)) + "𝄞\u2028\ufeff";

        var text = Single(DataFormat.Text, value);

        Assert.Equal(value, JsonDocument.Parse(text).RootElement.GetProperty("value").GetString());
        Assert.DoesNotContain("value_format", text);
        // What JSON asks for: no raw control character, so no line break either.
        Assert.DoesNotContain(text, c => c < 0x20);
    }

    [Fact]
    public void Base64_shows_any_bytes_and_needs_no_note()
    {
        var value = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();

        var text = Single(DataFormat.Base64, value);

        Assert.Equal(value, JsonDocument.Parse(text).RootElement.GetProperty("value").GetBytesFromBase64());
        Assert.DoesNotContain("value_format", text);
    }

    [Fact]
    public void A_tombstone_is_null_in_every_format_and_so_is_a_missing_key()
    {
        var batch = Batch((null, null, null));

        foreach (var encoder in All())
        {
            using var document = JsonDocument.Parse(Texts(encoder.Encode(s_orders, batch))[0]);
            Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("key").ValueKind);
            Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("value").ValueKind);
        }
    }

    [Fact]
    public void The_format_of_a_key_that_does_not_fit_is_named_beside_it()
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(Time, false, [0xfe], false, "1"u8);
        builder.Append(Time, false, "k"u8, false, "1"u8);
        using var batch = builder.Build();

        Assert.Contains("\"key\":\"/g==\",\"key_format\":\"base64\",\"value\":1}", Texts(RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch.Span))[0]);
        Assert.Contains("\"key\":\"k\",\"key_format\":\"text\",\"value\":1}", Texts(RecordJson.Native(DataFormat.Json, DataFormat.Json).Encode(s_orders, batch.Span))[1]);
    }

    [Fact]
    public void Header_values_that_are_not_text_come_as_base64_that_says_so()
    {
        Span<byte> headers = stackalloc byte[100];
        var length = HeaderEncoder.Write(headers, "a\"b"u8, valueIsNull: false, [0xff]);
        length += HeaderEncoder.Write(headers[length..], "n"u8, valueIsNull: true, default);
        using var builder = new RecordBatchBuilder();
        builder.Append(Time, true, default, false, "1"u8, headers[..length], 2);
        using var batch = builder.Build();

        Assert.EndsWith(
            ""","headers":[{"key":"a\"b","value":"/w==","value_format":"base64"},{"key":"n","value":null}]}""",
            Texts(RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch.Span))[0]);
        Assert.EndsWith(
            ""","headers":[{"key":"a\"b","value":"/w=="},{"key":"n","value":null}]}""", Texts(RecordJson.V2(DataFormat.Json).Encode(s_orders, batch.Span))[0]);
    }

    [Theory]
    [InlineData("{\"a\":1}", false)]
    [InlineData("\"\\n\"", false)]
    [InlineData("not\njson", false)]
    [InlineData("{\n}", true)]
    [InlineData("1\r", true)]
    public void A_batch_knows_whether_its_records_hold_raw_line_breaks(string value, bool expected) =>
        Assert.Equal(expected, RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, Batch(("k", "1", null), ("k", value, null))).HasLineBreaks);

    [Fact]
    public void A_wrong_checksum_is_refused()
    {
        var batch = Batch(("k", "1", null));
        batch[^1] ^= 1;

        Assert.Throws<CorruptBatchException>(() => RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch));
    }

    [Fact]
    public void A_control_batch_has_no_records()
    {
        var batch = Batch(("k", "1", null));
        batch[22] |= 0x20;
        var crc = RecordBatch.ComputeCrc(batch);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(17), crc);

        Assert.Equal(0, RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch).Count);
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Snappy)]
    public void A_compressed_batch_of_many_small_records_is_shown_whole(CompressionCodec codec)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < 20_000; i++)
            builder.Append(Time, true, default, false, "1"u8);
        using var batch = builder.Build(codec);

        var encoded = RecordJson.Native(DataFormat.Text, DataFormat.Json).Encode(s_orders, batch.Span);

        Assert.Equal(20_000, encoded.Count);
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (long)i), encoded.Offsets);
    }

    [Theory]
    [InlineData(int.MaxValue, 1)]
    [InlineData(7, int.MaxValue)]
    [InlineData(int.MaxValue, 1000)]
    public void The_parts_of_a_batch_are_what_the_whole_is(int maxRecords, int maxBytes)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < 100; i++)
            builder.Append(Time + i, true, default, false, Encoding.UTF8.GetBytes($"{i}"));
        using var batch = builder.Build(CompressionCodec.Gzip);
        foreach (var encoder in All())
        {
            List<string> texts = [];
            List<long> offsets = [];
            while (encoder.EncodePart(s_orders, batch.Span, offsets.Count, maxRecords, maxBytes) is { Count: > 0 } part)
            {
                texts.AddRange(Texts(part));
                offsets.AddRange(part.Offsets);
                Assert.True(part.Count == 1 || (part.Count <= maxRecords && part.Start(part.Count - 1) < maxBytes));
            }

            var whole = encoder.Encode(s_orders, batch.Span);
            Assert.Equal(Texts(whole), texts);
            Assert.Equal(whole.Offsets, offsets);
        }
    }

    [Fact]
    public void JSON_is_told_from_other_bytes_exactly_as_a_full_parser_does()
    {
        var random = new Random(7);
        string[] pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u00e9\"", "1", "-0.5e3", "0", "true", "null", " ", "\n", "\"", "\\", "é", "x", "."];
        var valid = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => pieces[random.Next(pieces.Length)]));
            var expected = IsJson(text);
            valid += expected ? 1 : 0;

            Assert.True(expected == (JsonSyntax.Inspect(Encoding.UTF8.GetBytes(text)) != JsonKind.None), text);
        }

        Assert.InRange(valid, 1000, 40_000);
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static IEnumerable<RecordEncoder> All() =>
        from key in Enum.GetValues<DataFormat>() from value in Enum.GetValues<DataFormat>() from e in new[] { RecordJson.Native(key, value), RecordJson.V2(value) } select e;

    private static string Single(DataFormat format, string value) => Single(format, Encoding.UTF8.GetBytes(value));

    private static string Single(DataFormat format, byte[] value)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(Time, false, "k"u8, false, value);
        using var batch = builder.Build();
        return Texts(RecordJson.Native(DataFormat.Text, format).Encode(s_orders, batch.Span))[0];
    }

    private static string[] Texts(EncodedBatch batch) => [.. Enumerable.Range(0, batch.Count).Select(i => Encoding.UTF8.GetString(batch.Record(i).Span))];

    private static byte[] Batch(params (string? Key, string? Value, (string Key, string Value)[]? Headers)[] records)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var (key, value, headers) in records)
        {
            var encoded = new byte[1000];
            var length = 0;
            foreach (var (name, text) in headers ?? [])
                length += HeaderEncoder.Write(encoded.AsSpan(length), Encoding.UTF8.GetBytes(name), valueIsNull: false, Encoding.UTF8.GetBytes(text));
            builder.Append(
                Time, key is null, Encoding.UTF8.GetBytes(key ?? ""), value is null, Encoding.UTF8.GetBytes(value ?? ""), encoded.AsSpan(0, length), headers?.Length ?? 0);
        }

        using var batch = builder.Build();
        return batch.Span.ToArray();
    }
}
