using RestStream.Connect.Config;
using RestStream.Connect.Configs;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>The three converters of a task: those its configuration names, else the worker's.</summary>
internal sealed class ConverterSet(Converter key, Converter value, HeaderConverter headers, IReadOnlyList<string?> versions) : IDisposable
{
    private const string Version = ".plugin.version";

    private static readonly IReadOnlyDictionary<string, string> s_noSettings = new Dictionary<string, string>();

    public Converter Key { get; } = key;
    public Converter Value { get; } = value;
    public HeaderConverter Headers { get; } = headers;

    /// <summary>Of the plugins: key, value, headers.</summary>
    public IReadOnlyList<string?> Versions { get; } = versions;

    /// <summary>
    /// A connector that names a converter gets none of the worker's settings for it, and one that names none gets the worker's with the worker's settings, whatever else it configures for it;
    /// as in Kafka.
    /// </summary>
    /// <exception cref="ConnectException">A class or a setting is wrong.</exception>
    public static ConverterSet Create(PluginCatalog plugins, ConnectOptions worker, IReadOnlyDictionary<string, string> config)
    {
        var (made, versions) = (new List<IDisposable>(), new List<string?>());
        try
        {
            var key = Make<Converter>(
                ConnectorConfig.KeyConverter, PluginKind.Converter, ConverterConfig.Key, worker.KeyConverter, worker.KeyConverterConfig, (c, s) => c.Configure(c.Config.Parse(s), isKey: true));
            var value = Make<Converter>(
                ConnectorConfig.ValueConverter, PluginKind.Converter, ConverterConfig.Value, worker.ValueConverter, worker.ValueConverterConfig, (c, s) => c.Configure(c.Config.Parse(s), isKey: false));
            var headers = Make<HeaderConverter>(
                ConnectorConfig.HeaderConverter, PluginKind.HeaderConverter, ConverterConfig.Header, worker.HeaderConverter, s_noSettings, (c, s) => c.Configure(c.Config.Parse(s)));
            return new ConverterSet(key, value, headers, versions);
        }
        catch
        {
            made.ForEach(converter => converter.Dispose());
            throw;
        }

        T Make<T>(string name, PluginKind kind, string type, string workerClass, IReadOnlyDictionary<string, string> workerSettings, Action<T, IReadOnlyDictionary<string, string?>> configure)
            where T : class, IDisposable
        {
            var own = config.GetValueOrDefault(name);
            var settings = own is null ? workerSettings.ToDictionary(e => e.Key, e => (string?)e.Value) : Settings(config, name + ".");
            settings[ConverterConfig.Type] = type;
            try
            {
                var plugin = plugins.Find(own ?? workerClass, own is null ? null : config.GetValueOrDefault(name + Version), kind);
                var converter = plugins.Create<T>(plugin);
                made.Add(converter);
                versions.Add(plugin.Version);
                configure(converter, settings);
                return converter;
            }
            catch (PluginNotFoundException e)
            {
                throw new ConfigException(name, own ?? workerClass, e.Message);
            }
            catch (ConfigException e)
            {
                throw new ConfigException($"{name}: {e.Message}");
            }
        }
    }

    public void Dispose()
    {
        Key.Dispose();
        Value.Dispose();
        Headers.Dispose();
    }

    private static Dictionary<string, string?> Settings(IReadOnlyDictionary<string, string> config, string prefix) =>
        config.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(e => e.Key[prefix.Length..], e => (string?)e.Value);
}
