namespace RestStream.Connect.Connectors;

/// <summary>Does one thing after the other, in the order in which they came, on threads of the pool. Has no thread and no timer; idle it costs nothing.</summary>
/// <param name="failed">Told what work failed with: a defect, as work handles what can be expected.</param>
internal sealed class SerialQueue(Action<Exception> failed)
{
    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;

    /// <summary>Completes as <paramref name="work"/> does; what failed before does not matter.</summary>
    public Task RunAsync(Func<Task> work)
    {
        lock (_lock)
        {
            var run = AfterAsync(_last, work);
            _last = run;
            return run;
        }
    }

    private async Task AfterAsync(Task previous, Func<Task> work)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        try
        {
            await work();
        }
        catch (Exception e)
        {
            failed(e);
            throw;
        }
    }
}
