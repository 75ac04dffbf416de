using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;
using RestStream.Storage.Records;

namespace RestStream.Storage.Commits;

/// <summary>Something the committer does in its turn: an append of one batch or of several as one, or an action that must not run beside a write.</summary>
internal abstract class CommitUnit
{
    /// <summary>Next one in the committer's stack of waiting units.</summary>
    public CommitUnit? Next;

    public abstract int Bytes { get; }

    public abstract void Fail(Exception error);
}

internal abstract class AppendUnit : CommitUnit
{
    /// <summary>Where there are several, in one log or in many, they must all be there after a crash, or none.</summary>
    public abstract int PartCount { get; }

    public abstract PartitionLog LogOf(int part);

    public abstract BatchBuffer BatchOf(int part);

    /// <summary>-1, or the offset that the (only) batch must get.</summary>
    public virtual long ExpectedOffset => -1;

    public abstract void SetOffset(int part, AppendResult result);

    /// <summary>Called before a part gets its offset, when the parts before it have theirs.</summary>
    public virtual void Seal(int part)
    {
    }

    /// <summary>Hands the results out and gives the batches back.</summary>
    public abstract void Complete();
}

/// <summary>One batch for one partition: reused, so that an append allocates nothing.</summary>
internal sealed class SingleAppend : AppendUnit, IValueTaskSource<AppendResult>
{
    private static readonly ConcurrentBag<SingleAppend> Pool = [];

    private ManualResetValueTaskSourceCore<AppendResult> _source = new() { RunContinuationsAsynchronously = true };
    private PartitionLog _log = null!;
    private BatchBuffer _batch = null!;
    private AppendResult _result;
    private long _expectedOffset;

    public override int Bytes => _batch.Length;
    public override int PartCount => 1;
    public override long ExpectedOffset => _expectedOffset;
    public ValueTask<AppendResult> Task => new(this, _source.Version);

    public static SingleAppend Rent(PartitionLog log, BatchBuffer batch, long expectedOffset)
    {
        if (!Pool.TryTake(out var unit))
            unit = new SingleAppend();
        (unit._log, unit._batch, unit._expectedOffset) = (log, batch, expectedOffset);
        return unit;
    }

    public override PartitionLog LogOf(int part) => _log;
    public override BatchBuffer BatchOf(int part) => _batch;
    public override void SetOffset(int part, AppendResult result) => _result = result;

    public override void Complete()
    {
        Release();
        _source.SetResult(_result);
    }

    public override void Fail(Exception error)
    {
        Release();
        _source.SetException(error);
    }

    private void Release()
    {
        _batch.Dispose();
        (_batch, _log) = (null!, null!);
    }

    AppendResult IValueTaskSource<AppendResult>.GetResult(short token)
    {
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            _source.Reset();
            Next = null;
            Pool.Add(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<AppendResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<AppendResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>Batches for several partitions, or several for one, all or none. With <paramref name="lastTakesResults"/> the last one takes the places of the others into its record before it is written.</summary>
internal sealed class AtomicAppend(IReadOnlyList<(PartitionLog Log, BatchBuffer Batch)> parts, bool lastTakesResults) : AppendUnit
{
    private readonly TaskCompletionSource<IReadOnlyList<AppendResult>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AppendResult[] _results = new AppendResult[parts.Count];

    public override int Bytes { get; } = parts.Sum(p => p.Batch.Length);
    public override int PartCount => parts.Count;
    public Task<IReadOnlyList<AppendResult>> Task => _done.Task;

    public override PartitionLog LogOf(int part) => parts[part].Log;
    public override BatchBuffer BatchOf(int part) => parts[part].Batch;
    public override void SetOffset(int part, AppendResult result) => _results[part] = result;

    public override void Seal(int part)
    {
        if (!lastTakesResults || part != parts.Count - 1)
            return;

        // Behind the value comes only the number of headers, 0.
        var batch = parts[part].Batch.Span;
        var places = batch[^((part * LogDirectory.ResultBytes) + 1)..^1];
        for (var i = 0; i < part; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(places[(i * LogDirectory.ResultBytes)..], _results[i].BaseOffset);
            BinaryPrimitives.WriteInt64BigEndian(places[((i * LogDirectory.ResultBytes) + 8)..], _results[i].Timestamp);
        }
        RecordBatch.WriteCrc(batch);
    }

    public override void Complete()
    {
        Release();
        _done.SetResult(_results);
    }

    public override void Fail(Exception error)
    {
        Release();
        _done.SetException(error);
    }

    private void Release()
    {
        foreach (var (_, batch) in parts)
            batch.Dispose();
    }
}

/// <summary>An action that runs on the committer thread between two groups.</summary>
internal sealed class CommitterAction(Action action) : CommitUnit
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override int Bytes => 0;
    public Task Task => _done.Task;

    public void Run()
    {
        try
        {
            action();
            _done.SetResult();
        }
        catch (Exception error)
        {
            // Whoever asked gets the failure; the committer has no use for it.
            _done.SetException(error);
        }
    }

    public override void Fail(Exception error) => _done.SetException(error);
}
