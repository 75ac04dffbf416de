using System.IO.Pipelines;
using RestStream.Broker;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>
/// Follows the log into one response until the client leaves, the server stops or <c>until</c> is reached. Encoded records are shared between all followers and
/// copied into the connection's own pipe; a parked stream holds this object, its fetch and nothing else.
/// A client that does not take what was sent within <see cref="LimitOptions.SlowReaderTimeout"/> is cut off: it resumes where it was.
/// </summary>
internal abstract class RecordStream(HttpContext context, RecordFeed feed, LimitOptions limits, TimeProvider clock)
{
    /// <summary>Read and flushed at a time while catching up. 64 KiB: what Kestrel buffers before a flush waits for the client.</summary>
    public const int FlushBytes = 64 * 1024;

    /// <summary>What is between a read and the writing of it, for the stream that this thread is working on. Keeps parked streams from holding lists of batches.</summary>
    [ThreadStatic]
    private static List<EncodedSlice>? t_slices;

    private readonly StreamOutput _output = new(context, limits, clock);
    private readonly long _interval = (long)(limits.Heartbeat.TotalSeconds * clock.TimestampFrequency);
    private long _lookedForPartitionsAt = clock.GetTimestamp();

    protected RecordFeed Feed { get; } = feed;
    protected PipeWriter Writer { get; } = context.Response.BodyWriter;

    /// <param name="stopping">The server stops.</param>
    public async Task RunAsync(CancellationToken stopping)
    {
        _output.AllowQuiet();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        WriteStart();
        var dirty = true;
        while (!ending.IsCancellationRequested)
        {
            var step = Step();
            if (step == StreamStep.Ended)
            {
                await _output.FlushAsync();
                return;
            }

            dirty |= step == StreamStep.Wrote;
            if (dirty)
            {
                dirty = false;
                if (!await _output.FlushAsync())
                    return;
                continue;
            }

            try
            {
                if (!await Feed.WaitAsync(limits.Heartbeat, ending.Token))
                {
                    WriteHeartbeat();
                    dirty = true;
                }
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        if (context.RequestAborted.IsCancellationRequested)
            return;
        WriteEnd("shutdown");
        await _output.FlushAsync();
    }

    /// <summary>What opens the stream, before there is any record.</summary>
    protected abstract void WriteStart();

    /// <summary>Writes records <paramref name="slice"/> and moves <see cref="RecordFeed.Next"/> over each.</summary>
    protected abstract void Write(in EncodedSlice slice);
    protected abstract void WriteHeartbeat();

    /// <summary>Tells of a gap that the stream goes on behind. False: this stream cannot; it ends.</summary>
    protected abstract bool WriteGap(Gap gap);

    /// <summary>Tells that topics were made again. False: this stream cannot; it ends.</summary>
    protected abstract bool WriteReset();
    protected abstract void WriteEnd(string reason);

    private StreamStep Step()
    {
        try
        {
            var now = clock.GetTimestamp();
            if (now - _lookedForPartitionsAt >= _interval)
            {
                _lookedForPartitionsAt = now;
                Feed.AddNewPartitions();
            }

            return WriteNext();
        }
        catch (BrokerException failure)
        {
            if (Feed.GapOf(failure) is { } gap)
            {
                Feed.Skip(gap);
                return WriteGap(gap) ? StreamStep.Wrote : StreamStep.Ended;
            }

            switch (failure.Code)
            {
                case ErrorCode.TopicRecreated:
                    return TryRestart() ? StreamStep.Wrote : StreamStep.Ended;
                case ErrorCode.UnknownTopicOrPartition:
                    WriteEnd("topic_deleted");
                    return StreamStep.Ended;
                case ErrorCode.KafkaStorageError:
                    WriteEnd("shutdown");
                    return StreamStep.Ended;
                default:
                    throw;
            }
        }
    }

    private StreamStep WriteNext()
    {
        var slices = t_slices ??= new List<EncodedSlice>();
        try
        {
            if (Feed.Read(int.MaxValue, FlushBytes, slices) > 0)
            {
                foreach (ref readonly var slice in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(slices))
                    Write(slice);
                Feed.Settle();
                return StreamStep.Wrote;
            }

            Feed.Settle();
        }
        finally
        {
            slices.Clear();
        }

        if (!Feed.Done)
            return StreamStep.Nothing;
        WriteEnd("until");
        return StreamStep.Ended;
    }

    private bool TryRestart()
    {
        try
        {
            Feed.Restart();
        }
        catch (BrokerException gone) when (gone.Code is ErrorCode.UnknownTopicOrPartition)
        {
            // Deleted once more, in this moment.
            WriteEnd("topic_deleted");
            return false;
        }

        return WriteReset();
    }

    private enum StreamStep
    {
        Nothing,
        Wrote,
        Ended,
    }
}
