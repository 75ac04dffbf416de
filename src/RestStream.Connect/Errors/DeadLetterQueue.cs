using System.Buffers;
using System.Text;
using RestStream.Broker;
using RestStream.Broker.Topics;
using RestStream.Connect.Converters;
using RestStream.Connect.Data;
using RestStream.Connect.Stores;
using RestStream.Storage.Records;

namespace RestStream.Connect.Errors;

/// <summary>What stands in a dead letter topic: the bytes of a record that could not be delivered, and behind its own headers those of the error.</summary>
internal static class DeadLetterQueue
{
    /// <summary>A dead letter topic has one partition, as Kafka makes it.</summary>
    public static TopicSpec Spec(string topic) => new(topic, 1, new Dictionary<string, string>());

    /// <summary>A record of a source as bytes. What the converters refuse is written as text, so that nothing keeps a record out of the queue.</summary>
    public static DeadLetter Serialize(SourceRecord record, ConverterSet converters, long timestamp)
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

        return new DeadLetter(key, value, headers.ToArray(), record.Headers.Count, timestamp);
    }

    /// <summary>
    /// The record as the topic takes it: the headers of the error behind its own, and a time that the topic refuses replaced by now. What was too large for its topic is often too large for this one and must not stop the rest:
    /// then its value is left out, and <see cref="RecordError.DroppedHeader"/> tells how large it was.
    /// </summary>
    /// <exception cref="BrokerException">The topic takes it in no form.</exception>
    public static DeadLetter Fit(IBroker broker, string topic, in TopicIntake intake, DeadLetter letter, RecordError error, bool context, long now)
    {
        if (intake.KeyRequired && letter.Key is null)
            throw new BrokerException(ErrorCode.InvalidRecord, "It is compacted (cleanup.policy), so every record needs a key; this one has none.") { Subject = "key" };
        var timestamp = TakesTimestamp(intake, letter.Timestamp, now) ? letter.Timestamp : now;
        var room = Room(intake, letter);
        var (headers, count) = error.EncodeHeaders(context, null, room);
        var whole = letter with { Headers = [.. letter.Headers, .. headers], HeaderCount = letter.HeaderCount + count, Timestamp = timestamp };
        if (headers.Length <= room || (intake.Compressed && FitsCompressed(broker, topic, intake, whole)))
            return whole;

        var cut = letter with { Value = null, Timestamp = timestamp };
        room = Room(intake, cut);
        (headers, count) = error.EncodeHeaders(context, letter.Value?.Length ?? 0, room);
        if (letter.Value is null || headers.Length > room)
        {
            throw new BrokerException(
                ErrorCode.MessageTooLarge, $"Even without its value the record has {intake.MaxMessageBytes - room + headers.Length} bytes, and the topic takes {intake.MaxMessageBytes} (max.message.bytes). Raise that.");
        }

        return cut with { Headers = [.. letter.Headers, .. headers], HeaderCount = letter.HeaderCount + count };
    }

    /// <summary>Whether the topic takes a batch of this record alone. It compresses, so only trying tells.</summary>
    public static bool FitsCompressed(IBroker broker, string topic, in TopicIntake intake, DeadLetter letter)
    {
        if (!Enum.TryParse<CompressionCodec>(broker.DescribeTopic(topic).Configs.GetValueOrDefault("compression.type"), ignoreCase: true, out var codec))
            return false;
        using var batch = letter.Build(codec);
        return batch.Length <= intake.MaxMessageBytes;
    }

    /// <summary>Whether a record may have this time; none given (-1) it may.</summary>
    public static bool TakesTimestamp(in TopicIntake intake, long timestamp, long now) =>
        timestamp == -1
        || !((timestamp > now && unchecked((ulong)(timestamp - now)) > (ulong)intake.TimestampAfterMaxMs)
            || (timestamp < now && unchecked((ulong)(now - timestamp)) > (ulong)intake.TimestampBeforeMaxMs));

    /// <summary>The error of a task whose dead letter could not be written: it must not go on behind the record.</summary>
    public static StageException Unwritable(string topic, RecordError error, Exception cause) => new(
        Stage.KafkaProduce,
        error.Place,
        new ConnectException(
            $"The record {error.Place} failed ({error.Stage}: {error.Message}) and could not be written to the dead letter topic '{topic}': {cause.Message} Nothing behind that record is committed. Mend the topic, or name another in "
            + $"{Configs.ConnectorConfig.DlqTopic}, and restart the task: it begins with that record.",
            cause),
        StageException.SendFailed);

    /// <summary>Bytes that a batch of this record alone has left for headers of the error.</summary>
    private static int Room(in TopicIntake intake, DeadLetter letter) => intake.MaxMessageBytes - RecordBatchHeader.Size - Tasks.SourceUnit.MostBytes(letter.Key, letter.Value, letter.Headers);

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

/// <summary>A record for a dead letter topic, as bytes of its own.</summary>
internal sealed record DeadLetter(byte[]? Key, byte[]? Value, byte[] Headers, int HeaderCount, long Timestamp)
{
    public int Bytes => (Key?.Length ?? 0) + (Value?.Length ?? 0) + Headers.Length;

    public static DeadLetter Of(EncodedBatch batch, int index)
    {
        var raw = new RawRecord(batch.Record(index).Span);
        return new DeadLetter(raw.KeyIsNull ? null : raw.Key.ToArray(), raw.ValueIsNull ? null : raw.Value.ToArray(), raw.EncodedHeaders.ToArray(), raw.HeaderCount, batch.Timestamps[index]);
    }

    public int PartitionOf(int partitions) => Key is null ? 0 : Partitioner.ForKey(Key, partitions);

    public BatchBuffer Build(CompressionCodec codec = CompressionCodec.None)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(Timestamp, Key is null, Key, Value is null, Value, Headers, HeaderCount);
        return builder.Build(codec);
    }
}
