using System.Buffers.Binary;
using System.Text;
using RestStream.Storage.Records;

namespace RestStream.Storage.Verification;

/// <summary>Prints what is in a file of the log, in the words of Kafka's dump-log.</summary>
public static class SegmentDump
{
    // Above what any topic can be set to accept, below what hurts this process.
    private const int MaxDecompressedBytes = 256 * 1024 * 1024;

    /// <summary>
    /// Writes one line a batch, record (with <paramref name="printData"/>) or entry, as text or as JSON objects.
    /// </summary>
    /// <exception cref="ArgumentException">The file does not exist, or is none that can be printed.</exception>
    public static void Write(string file, bool json, bool printData, TextWriter output)
    {
        if (!File.Exists(file))
            throw new ArgumentException($"'{file}' does not exist.", nameof(file));
        var suffix = Path.GetExtension(file);
        if (!LogVerifier.TryParseName(Path.GetFileName(file), suffix, out var baseOffset))
            throw new ArgumentException($"'{file}' is not named after an offset in 20 digits.", nameof(file));

        using var jsonLine = new JsonDumpLine(output);
        DumpLine line = json ? jsonLine : new TextDumpLine(output);
        Action<string, long, DumpLine> dump = suffix switch
        {
            ".log" => (path, offset, to) => DumpLog(path, offset, printData, to),
            ".index" => DumpOffsetIndex,
            ".timeindex" => DumpTimeIndex,
            ".txnindex" => DumpTransactions,
            ".snapshot" => DumpSnapshot,
            _ => throw new ArgumentException($"'{file}' cannot be printed; .log, .index, .timeindex, .txnindex and .snapshot can.", nameof(file)),
        };
        line.Heading($"Dumping {file}");
        line.End();
        dump(file, baseOffset, line);
    }

    private static void DumpLog(string file, long baseOffset, bool printData, DumpLine line)
    {
        line.Heading($"Log starting offset: {baseOffset}");
        line.End();
        using var log = new LogFileReader(file);
        for (long position = 0; position < log.Length;)
        {
            if (!log.TryReadFrame(position, out var header))
            {
                var next = log.FindBatch(position + 1, minOffset: 0);
                line.Note(next < 0
                    ? $"Found {log.Length - position} invalid bytes at the end of {Path.GetFileName(file)}"
                    : $"Found {next - position} bytes at position {position} of {Path.GetFileName(file)} that are no batch");
                line.End();
                position = next < 0 ? log.Length : next;
                continue;
            }
            var isValid = log.IsCrcValid(position, header);
            WriteBatch(position, header, isValid, line);
            if (printData)
                WriteRecords(log.Get(position, (int)header.TotalBytes), header, line);
            position += header.TotalBytes;
        }
    }

    private static void WriteBatch(long position, RecordBatchHeader header, bool isValid, DumpLine line)
    {
        line.Number("baseOffset", header.BaseOffset);
        line.Number("lastOffset", header.LastOffset);
        line.Number("count", header.RecordsCount);
        line.Number("baseSequence", header.BaseSequence);
        line.Number("lastSequence", Sequence(header.BaseSequence, header.LastOffsetDelta));
        line.Number("producerId", header.ProducerId);
        line.Number("producerEpoch", header.ProducerEpoch);
        line.Number("partitionLeaderEpoch", header.PartitionLeaderEpoch);
        line.Flag("isTransactional", header.IsTransactional);
        line.Flag("isControl", header.IsControl);
        line.Optional("deleteHorizonMs", header.HasDeleteHorizon ? header.BaseTimestamp : null);
        line.Number("position", position);
        line.Number(header.TimestampType.ToString(), header.MaxTimestamp);
        line.Number("size", header.TotalBytes);
        line.Number("magic", header.Magic);
        line.Text("compresscodec", header.Codec.ToString().ToLowerInvariant());
        line.Number("crc", header.Crc);
        line.Flag("isvalid", isValid);
        line.End();
    }

    private static void WriteRecords(ReadOnlySpan<byte> batch, RecordBatchHeader header, DumpLine line)
    {
        try
        {
            using var reader = new RecordReader(batch, MaxDecompressedBytes);
            while (reader.MoveNext())
            {
                WriteRecord(reader.Current, header, line);
                line.End();
            }
        }
        catch (Exception e) when (e is CorruptBatchException or NotSupportedException)
        {
            line.Indent();
            line.Note(e.Message);
            line.End();
        }
    }

