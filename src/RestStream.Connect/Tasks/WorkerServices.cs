using Microsoft.Extensions.Logging;
using RestStream.Broker;
using RestStream.Connect.Configs;
using RestStream.Connect.Plugins;
using RestStream.Connect.Stores;

namespace RestStream.Connect.Tasks;

/// <summary>What everything that runs in the worker shares.</summary>
internal sealed record WorkerServices(
    IBroker Broker, PluginCatalog Plugins, ConnectOptions Options, ConfigReferences References, OffsetStore Offsets, StatusStore Statuses, HookRegistry Hooks, FileRoots Files, OutboundPolicy Network, TimeProvider Time,
    ILoggerFactory Loggers);
