using RestStream.Connect.Plugins;

namespace RestStream.Connect.Converters;

/// <summary>The three converters of a task: those its configuration names, else the worker's.</summary>
internal sealed class ConverterSet(Converter key, Converter value, HeaderConverter headers) : IDisposable
{
    public Converter Key { get; } = key;
    public Converter Value { get; } = value;
    public HeaderConverter Headers { get; } = headers;

    /// <summary>A connector that names a converter gets none of the worker's settings for it, as in Kafka.</summary>
    /// <exception cref="ConnectException">A class or a setting is wrong.</exception>
    public static ConverterSet Create(PluginCatalog plugins, ConnectOptions worker, IReadOnlyDictionary<string, string> config) => throw new NotImplementedException();

    public void Dispose()
    {
        Key.Dispose();
        Value.Dispose();
        Headers.Dispose();
    }
}