    private static void WriteRecord(RecordView record, RecordBatchHeader header, DumpLine line)
    {
        line.Indent();
        line.Number("offset", record.Offset);
        line.Number(header.TimestampType.ToString(), record.Timestamp);
        line.Number("keySize", record.KeyIsNull ? -1 : record.Key.Length);
        line.Number("valueSize", record.ValueIsNull ? -1 : record.Value.Length);
        line.Number("sequence", Sequence(header.BaseSequence, (int)(record.Offset - header.BaseOffset)));
        var names = new List<string>();
        var headers = new HeaderReader(record);
        while (headers.MoveNext())
            names.Add(Encoding.UTF8.GetString(headers.Key));
        line.List("headerKeys", names);

        if (header.IsControl && EndTransactionMarker.TryRead(record, out var marker))
        {
            line.Text("endTxnMarker", marker.Commit ? "COMMIT" : "ABORT");
            line.Number("coordinatorEpoch", marker.CoordinatorEpoch);
            return;
        }
        if (!record.KeyIsNull)
            line.Bytes("key", record.Key);
        if (!record.ValueIsNull)
            line.Bytes("payload", record.Value);
    }

    private static void DumpOffsetIndex(string file, long baseOffset, DumpLine line)
    {
        foreach (var entry in Entries(file, 8, line))
        {
            line.Number("offset", baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry.Span));
            line.Number("position", BinaryPrimitives.ReadInt32BigEndian(entry.Span[4..]));
            line.End();
        }
    }

    private static void DumpTimeIndex(string file, long baseOffset, DumpLine line)
    {
        foreach (var entry in Entries(file, 12, line))
        {
            line.Number("timestamp", BinaryPrimitives.ReadInt64BigEndian(entry.Span));
            line.Number("offset", baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry.Span[8..]));
            line.End();
        }
    }

    private static void DumpTransactions(string file, long baseOffset, DumpLine line)
    {
        foreach (var entry in Entries(file, 34, line))
        {
            line.Number("version", BinaryPrimitives.ReadInt16BigEndian(entry.Span));
            line.Number("producerId", BinaryPrimitives.ReadInt64BigEndian(entry.Span[2..]));
            line.Number("firstOffset", BinaryPrimitives.ReadInt64BigEndian(entry.Span[10..]));
            line.Number("lastOffset", BinaryPrimitives.ReadInt64BigEndian(entry.Span[18..]));
            line.Number("lastStableOffset", BinaryPrimitives.ReadInt64BigEndian(entry.Span[26..]));
            line.End();
        }
    }

    private static void DumpSnapshot(string file, long endOffset, DumpLine line)
    {
        const int headerBytes = 10, entryBytes = 46;
        var problems = new List<VerifyFinding>();
        SmallFileChecks.Snapshot(file, problems);
        foreach (var problem in problems)
        {
            line.Note($"Snapshot is corrupt: {problem.Message}");
            line.End();
        }
        var bytes = LogFileReader.ReadAll(file);
        for (var at = headerBytes; at + entryBytes <= bytes.Length; at += entryBytes)
        {
            var entry = bytes.AsSpan(at, entryBytes);
            var lastSequence = BinaryPrimitives.ReadInt32BigEndian(entry[10..]);
            var lastOffset = BinaryPrimitives.ReadInt64BigEndian(entry[14..]);
            var offsetDelta = BinaryPrimitives.ReadInt32BigEndian(entry[22..]);
            var timestamp = BinaryPrimitives.ReadInt64BigEndian(entry[26..]);
            var transactionStart = BinaryPrimitives.ReadInt64BigEndian(entry[38..]);
            line.Number("producerId", BinaryPrimitives.ReadInt64BigEndian(entry));
            line.Number("producerEpoch", BinaryPrimitives.ReadInt16BigEndian(entry[8..]));
            line.Number("coordinatorEpoch", BinaryPrimitives.ReadInt32BigEndian(entry[34..]));
            line.Optional("currentTxnFirstOffset", transactionStart >= 0 ? transactionStart : null);
            line.Number("lastTimestamp", timestamp);
            if (lastOffset >= 0)
            {
                // After an end-of-transaction marker there is no last batch.
                line.Number("firstSequence", SequenceBefore(lastSequence, offsetDelta));
                line.Number("lastSequence", lastSequence);
                line.Number("lastOffset", lastOffset);
                line.Number("offsetDelta", offsetDelta);
                line.Number("timestamp", timestamp);
            }
            line.End();
        }
    }

    /// <summary>The whole entries of an index, without the zeros of a preallocated one.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Entries(string file, int entryBytes, DumpLine line)
    {
        var bytes = LogFileReader.ReadAll(file);
        var end = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        end = Math.Min((end + entryBytes - 1) / entryBytes * entryBytes, bytes.Length / entryBytes * entryBytes);
        for (var at = 0; at < end; at += entryBytes)
            yield return bytes.AsMemory(at, entryBytes);
        if (bytes.Length % entryBytes != 0)
        {
            line.Note($"Found {bytes.Length} bytes in {Path.GetFileName(file)}, which is no multiple of {entryBytes}");
            line.End();
        }
    }

    // Sequences count from 0 to 2^31-1 and begin again; -1 means that there is no producer.
    private static int Sequence(int baseSequence, int delta) => baseSequence < 0 ? -1 : (int)((baseSequence + (long)delta) & int.MaxValue);
    private static int SequenceBefore(int sequence, int delta) => (int)((sequence - (long)delta) & int.MaxValue);
}
