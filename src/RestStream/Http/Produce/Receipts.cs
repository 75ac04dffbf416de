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
}
