using RestStream.Connect.Config;

namespace RestStream.TestConnectors;

/// <summary>
/// What a bad plugin does to the server, by the setting <c>harm</c>; it tells when in the journal (<c>task 0 harms</c>). Left out: an exception of an <c>async void</c> method or of a thread of its own, which ends every .NET process.
/// </summary>
internal sealed class Harm(string kind, Journal journal, int task)
{
    // Held by the instance: when the task is gone, so is this.
    private readonly List<object> _kept = [];
    private int _told;

    /// <summary>Between two polls.</summary>
    public TimeSpan Pause { get; } = kind == "collect" ? TimeSpan.FromMilliseconds(100) : Timeout.InfiniteTimeSpan;

    public static ConfigDef Keys() => Journal.Keys().Optional("harm", ConfigType.String, "none", "What goes wrong: see the class Harm.");

    public void InStart(CancellationToken cancellationToken)
    {
        if (kind == "block-in-start")
            Block();
        Register(cancellationToken);
    }

    public void InWork(CancellationToken cancellationToken)
    {
        Register(cancellationToken);
        switch (kind)
        {
            case "block-in-work":
                Block();
                break;
            case "leak-memory":
                LeakMemory();
                break;
            case "leak-threads":
                LeakThreads();
                break;
            case "collect":
                // No harm: what nobody keeps is gone at once.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                Tell();
                break;
            case "throw-everywhere":
                Tell();
                throw new InvalidOperationException("It throws in its work");
        }
    }

    public void InDispose()
    {
        if (kind == "block-in-dispose")
            Block();
        if (kind == "throw-everywhere")
            throw new InvalidOperationException("It throws in its end");
    }

    private void Register(CancellationToken cancellationToken)
    {
        if (kind is "throw-in-callback" or "throw-everywhere")
            _kept.Add(cancellationToken.Register(static () => throw new InvalidOperationException("It throws when it is cancelled")));
        if (kind == "block-in-callback")
            _kept.Add(cancellationToken.Register(Block));
        if (kind is "throw-in-callback" or "block-in-callback" or "block-in-dispose")
            Tell();
    }

    /// <summary>Takes the thread, and never gives it back.</summary>
    public static void BlockForEver()
    {
        using var never = new ManualResetEventSlim();
        never.Wait();
    }

    private void Block()
    {
        Tell();
        BlockForEver();
    }

    private void LeakMemory()
    {
        if (_kept.Count > 0)
            return;
        for (var i = 0; i < 100; i++)
        {
            var megabyte = new byte[1 << 20];
            megabyte.AsSpan().Fill(1);
            _kept.Add(megabyte);
        }

        Tell();
    }

    private void LeakThreads()
    {
        if (_kept.Count > 0)
            return;
        for (var i = 0; i < 20; i++)
        {
            // In the foreground: a process does not end by itself while such a thread runs.
            new Thread(BlockForEver, 64 * 1024).Start();
            _kept.Add(new Timer(static _ => { }, null, TimeSpan.Zero, TimeSpan.FromMilliseconds(10)));
            _ = Task.FromException(new InvalidOperationException("Nobody looks at this"));
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Tell();
    }

    private void Tell()
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
            journal.Write($"task {task} harms");
    }
}
