using System.Buffers.Binary;

using RestStream.Storage.Files;
using RestStream.Storage.Records;

namespace RestStream.Storage.Segments;

/// <summary>
/// Reads every batch of one segment, mends what can be mended for certain, and tells what is damaged and where the segment ends.
/// The rules: what the neighbours or the journal prove is repaired in place; damage below <see cref="DurableEnd"/> is a hole, both sides stay readable;
/// the first bad batch at or above it ends the log. A log of unknown origin (<see cref="DurableEnd"/> is <see cref="long.MaxValue"/>) ends only where no good batch follows.
/// </summary>
internal sealed class SegmentScan
{
    public required IFile File { get; init; }
    public required string Name { get; init; }
    public required long BaseOffset { get; init; }

    /// <summary>Bytes to look at; grows when the journal continues a segment that lost its end.</summary>
    public required long Length { get; set; }

    /// <summary>Base offset of the segment behind this one; -1 for the last.</summary>
    public required long NextBase { get; init; }

    public required long DurableEnd { get; init; }
    public required int IndexIntervalBytes { get; init; }

    /// <summary>Offsets may be missing between batches and segments.</summary>
    public required bool Compacted { get; init; }

    public Func<long, byte[]?>? JournalBatchAt { get; init; }
    public ProducerStates? Producers { get; init; }

    public SegmentIndexes Indexes { get; } = new();
    public List<AbortedTransaction> Aborted { get; } = [];
    public List<DamagedRange> Damage { get; } = [];
    public List<SegmentHole> Holes { get; } = [];
    public List<(int Epoch, long StartOffset)> Epochs { get; } = [];
    public long FirstBatchTimestamp { get; private set; } = -1;
    public int Repaired { get; private set; }

    /// <summary>The log ends in this segment; what lies behind <see cref="EndPosition"/> here, and all later segments, is not part of it.</summary>
    public bool EndsLog { get; private set; }

    /// <summary>The bytes up to the end of the file cannot be read, though they were durable: the log goes on in a new segment.</summary>
    public bool EndsInDamage { get; private set; }

    public long EndPosition { get; private set; }

    /// <summary>Next offset behind the last batch, or behind the damage at the end.</summary>
    public long EndOffset { get; private set; }

    // A copy that does not fit either must not be tried for ever.
    private long _mendedFromJournalAt = -1;

    private bool IsLast => NextBase < 0;
    private long OffsetBound => IsLast ? long.MaxValue : NextBase;

    public void Run()
    {
        using var scanner = new BatchScanner(File, Length);
        EndOffset = BaseOffset;
        while (!EndsLog && !EndsInDamage)
        {
            if (EndPosition >= Length)
            {
                if (!ContinueFromJournal(scanner))
                    break;
            }
            else if (!scanner.IsGood(EndPosition, out var header, out var problem))
            {
                HandleBad(scanner, problem);
            }
            else if (!OffsetsFit(scanner, header, out var mended))
            {
                HandleBad(scanner, $"base offset {header.BaseOffset} where {EndOffset} is due");
            }
            else if (!mended)
            {
                Accept(scanner, header);
            }
        }
        if (!EndsLog && EndOffset < NextBase)
            EndBelowNextSegment();
    }

    private void Accept(BatchScanner scanner, in RecordBatchHeader header)
    {
        if (EndPosition == 0)
            FirstBatchTimestamp = header.MaxTimestamp;
        Indexes.Add(header, BaseOffset, EndPosition, IndexIntervalBytes);
        if (header.HasProducer && Producers?.Update(header, header.IsControl ? scanner.Bytes(EndPosition, header) : default) is { } aborted)
            Aborted.Add(aborted);
        SeeEpoch(header);
        EndPosition += header.TotalBytes;
        EndOffset = header.NextOffset;
    }

    /// <summary>An epoch counts only while no later batch has a smaller one: the field is outside the checksum and may be hit.</summary>
    private void SeeEpoch(in RecordBatchHeader header)
    {
        while (Epochs.Count > 0 && Epochs[^1].Epoch > header.PartitionLeaderEpoch)
            Epochs.RemoveAt(Epochs.Count - 1);
        if (header.PartitionLeaderEpoch >= 0 && (Epochs.Count == 0 || Epochs[^1].Epoch < header.PartitionLeaderEpoch))
            Epochs.Add((header.PartitionLeaderEpoch, header.BaseOffset));
    }

