namespace RestStream.Connect.Connectors;

/// <summary>How starts of connectors, or of tasks, went since the worker began (Kafka's <c>*-startup-*</c>). Safe on any thread.</summary>
internal sealed class StartCounts
{
    private long _successes, _failures;

    public long Successes => Interlocked.Read(ref _successes);

    public long Failures => Interlocked.Read(ref _failures);

    public long Attempts => Successes + Failures;

    public double SuccessShare => Attempts is 0 ? 0 : Successes / (double)Attempts;

    public double FailureShare => Attempts is 0 ? 0 : Failures / (double)Attempts;

    public void Count(bool succeeded) => Interlocked.Increment(ref succeeded ? ref _successes : ref _failures);
}
