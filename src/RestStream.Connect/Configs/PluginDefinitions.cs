using System.Collections.Concurrent;
using RestStream.Connect.Config;
using RestStream.Connect.Converters;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Configs;

/// <summary>
/// What the plugins may be configured with. A plugin is asked once: every GET that masks a configuration needs the answer. One that does not come back is waited for once, as long as a check may take; from then on it
/// counts as one that cannot be made, until it has answered. Safe on any thread.
/// </summary>
internal sealed class PluginDefinitions(PluginCatalog plugins, ConnectOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Class, PluginKind Kind, string? Version), Lazy<Asked>> _definitions = new();

    /// <exception cref="ConnectException">The plugin cannot be loaded or made, or does not come back.</exception>
    public ConfigDef Of(PluginDescription plugin)
    {
        var key = (plugin.Class, plugin.Kind, plugin.Version);

        // On a thread of its own: it may never give that back.
        var asked = _definitions.GetOrAdd(key, _ => new Lazy<Asked>(() => new Asked(
            Task.Factory.StartNew(() => Ask(plugin), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default), time.GetTimestamp())));
        var left = options.ProbeTimeout - time.GetElapsedTime(asked.Value.Started);
        try
        {
            return asked.Value.Answer.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time).GetAwaiter().GetResult();
        }
        catch (TimeoutException) when (!asked.Value.Answer.IsFaulted)
        {
            if (asked.Value.Answer.IsCompleted)
                return asked.Value.Answer.Result;
            throw new ConnectException($"Class {plugin.Class} {plugin.Version} did not say within {options.ProbeTimeout.TotalSeconds:0.#} s what it can be configured with.");
        }
        catch (Exception e)
        {
            // It may go well the next time: a file that was missing is there.
            _definitions.TryRemove(KeyValuePair.Create(key, asked));
            if (e is ConnectException)
                throw;
            throw new ConnectException($"Class {plugin.Class} {plugin.Version} cannot say what it can be configured with: {e.GetType().Name}: {e.Message}", e);
        }
    }

    private ConfigDef Ask(PluginDescription plugin)
    {
        switch (plugin.Kind)
        {
            case PluginKind.Source or PluginKind.Sink:
                var connector = plugins.Create<Connector>(plugin);
                var definition = connector.Config;
                connector.DisposeAsync().AsTask().GetAwaiter().GetResult();
                return definition;
            case PluginKind.Converter:
                using (var converter = plugins.Create<Converter>(plugin))
                    return WithConverterType(converter.Config);
            case PluginKind.HeaderConverter:
                using (var converter = plugins.Create<HeaderConverter>(plugin))
                    return converter.Config;
            case PluginKind.Transformation:
                using (var transform = plugins.Create<Transform>(plugin))
                    return transform.Config;
            default:
                using (var predicate = plugins.Create<Predicate>(plugin))
                    return predicate.Config;
        }
    }

    /// <summary>Kafka's converters have it in their definitions; ours are told by an argument, and clients see it all the same.</summary>
    private static ConfigDef WithConverterType(ConfigDef own)
    {
        if (own.Find(ConverterConfig.Type) is not null)
            return own;
        var definition = ConverterConfig.Define();
        foreach (var key in own.Keys)
            definition.Define(key);
        return definition;
    }

    private sealed record Asked(Task<ConfigDef> Answer, long Started);
}
