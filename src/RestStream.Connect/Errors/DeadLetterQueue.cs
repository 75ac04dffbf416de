using System.Buffers;
using System.Text;
using RestStream.Broker.Topics;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Storage.Records;

namespace RestStream.Connect.Errors;

/// <summary>What stands in a dead letter topic: the bytes of a record that could not be delivered, and behind its own headers those of the error.</summary>
internal static class DeadLetterQueue
{
    /// <summary>A dead letter topic has one partition, as Kafka makes it.</summary>
    public static TopicSpec Spec(string topic) => new(topic, 1, new Dictionary<string, string>());

    /// <summary>Bytes that a batch of this record alone has left for headers of the error.</summary>
    public static int Room(in TopicIntake intake, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers) =>
        intake.MaxMessageBytes - RecordBatchHeader.Size - Tasks.SourceUnit.MostBytes(key, value, headers);

    /// <summary>A record of a source as bytes. What the converters refuse is written as text, so that nothing keeps a record out of the queue.</summary>
    public static (byte[]? Key, byte[]? Value, byte[] Headers, int HeaderCount) Serialize(SourceRecord record, ConverterSet converters)
    {
        var output = new ArrayBufferWriter<byte>();
        var key = Bytes(record.Key, output, static (r, c, o) => c.Key.Write(r.Topic, r.KeySchema, r.Key, o), record, converters);
        var value = Bytes(record.Value, output, static (r, c, o) => c.Value.Write(r.Topic, r.ValueSchema, r.Value, o), record, converters);
        using var headers = new MemoryStream();
        foreach (var header in record.Headers)
        {
            var bytes = Bytes(header.Value, output, (r, c, o) => c.Headers.Write(r.Topic, header.Key, header.Schema, header.Value, o), record, converters);
            var name = Encoding.UTF8.GetBytes(header.Key);
            var encoded = new byte[HeaderEncoder.MaxBytes(name.Length, bytes?.Length ?? 0)];
            headers.Write(encoded, 0, HeaderEncoder.Write(encoded, name, bytes is null, bytes));
        }

        return (key, value, headers.ToArray(), record.Headers.Count);
    }

    private static byte[]? Bytes(object? part, ArrayBufferWriter<byte> output, Func<SourceRecord, ConverterSet, IBufferWriter<byte>, bool> write, SourceRecord record, ConverterSet converters)
    {
        output.ResetWrittenCount();
        try
        {
            return write(record, converters, output) ? output.WrittenSpan.ToArray() : null;
        }
        catch (Exception)
        {
            // The plugin's answer to a record that is given up already; any error means the same here.
            return part is null ? null : part as byte[] ?? Encoding.UTF8.GetBytes(Values.ToText(part));
        }
    }
}
