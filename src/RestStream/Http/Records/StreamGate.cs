using Microsoft.Extensions.Options;
using RestStream.Settings;

namespace RestStream.Http.Records;

/// <summary>Counts the open streams of all kinds against <see cref="LimitOptions.MaxStreams"/>.</summary>
internal sealed class StreamGate(IOptions<LimitOptions> limits)
{
    private int _open;

    public int Open => Volatile.Read(ref _open);

    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= limits.Value.MaxStreams)
            return true;
        Interlocked.Decrement(ref _open);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _open);
}
