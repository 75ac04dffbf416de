namespace RestStream.Broker.Tests.Groups;

internal static class TestWait
{
    /// <summary>For what happens on another thread without a task to await. Fails after half a minute.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
            await Task.Delay(1, patience.Token);
    }
}
