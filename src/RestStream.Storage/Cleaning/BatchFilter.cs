using System.Buffers.Binary;
using RestStream.Storage.Records;

namespace RestStream.Storage.Cleaning;

/// <summary>
/// Kafka's rule of what stays of a batch. A record stays when it is the newest of its key and either has a value or is a tombstone whose horizon is not reached.
/// The last batch of each live producer and the last batch of the round stay as bare headers when they have nothing else to keep: they say where sequences and offsets have got to.
/// What stays keeps its base offset, last offset, leader epoch, producer fields, codec, offsets and timestamps; a batch that loses nothing stays byte for byte.
/// </summary>
/// <param name="offsets">The newest offset of each key of the dirty part.</param>
/// <param name="transactions">Sees the batches of the whole log in order.</param>
/// <param name="producers">The last batch of each live producer.</param>
/// <param name="roundEnd">Where what may be cleaned in this pass ends.</param>
/// <param name="nowMs">Epoch ms.</param>
/// <param name="deleteRetentionMs"><c>delete.retention.ms</c>.</param>
internal sealed class BatchFilter(
    OffsetMap offsets, TransactionFilter transactions, IReadOnlyDictionary<long, LastBatch> producers, long roundEnd, long nowMs, long deleteRetentionMs) : IDisposable
{
    // Far above what any topic can be set to take, below what hurts the process.
    public const int MaxDecompressedBytes = 256 * 1024 * 1024;

    private const short KeptAttributes = 0x38;

    private readonly RecordBatchBuilder _builder = new();
    private readonly List<bool> _stays = [];

    public long RecordsRead { get; private set; }

    public long RecordsKept { get; private set; }

    /// <summary>Appends what stays of the batch to <paramref name="destination"/>: all of it, a smaller one, a bare header, or nothing.</summary>
    /// <exception cref="CorruptBatchException">The records cannot be decoded.</exception>
    /// <exception cref="NotSupportedException">This machine lacks the codec.</exception>
    public void Filter(in RecordBatchHeader header, ReadOnlySpan<byte> batch, BatchBuffer destination)
    {
        var spent = header.IsControl ? transactions.IsSpent(header, batch) : transactions.IsAborted(header);
        var emptied = header.IsControl ? spent && header.HasDeleteHorizon && header.BaseTimestamp <= nowMs : spent;
        RecordsRead += header.RecordsCount;

        using var records = new RecordReader(batch, MaxDecompressedBytes);
        // A copy at the start, for a second walk over the same decompressed bytes.
        var again = records;
        var (kept, hasTombstone) = emptied ? (0, false) : Judge(records, header);
        RecordsKept += kept;
        if (kept == 0)
        {
            if (IsLastOfProducer(header) || header.NextOffset == roundEnd)
                AppendBareHeader(header, destination);
            return;
        }

        var setHorizon = !header.HasDeleteHorizon && (hasTombstone || (header.IsControl && spent));
        if (kept == header.RecordsCount && !setHorizon)
        {
            Append(batch, destination);
            return;
        }
        Rebuild(again, header, setHorizon ? Saturated(nowMs, deleteRetentionMs) : header.HasDeleteHorizon ? header.BaseTimestamp : null, destination);
    }

    public void Dispose() => _builder.Dispose();

    private (int Kept, bool HasTombstone) Judge(RecordReader records, in RecordBatchHeader header)
    {
        var (kept, hasTombstone) = (0, false);
        var tombstonesStay = !header.HasDeleteHorizon || nowMs < header.BaseTimestamp;
        _stays.Clear();
        while (records.MoveNext())
        {
            var record = records.Current;
            var stays = header.IsControl || Stays(record, tombstonesStay);
            _stays.Add(stays);
            if (!stays)
                continue;
            kept++;
            hasTombstone |= record.ValueIsNull;
        }
        return (kept, hasTombstone);
    }

    private bool Stays(in RecordView record, bool tombstonesStay)
    {
        if (record.Offset > offsets.LatestOffset)
            return true;
        return !record.KeyIsNull && record.Offset >= offsets.Find(record.Key) && (!record.ValueIsNull || tombstonesStay);
    }

    private bool IsLastOfProducer(in RecordBatchHeader header) =>
        header.HasProducer
        && producers.TryGetValue(header.ProducerId, out var last)
        && (last.Offset >= 0 ? header.LastOffset == last.Offset : header.IsControl && header.ProducerEpoch == last.Epoch);

    private void Rebuild(RecordReader records, in RecordBatchHeader header, long? horizonMs, BatchBuffer destination)
    {
        _builder.Reset();
        if (horizonMs is { } horizon)
            _builder.SetBaseTimestamp(horizon);
        for (var i = 0; records.MoveNext(); i++)
        {
            if (!_stays[i])
                continue;
            var record = records.Current;
            _builder.AppendAt((int)(record.Offset - header.BaseOffset), record.Timestamp, record.KeyIsNull, record.Key, record.ValueIsNull, record.Value,
                record.EncodedHeaders, record.HeaderCount);
        }
        var attributes = (short)((header.Attributes & KeptAttributes) | (horizonMs is null ? 0 : RecordBatchHeader.DeleteHorizonBit));
        using var rebuilt = _builder.BuildWith(header.Codec, header.ProducerId, header.ProducerEpoch, header.BaseSequence, attributes, header.LastOffsetDelta);
        RecordBatch.SetBaseOffset(rebuilt.Span, header.BaseOffset);
        RecordBatch.SetPartitionLeaderEpoch(rebuilt.Span, header.PartitionLeaderEpoch);
        Append(rebuilt.Span, destination);
    }

    /// <summary>The batch without records: no codec, no horizon, base timestamp -1, everything else as it was.</summary>
    private static void AppendBareHeader(in RecordBatchHeader header, BatchBuffer destination)
    {
        Span<byte> bare = stackalloc byte[RecordBatchHeader.Size];
        BinaryPrimitives.WriteInt64BigEndian(bare, header.BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(bare[8..], RecordBatchHeader.Size - RecordBatchHeader.LogOverhead);
        BinaryPrimitives.WriteInt32BigEndian(bare[12..], header.PartitionLeaderEpoch);
        bare[16] = (byte)RecordBatchHeader.CurrentMagic;
        BinaryPrimitives.WriteInt16BigEndian(bare[21..], (short)(header.Attributes & KeptAttributes));
        BinaryPrimitives.WriteInt32BigEndian(bare[23..], header.LastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(bare[27..], -1);
        BinaryPrimitives.WriteInt64BigEndian(bare[35..], header.MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(bare[43..], header.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(bare[51..], header.ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(bare[53..], header.BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(bare[57..], 0);
        RecordBatch.WriteCrc(bare);
        Append(bare, destination);
    }

    private static void Append(ReadOnlySpan<byte> bytes, BatchBuffer destination)
    {
        var at = destination.Length;
        destination.EnsureCapacity(at + bytes.Length);
        destination.Length = at + bytes.Length;
        bytes.CopyTo(destination.Span[at..]);
    }

    private static long Saturated(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}

/// <summary>Where a live producer's last batch ends; -1 when only the marker with its epoch tells of it.</summary>
internal readonly record struct LastBatch(long Offset, short Epoch);
