using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using RestStream.Http.Errors;

namespace RestStream.Http.Produce;

/// <summary>Writes what became of the records. Plain copies and number formatting: this runs for every record of every request.</summary>
internal static class Receipts
{
    /// <summary>Most bytes of a receipt besides the topic's name.</summary>
    private const int ReceiptBytes = 160;

    /// <summary><c>{"offsets":[…]}</c>, in the order of the records; a refused one is <c>{"error":{…}}</c>.</summary>
    public static void WriteOffsets(RecordSet records, bool withTopic, PooledBytes into)
    {
        into.Append("{\"offsets\":["u8);
        for (var i = 0; i < records.Count; i++)
        {
            if (i > 0)
                into.Append(","u8);
            var outcome = records[i];
            if (outcome.Refusal is { } refusal)
                WriteRefusal(refusal, line: null, into);
            else
                WritePlace(outcome, withTopic, into);
        }

        into.Append("]}"u8);
    }

    /// <summary>One line of NDJSON.</summary>
    public static void WriteLine(in Outcome outcome, bool withTopic, long line, PooledBytes into)
    {
        if (outcome.Refusal is { } refusal)
            WriteRefusal(refusal, line, into);
        else
            WritePlace(outcome, withTopic, into);
        into.Append("\n"u8);
    }

    /// <summary><c>{"error":{…}}</c>, with the line of the body (from 1) where there are lines.</summary>
    public static void WriteRefusal(HttpError refusal, long? line, PooledBytes into)
    {
        using var json = new Utf8JsonWriter(into, ErrorBody.WriterOptions);
        json.WriteStartObject();
        if (line is { } number)
            json.WriteNumber("line"u8, number);
        json.WritePropertyName("error"u8);
        ErrorBody.Write(json, refusal);
        json.WriteEndObject();
    }

    /// <summary>The answer of v2 produce: every entry has the four members of Confluent's proxy.</summary>
    public static void WriteV2(RecordSet records, PooledBytes into)
    {
        into.Append("{\"offsets\":["u8);
        for (var i = 0; i < records.Count; i++)
        {
            if (i > 0)
                into.Append(","u8);
            var outcome = records[i];
            if (outcome.Refusal is { } refusal)
            {
                WriteV2Refusal(refusal, into);
                continue;
            }

            var text = new SpanWriter(into.GetSpan(ReceiptBytes));
            text.Append("{\"partition\":"u8);
            text.Append(outcome.Partition);
            text.Append(",\"offset\":"u8);
            text.Append(outcome.Offset);
            text.Append(",\"error_code\":null,\"error\":null}"u8);
            into.Advance(text.Length);
        }

        into.Append("],\"key_schema_id\":null,\"value_schema_id\":null}"u8);
    }

    private static void WritePlace(in Outcome outcome, bool withTopic, PooledBytes into)
    {
        var text = new SpanWriter(into.GetSpan(ReceiptBytes + (withTopic ? outcome.Topic!.Length : 0)));
        text.Append("{"u8);
        if (withTopic)
        {
            // Names need no escaping: letters, digits, dots, dashes, underscores.
            text.Append("\"topic\":\""u8);
            text.Append(outcome.Topic!);
            text.Append("\","u8);
        }

        text.Append("\"partition\":"u8);
        text.Append(outcome.Partition);
        text.Append(",\"offset\":"u8);
        text.Append(outcome.Offset);
        text.Append(",\"timestamp\":"u8);
        text.Append(outcome.Timestamp);
        text.Append("}"u8);
        into.Advance(text.Length);
    }

    /// <summary>50003 tells the client that trying again may help, 50002 that it will not.</summary>
    private static void WriteV2Refusal(HttpError refusal, PooledBytes into)
    {
        using var json = new Utf8JsonWriter(into, ErrorBody.WriterOptions);
        json.WriteStartObject();
        json.WriteNull("partition"u8);
        json.WriteNull("offset"u8);
        json.WriteNumber("error_code"u8, refusal.Status is 429 or 503 or 507 ? 50003 : 50002);
        json.WriteString("error"u8, refusal.Message);
        json.WriteEndObject();
    }

    private ref struct SpanWriter(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;

        public int Length { get; private set; }

        public void Append(ReadOnlySpan<byte> text)
        {
            text.CopyTo(_destination[Length..]);
            Length += text.Length;
        }

        public void Append(string ascii) => Length += Encoding.UTF8.GetBytes(ascii, _destination[Length..]);

        public void Append(long number)
        {
            Utf8Formatter.TryFormat(number, _destination[Length..], out var written);
            Length += written;
        }
    }
}
