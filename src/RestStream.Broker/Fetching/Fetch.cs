using RestStream.Broker.Topics;
using RestStream.Storage;
using RestStream.Storage.Records;

namespace RestStream.Broker.Fetching;

/// <summary>
/// One reader over some partitions. A failed partition does not hide what the others have: records that were gathered before are handed out first
/// and the failure is thrown by the next read, once.
/// </summary>
internal sealed class Fetch : IFetch
{
    /// <summary>Read at a time by the reader that leads: what has just been written, small steps keep the others' wait short.</summary>
    private const int LeaderReadBytes = 64 * 1024;

    /// <summary>Read at a time by a reader that catches up.</summary>
    private const int CatchUpReadBytes = 256 * 1024;

    /// <summary>Least share of a read that one partition gets in the first round, so that many partitions do not mean many tiny disk reads.</summary>
    private const int LeastShareBytes = 16 * 1024;

    private readonly EmbeddedBroker _broker;
    private readonly TimeProvider _clock;
    private readonly BrokerInstruments _instruments;
    private readonly Partition[] _partitions;
    private readonly FetchPosition[] _positions;
    private FetchWaiter? _waiter;
    private int _start;
    private BrokerException? _deferred;
    private int _deferredIndex;
    private bool _disposed;

    public Fetch(EmbeddedBroker broker, Partition[] partitions, FetchPosition[] positions, TimeProvider clock, BrokerInstruments instruments)
    {
        _broker = broker;
        _partitions = partitions;
        _positions = positions;
        _clock = clock;
        _instruments = instruments;
    }

    public IReadOnlyList<FetchPosition> Positions => _positions;

    public long EndOffset(int index) => _partitions[index].Log.HighWatermark;

    public void Seek(int index, long offset)
    {
        _positions[index] = _positions[index] with { Offset = offset };
        if (_deferredIndex == index)
            _deferred = null;
    }

