using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using RestStream.Storage.Files;

namespace RestStream.Hosting;

/// <summary>
/// Kestrel's sockets, except that a new connection is ended at once while the process has few descriptors left: it would take that of a file or of a thread, and without one for a thread the process ends. Kestrel alone would
/// take the last one, and then ask for another without pause.
/// </summary>
/// <remarks>Here and not in the pipeline of a connection, which begins on another thread: while many connect at once, the next would be taken before the last is ended.</remarks>
internal sealed class DescriptorGate(SocketTransportFactory sockets, TimeProvider time, ILogger<DescriptorGate> logger) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Lock _turn = new();
    private long? _warned;

    /// <summary>Keeps the pool below the number of threads that descriptors are kept for.</summary>
    public static void LimitThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out var completion);
        ThreadPool.SetMaxThreads(Math.Min(most, Math.Max(Descriptors.MaxThreads, Environment.ProcessorCount)), completion);
    }

    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<SocketTransportFactory>();

        // Kestrel takes the last one that can bind.
        services.AddSingleton<IConnectionListenerFactory, DescriptorGate>();
    }

    public bool CanBind(EndPoint endpoint) => OperatingSystem.IsLinux() && sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new Listener(await sockets.BindAsync(endpoint, cancellationToken), this);

    private void WarnOfRefusals()
    {
        lock (_turn)
        {
            if (_warned is { } before && time.GetElapsedTime(before) < s_betweenWarnings)
                return;
            _warned = time.GetTimestamp();
        }
        logger.LogWarning("Connections are refused: {Used} files and connections are open, of the {Limit} this process may have. Raise the limit of open files (ulimit -n, LimitNOFILE=), or lower RestStream:Limits:MaxConnections.",
            Descriptors.EndOfConnections, Descriptors.Limit);
    }

    private sealed class Listener(IConnectionListener sockets, DescriptorGate gate) : IConnectionListener
    {
        public EndPoint EndPoint => sockets.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                var connection = await sockets.AcceptAsync(cancellationToken);
                if (connection is null || IsLeft(connection))
                    return connection;
                connection.Abort();
                await connection.DisposeAsync();
                gate.WarnOfRefusals();
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => sockets.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => sockets.DisposeAsync();

        private static bool IsLeft(ConnectionContext connection) =>
            connection.Features.Get<IConnectionSocketFeature>() is not { Socket.SafeHandle: { IsInvalid: false } handle } || handle.DangerousGetHandle() < Descriptors.EndOfConnections;
    }
}
