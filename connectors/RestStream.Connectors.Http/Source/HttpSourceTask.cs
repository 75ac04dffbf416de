using RestStream.Connect;

namespace RestStream.Connectors.Http.Source;

/// <summary>Runs the feed that <c>mode</c> names.</summary>
internal sealed class HttpSourceTask : SourceTask
{
    private HttpFeed? _feed;

    public override async Task StartAsync(ISourceTaskContext context, CancellationToken cancellationToken)
    {
        _feed = context.Config.GetString("mode") switch
        {
            "webhook" => new HookFeed(context),
            "sse" => new EventFeed(context),
            _ => new PollFeed(context),
        };
        await _feed.StartAsync(cancellationToken);
    }

    /// <summary>Who called a hook waits for it.</summary>
    public override bool TakesCommitsWhilePolling => true;

    public override ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken) => _feed!.PollAsync(cancellationToken);

    public override Task CommittedAsync(IReadOnlyList<SourceRecord> records, CancellationToken cancellationToken)
    {
        _feed!.Committed(records);
        return Task.CompletedTask;
    }

    public override bool Refused(SourceRecord record, string reason) => _feed!.Refused(record, reason);

    public override ValueTask DisposeAsync()
    {
        _feed?.Dispose();
        return base.DisposeAsync();
    }
}

/// <summary>One way in which data comes. Called as a <see cref="SourceTask"/> is; <see cref="Committed"/> also while a poll waits.</summary>
internal abstract class HttpFeed : IDisposable
{
    public abstract Task StartAsync(CancellationToken cancellationToken);

    public abstract ValueTask<IReadOnlyList<SourceRecord>> PollAsync(CancellationToken cancellationToken);

    /// <summary>As of a <see cref="SourceTask"/>.</summary>
    public virtual bool Refused(SourceRecord record, string reason) => false;

    public virtual void Committed(IReadOnlyList<SourceRecord> records)
    {
    }

    public abstract void Dispose();
}
