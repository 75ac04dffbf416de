using System.Diagnostics;
using RestStream.Storage.Files;

namespace RestStream.Hosting;

/// <summary>
/// Keeps threads free for everybody while plugins block those of the pool (a driver without async calls, a lock, a sleep). The pool itself makes up for about two blocked threads a second, and all that time requests and other
/// connectors wait; this makes up for as many as are blocked, within a second or so. A pool that is merely busy gets no more threads: they would only take turns.
/// </summary>
/// <remarks>
/// It looks from a thread of its own, four times a second, whether a piece of work that is put into the queue of the pool is begun. Until something is blocked no thread is added; those that were added stay as the pool's
/// minimum, for what blocks once blocks again.
/// </remarks>
internal sealed class PoolWatch : IDisposable
{
    private const int Step = 16;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(250);

    private readonly ManualResetEventSlim _ended = new();
    private readonly ManualResetEventSlim _begun = new();
    private readonly int _most;
    private readonly Thread _thread;

    private PoolWatch(int most)
    {
        ThreadPool.GetMinThreads(out var now, out _);
        ThreadPool.GetMaxThreads(out var max, out _);
        _most = Math.Min(now + most, max);
        _thread = new Thread(Watch) { IsBackground = true, Name = "pool watch" };
    }

    /// <param name="most">How many threads it may add.</param>
    public static PoolWatch? Start(int most)
    {
        if (most == 0)
            return null;
        var watch = new PoolWatch(most);
        watch._thread.Start();
        return watch;
    }

    public void Dispose()
    {
        _ended.Set();
        _thread.Join();
        _ended.Dispose();

        // The other stays: a look may still be in the queue.
    }

    private void Watch()
    {
        while (!_ended.Wait(s_pause))
        {
            _begun.Reset();
            ThreadPool.UnsafeQueueUserWorkItem(static watch => watch._begun.Set(), this, preferLocal: false);
            var (from, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            while (!_begun.Wait(s_patience) && !_ended.IsSet)
            {
                // Work waits although the processor would have time for it.
                var busy = (Environment.CpuUsage.TotalTime - used) / Stopwatch.GetElapsedTime(from);
                if (busy < Environment.ProcessorCount / 2.0 && Descriptors.IsFileLeft)
                    AddThreads();
                (from, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            }
        }
    }

    private void AddThreads()
    {
        ThreadPool.GetMinThreads(out var now, out var completion);
        var wanted = Math.Min(Math.Max(now, ThreadPool.ThreadCount) + Step, _most);
        if (wanted > now)
            ThreadPool.SetMinThreads(wanted, completion);
    }
}
