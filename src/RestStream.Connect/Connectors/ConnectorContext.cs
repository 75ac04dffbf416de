using RestStream.Connect.Config;
using RestStream.Connect.Tasks;

namespace RestStream.Connect.Connectors;

/// <summary>What a started connector sees of the worker. Once the connector is closed, what it asks for is passed over.</summary>
internal sealed class ConnectorContext(string name, ConfigValues config, WorkerServices worker, Action<ConnectorContext> reconfigure, Action<ConnectorContext, Exception> fail) : IConnectorContext
{
    public string Name { get; } = name;

    public ConfigValues Config { get; } = config;

    public TimeProvider Time => worker.Time;

    public FileRoots Files => worker.Files;

    public OutboundPolicy Network => worker.Network;

    public void RequestTaskReconfiguration() => reconfigure(this);

    public void Fail(Exception error) => fail(this, error);
}
