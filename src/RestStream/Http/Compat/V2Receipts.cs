using System.Text.Json;
using RestStream.Broker;
using RestStream.Http.Errors;
using RestStream.Http.Produce;

namespace RestStream.Http.Compat;

/// <summary>The answer to v2 produce: an entry per record, in their order. Plain copies for what was written: this runs for every record of every request.</summary>
internal static class V2Receipts
{
    /// <summary>Most bytes of the entry of a record that was written.</summary>
    private const int ReceiptBytes = 120;

    public static void Write(RecordSet records, ProduceProfile profile, PooledBytes into)
    {
        into.Append("{\"offsets\":["u8);
        for (var i = 0; i < records.Count; i++)
        {
            if (i > 0)
                into.Append(","u8);
            var outcome = records[i];
            if (outcome.Refusal is { } refusal)
                WriteRefusal(refusal, profile.Receipts, into);
            else
                WritePlace(outcome, profile.Receipts, into);
        }

        into.Append(profile.ShowsSchemaIds ? "],\"key_schema_id\":null,\"value_schema_id\":null}"u8 : "]}"u8);
    }

    private static void WritePlace(in Outcome outcome, ReceiptForm form, PooledBytes into)
    {
        var text = new SpanWriter(into.GetSpan(ReceiptBytes));
        text.Append("{\"partition\":"u8);
        text.Append(outcome.Partition);
        text.Append(",\"offset\":"u8);
        text.Append(outcome.Offset);
        text.Append(form == ReceiptForm.FourMembers ? ",\"error_code\":null,\"error\":null}"u8 : "}"u8);
        into.Advance(text.Length);
    }

    private static void WriteRefusal(HttpError refusal, ReceiptForm form, PooledBytes into)
    {
        var mayWorkLater = refusal.Status is 429 or 503 or 507;
        using var json = new Utf8JsonWriter(into, ErrorBody.WriterOptions);
        json.WriteStartObject();
        switch (form)
        {
            case ReceiptForm.FourMembers:
                json.WriteNull("partition"u8);
                json.WriteNull("offset"u8);
                json.WriteNumber("error_code"u8, mayWorkLater ? 50003 : 50002);
                json.WriteString("error"u8, refusal.Message);
                break;
            case ReceiptForm.StatusAndMessage:
                // The bridge knows of two kinds: the place does not exist, and everything else.
                json.WriteNumber("error_code"u8, refusal.Status == 404 ? 404 : 500);
                json.WriteString("message"u8, refusal.Message);
                break;
            case ReceiptForm.OneOrTwo:
                json.WriteNumber("error_code"u8, mayWorkLater ? 2 : 1);
                json.WriteString("error"u8, refusal.Message);
                break;
            default:
                json.WriteNumber("partition"u8, refusal.Extra.TryGetValue("partition", out var partition) && partition is int number ? number : -1);
                json.WriteNumber("error_code"u8, (short)KafkaCode(refusal));
                json.WriteNumber("offset"u8, -1);
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>What Kafka would have answered the producer.</summary>
    private static ErrorCode KafkaCode(HttpError refusal) => refusal.Slug switch
    {
        "topic-not-found" or "partition-not-found" => ErrorCode.UnknownTopicOrPartition,
        "invalid-topic-name" or "reserved-topic" => ErrorCode.InvalidTopic,
        "record-too-large" => ErrorCode.MessageTooLarge,
        "invalid-timestamp" => ErrorCode.InvalidTimestamp,
        "overloaded" => ErrorCode.ThrottlingQuotaExceeded,
        "writes-stopped" or "disk-full" => ErrorCode.KafkaStorageError,
        "invalid-request" => ErrorCode.InvalidRecord,
        _ => ErrorCode.UnknownServerError,
    };
}