    /// <summary>
    /// Judges magic and base offset, which no checksum covers, of a batch whose checksum is right. True when the batch can stay or was <paramref name="mended"/>
    /// (then it is read again).
    /// </summary>
    private bool OffsetsFit(BatchScanner scanner, in RecordBatchHeader header, out bool mended)
    {
        mended = false;
        if (header.Magic != RecordBatchHeader.CurrentMagic)
        {
            Mend(scanner, [(byte)RecordBatchHeader.CurrentMagic], EndPosition + 16);
            mended = true;
            return true;
        }
        if (header.BaseOffset == EndOffset && header.NextOffset <= OffsetBound)
            return true;

        var next = OffsetBehind(scanner, header);
        if (header.BaseOffset > EndOffset && IsLegalGap(header, next))
            return true;
        // The position in the chain proves the base offset: without gaps it can only be the one that is due.
        var due = EndOffset + header.LastOffsetDelta + 1;
        if (header.BaseOffset == EndOffset || !(next >= 0 ? due == next : IsLast || !Compacted))
            return false;
        Span<byte> baseOffset = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(baseOffset, EndOffset);
        Mend(scanner, baseOffset, EndPosition);
        mended = true;
        return true;
    }

    private bool IsLegalGap(in RecordBatchHeader header, long next)
    {
        // The segment that is written to is never compacted, so a gap there must at least agree with the batch behind it.
        if (next >= 0)
            return IsLast ? header.NextOffset == next : header.NextOffset <= next;
        return !IsLast && header.NextOffset <= OffsetBound;
    }

    /// <summary>Base offset of what follows the batch: the next good batch, the next segment, the durable end; -1 when unknown.</summary>
    private long OffsetBehind(BatchScanner scanner, in RecordBatchHeader header)
    {
        var behind = EndPosition + header.TotalBytes;
        if (behind < Length)
            return scanner.IsGood(behind, out var next, out _) ? next.BaseOffset : -1;
        if (!IsLast)
            return NextBase;
        return DurableEnd != long.MaxValue && DurableEnd > EndOffset ? DurableEnd : -1;
    }

    private void HandleBad(BatchScanner scanner, string problem)
    {
        if (_mendedFromJournalAt != EndPosition && JournalBatchAt?.Invoke(EndOffset) is { } copy)
        {
            _mendedFromJournalAt = EndPosition;
            if (IsLast && EndPosition + copy.Length > Length)
            {
                // A torn end that the journal continues: cut here, the caller appends.
                EndsLog = true;
                return;
            }
            Mend(scanner, copy, EndPosition);
            return;
        }
        if (EndOffset >= DurableEnd)
        {
            EndsLog = true;
            return;
        }
        var next = scanner.FindNext(EndPosition + 1, EndOffset, OffsetBound);
        if (scanner.IsGoodUntil(EndPosition, next >= 0 ? next : Length))
        {
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, (int)((next >= 0 ? next : Length) - EndPosition - RecordBatchHeader.LogOverhead));
            Mend(scanner, length, EndPosition + 8);
            return;
        }
        if (next >= 0)
        {
            scanner.IsGood(next, out var header, out _);
            AddHole(next, header.BaseOffset, problem);
            return;
        }
        if (IsLast && DurableEnd == long.MaxValue)
        {
            EndsLog = true;
            return;
        }
        AddHole(Length, IsLast ? DurableEnd : NextBase, problem);
        EndsInDamage = true;
    }

    private void AddHole(long toPosition, long toOffset, string problem)
    {
        Holes.Add(new(EndPosition, toPosition));
        if (toOffset > EndOffset)
            Damage.Add(new(EndOffset, toOffset, Name, EndPosition, problem));
        EndPosition = toPosition;
        EndOffset = toOffset;
    }

    /// <summary>At the end of a closed segment that stops short of the next one, the journal may have what is missing.</summary>
    private bool ContinueFromJournal(BatchScanner scanner)
    {
        if (IsLast || EndOffset >= NextBase || _mendedFromJournalAt == EndPosition || JournalBatchAt?.Invoke(EndOffset) is not { } copy)
            return false;
        _mendedFromJournalAt = EndPosition;
        Mend(scanner, copy, EndPosition);
        return true;
    }

    private void EndBelowNextSegment()
    {
        if (Compacted || DurableEnd == long.MaxValue)
            return;
        if (EndOffset >= DurableEnd)
        {
            EndsLog = true;
            return;
        }
        Damage.Add(new(EndOffset, NextBase, Name, EndPosition, "the batches up to the next segment are missing"));
        EndOffset = NextBase;
    }

    private void Mend(BatchScanner scanner, ReadOnlySpan<byte> bytes, long position)
    {
        File.Write(bytes, position);
        Length = Math.Max(Length, position + bytes.Length);
        scanner.End = Length;
        scanner.Forget();
        Repaired++;
    }
}
