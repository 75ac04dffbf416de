using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using RestStream.Storage.Files;

namespace RestStream.Hosting;

/// <summary>
/// Ends new connections at once while the process has few descriptors left: they would take those of files and threads, and without one for a thread the process ends. Kestrel alone would take the last one, and then ask for
/// another without pause.
/// </summary>
internal sealed class DescriptorGate(TimeProvider time, ILogger<DescriptorGate> logger)
{
    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Lock _turn = new();
    private long _warned;

    /// <summary>Keeps the pool below the number of threads that descriptors are kept for.</summary>
    public static void LimitThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out var completion);
        ThreadPool.SetMaxThreads(Math.Min(most, Math.Max(Descriptors.MaxThreads, Environment.ProcessorCount)), completion);
    }

    /// <summary>For every endpoint of Kestrel, before everything else that a connection goes through.</summary>
    public void Guard(KestrelServerOptions kestrel)
    {
        if (OperatingSystem.IsLinux())
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => IsLeft(connection) ? next(connection) : Refuse(connection)));
    }

    private static bool IsLeft(ConnectionContext connection) =>
        connection.Features.Get<IConnectionSocketFeature>() is not { Socket.SafeHandle: { IsInvalid: false } handle } || handle.DangerousGetHandle() < Descriptors.EndOfConnections;

    private Task Refuse(ConnectionContext connection)
    {
        connection.Abort();
        if (IsTimeToWarn())
        {
            logger.LogWarning("Connections are refused: {Used} files and connections are open, of the {Limit} this process may have. Raise the limit of open files (ulimit -n, LimitNOFILE=), or lower RestStream:Limits:MaxConnections.",
                Descriptors.EndOfConnections, Descriptors.Limit);
        }
        return Task.CompletedTask;
    }

    private bool IsTimeToWarn()
    {
        lock (_turn)
        {
            var now = time.GetTimestamp();
            if (_warned != 0 && time.GetElapsedTime(_warned, now) < s_betweenWarnings)
                return false;
            _warned = now;
            return true;
        }
    }
}
