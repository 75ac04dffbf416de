namespace RestStream.Connect.Tasks;

/// <summary>
/// The wish that something ends, told on two tokens: one for the waits of the worker, one for the code of a plugin. What the plugin registers on its token (it may throw, or never come back) thus holds up nobody and fails
/// nobody; what it throws is told to <paramref name="threw"/>. Neither source has a timer, so nothing has to be released. Safe on any thread.
/// </summary>
internal sealed class PluginCancellation(Action<Exception> threw)
{
    private readonly CancellationTokenSource _worker = new();
    private readonly CancellationTokenSource _plugin = new();

    /// <summary>For waits of the worker; no code of a plugin gets it.</summary>
    public CancellationToken Worker => _worker.Token;

    /// <summary>For the plugin. It is cancelled after that of the worker.</summary>
    public CancellationToken Plugin => _plugin.Token;

    public bool IsRequested => _worker.IsCancellationRequested;

    /// <summary>Cancels both; that is so when this returns.</summary>
    /// <returns>Completes when everything that waited for it, and the plugin, was told: with a plugin that blocks, never. Does not fail.</returns>
    public Task Cancel()
    {
        var worker = _worker.CancelAsync();
        return Task.WhenAll(worker, CancelPluginAsync());
    }

    private async Task CancelPluginAsync()
    {
        try
        {
            await _plugin.CancelAsync();
        }
        catch (Exception e)
        {
            // Code of strangers may throw anything.
            threw(e is AggregateException { InnerException: { } only, InnerExceptions.Count: 1 } ? only : e);
        }
    }
}