    public ValueTask<bool> WaitAsync(TimeSpan maxWait, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_deferred is not null)
            return new ValueTask<bool>(true);
        _waiter ??= new FetchWaiter(_partitions, _clock, _instruments);
        return _waiter.WaitAsync(_positions, maxWait, cancellationToken);
    }

    public int Read(RecordEncoder encoder, int maxRecords, int maxBytes, List<EncodedSlice> into)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        into.Clear();
        if (_deferred is { } deferred)
        {
            _deferred = null;
            throw deferred;
        }

        var take = new Take(encoder, Math.Max(1, maxRecords), Math.Max(1, maxBytes), into);
        _start = (_start + 1) % Math.Max(1, _partitions.Length);
        var index = 0;
        try
        {
            // First round: everyone gets a share, and what one leaves goes to those behind it. Second round: who has more may fill what is left.
            for (var n = 0; n < _partitions.Length && !take.Full; n++)
            {
                index = (_start + n) % _partitions.Length;
                var left = _partitions.Length - n;
                take.Share(records: take.RecordsLeft / left, bytes: Math.Max(LeastShareBytes, take.BytesLeft / left));
                ReadPartition(index, ref take);
            }

            if (_partitions.Length > 1)
            {
                for (var n = 0; n < _partitions.Length && !take.Full; n++)
                {
                    index = (_start + n) % _partitions.Length;
                    take.Share(take.RecordsLeft, take.BytesLeft);
                    ReadPartition(index, ref take);
                }
            }
        }
        catch (BrokerException e) when (take.Records > 0)
        {
            _deferred = e;
            _deferredIndex = index;
        }

        return take.Records;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _waiter?.Dispose();
    }

    /// <summary>Takes what the share allows from one partition and moves its position.</summary>
    private void ReadPartition(int index, ref Take take)
    {
        var partition = _partitions[index];
        var position = _positions[index].Offset;
        int recordsBefore = take.Records, bytesBefore = take.Bytes;
        try
        {
            CheckPosition(partition, position, _positions[index].TopicId);
            var tail = partition.Tail(take.Encoder);
            while (position < partition.Log.HighWatermark && take.HasShare)
            {
                if (tail.TryGet(position, out var entry))
                {
                    if (!take.From(entry, index, ref position))
                        break;
                }
                else if (!ReadLog(partition, tail, index, ref position, ref take))
                {
                    break;
                }
            }
        }
        finally
        {
            _positions[index] = _positions[index] with { Offset = position };
            if (take.Records > recordsBefore)
                partition.Counters.Out(take.Records - recordsBefore, take.Bytes - bytesBefore);
        }
    }

    private void CheckPosition(Partition partition, long position, Guid topicId)
    {
        if (partition.Deleted)
            throw _broker.TopicGone(partition.Id, topicId);
        var log = partition.Log;
        long earliest = log.LogStartOffset, latest = log.HighWatermark;
        if (position < earliest || position > latest)
            throw BrokerException.OffsetOutOfRange(partition.Id, position, earliest, latest);
    }

    /// <summary>Reads the log at a position that the tail does not have; false when the share is used up.</summary>
    private bool ReadLog(Partition partition, EncodedTail tail, int index, ref long position, ref Take take)
    {
        if (!tail.IsLeader(position))
            return ReadChunk(partition, tail, leads: false, index, ref position, ref take);

        lock (tail.EncodeLock)
        {
            // Somebody may have encoded it while this one waited for the lock; then the caller's next look finds it.
            return !tail.IsLeader(position) || ReadChunk(partition, tail, leads: true, index, ref position, ref take);
        }
    }

    private bool ReadChunk(Partition partition, EncodedTail tail, bool leads, int index, ref long position, ref Take take)
    {
        var chunkBytes = leads ? LeaderReadBytes : CatchUpReadBytes;
        using var buffer = BatchBuffer.Rent(chunkBytes);
        try
        {
            var end = partition.Log.HighWatermark;
            if (partition.Log.Read(position, chunkBytes, buffer) == 0)
            {
                // At the end, or everything up to it was compacted away: the reader has seen all there is.
                position = Math.Max(position, end);
                return false;
            }
            foreach (var batch in new BatchWalker(buffer.Span, position))
            {
                EncodedEntry entry;
                if (leads)
                    tail.Add(entry = Encode(partition, batch, take.Encoder));
                else if (!tail.TryGet(position, out entry))
                    entry = EncodePart(partition, batch, position, take);
                if (!take.From(entry, index, ref position) || !take.HasShare)
                    return false;
            }

            return true;
        }
        catch (StorageException e)
        {
            throw e.Error == StorageError.PartitionDeleted ? _broker.TopicGone(partition.Id, _positions[index].TopicId) : BrokerException.From(e, partition.Id, partition.Log);
        }
        catch (IOException e)
        {
            throw new BrokerException(ErrorCode.KafkaStorageError, $"{partition.Id} cannot be read: {e.Message}", e) { Partition = partition.Id };
        }
        catch (DamagedBatchException e)
        {
            e.Report(partition.Log);
            throw BrokerException.Damaged(partition.Id, e.Range.To, e.Range.Reason, e);
        }
    }

    private static EncodedEntry Encode(Partition partition, BatchAt batch, RecordEncoder encoder)
    {
        try
        {
            return new EncodedEntry(encoder.Encode(partition.Id, batch.Bytes), batch.From, batch.Next);
        }
        catch (CorruptBatchException e)
        {
            throw new DamagedBatchException(batch.ToDamage(e.Message), e);
        }
    }

    /// <summary>
    /// What this reader can take of a batch. It alone pays for it: with all of the batch each time, working through a large one in small steps would cost its square.
    /// </summary>
    private static EncodedEntry EncodePart(Partition partition, BatchAt batch, long position, in Take take)
    {
        try
        {
            var part = take.Encoder.EncodePart(partition.Id, batch.Bytes, position, take.ShareRecords, take.ShareBytes);
            var mayGoOn = part.Count > 0 && (part.Count >= take.ShareRecords || part.Bytes.Length >= take.ShareBytes);
            return new EncodedEntry(part, position, mayGoOn ? part.Offsets[^1] + 1 : batch.Next);
        }
        catch (CorruptBatchException e)
        {
            throw new DamagedBatchException(batch.ToDamage(e.Message), e);
        }
    }

    /// <summary>What one read has taken and may still take.</summary>
    private ref struct Take(RecordEncoder encoder, int maxRecords, int maxBytes, List<EncodedSlice> into)
    {
        private int _shareRecords;
        private int _shareBytes;

        public readonly RecordEncoder Encoder => encoder;
        public readonly int ShareRecords => _shareRecords;
        public readonly int ShareBytes => _shareBytes;
        public int Records { get; private set; }
        public int Bytes { get; private set; }
        public readonly int RecordsLeft => maxRecords - Records;
        public readonly int BytesLeft => maxBytes - Bytes;
        public readonly bool Full => RecordsLeft <= 0 || BytesLeft <= 0;
        public readonly bool HasShare => !Full && _shareRecords > 0 && _shareBytes > 0;

        public void Share(int records, int bytes)
        {
            _shareRecords = Math.Max(1, Math.Min(records, RecordsLeft));
            _shareBytes = Math.Min(bytes, BytesLeft);
        }

        /// <summary>Takes from a batch what lies at or behind the position and fits; false when something had to stay.</summary>
        public bool From(in EncodedEntry entry, int index, ref long position)
        {
            var batch = entry.Batch;
            var first = FirstAt(batch.Offsets, position);
            if (first == batch.Count)
            {
                position = entry.Next;
                return true;
            }

            var last = LastFitting(batch, first);
            if (last < first)
                return false;
            var count = last - first + 1;
            var bytes = batch.Ends[last] - batch.Start(first);
            into.Add(new EncodedSlice(index, batch, first, last));
            Records += count;
            Bytes += bytes;
            _shareRecords -= count;
            _shareBytes -= bytes;
            var whole = last == batch.Count - 1;
            position = whole ? entry.Next : batch.Offsets[last] + 1;
            return whole;
        }

        private static int FirstAt(long[] offsets, long position)
        {
            if (offsets.Length == 0 || offsets[0] >= position)
                return 0;

            // Without holes, the usual case, the distance is the index.
            var guess = position - offsets[0];
            if (guess < offsets.Length && offsets[guess] == position)
                return (int)guess;
            var found = Array.BinarySearch(offsets, position);
            return found >= 0 ? found : ~found;
        }

        /// <summary>The last record that fits into the share, or <paramref name="first"/> - 1; the very first record of a read always fits.</summary>
        private readonly int LastFitting(EncodedBatch batch, int first)
        {
            var last = (int)Math.Min(batch.Count, (long)first + _shareRecords) - 1;
            var end = (long)batch.Start(first) + _shareBytes;
            if (batch.Ends[last] > end)
            {
                var fitting = batch.Ends.AsSpan(first, last - first + 1);
                var found = fitting.BinarySearch((int)end);

                // Ends of empty records may repeat; any of them is right.
                last = first + (found >= 0 ? found : ~found - 1);
            }

            return last < first && Records == 0 ? first : last;
        }
    }
}
