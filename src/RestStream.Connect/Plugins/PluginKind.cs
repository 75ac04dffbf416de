namespace RestStream.Connect.Plugins;

/// <summary>What a plugin is; Kafka's words in <c>type</c>: source, sink, converter, header_converter, transformation, predicate.</summary>
internal enum PluginKind
{
    Source,
    Sink,
    Converter,
    HeaderConverter,
    Transformation,
    Predicate,
}

/// <summary>The words and types of the kinds of plugins.</summary>
internal static class PluginKinds
{
    private static readonly (PluginKind Kind, string Word, Type Base, string JavaName)[] _all =
    [
        (PluginKind.Source, "source", typeof(SourceConnector), "Connector"),
        (PluginKind.Sink, "sink", typeof(SinkConnector), "Connector"),
        (PluginKind.Converter, "converter", typeof(Converter), "Converter"),
        (PluginKind.HeaderConverter, "header_converter", typeof(HeaderConverter), "HeaderConverter"),
        (PluginKind.Transformation, "transformation", typeof(Transform), "Transformation"),
        (PluginKind.Predicate, "predicate", typeof(Predicate), "Predicate"),
    ];

    /// <summary>The kind of a class by what it derives from; null when it is no plugin.</summary>
    public static PluginKind? Of(Type type)
    {
        foreach (var kind in _all)
        {
            if (kind.Base.IsAssignableFrom(type))
                return kind.Kind;
        }

        return null;
    }

    /// <exception cref="InvalidDataException">There is no such kind.</exception>
    public static PluginKind Parse(string word)
    {
        foreach (var kind in _all)
        {
            if (kind.Word == word)
                return kind.Kind;
        }

        throw new InvalidDataException($"{PluginManifest.FileName}: there is no kind '{word}'; there are {string.Join(", ", _all.Select(k => k.Word))}.");
    }

    /// <summary>Kafka's word: the <c>type</c> in lists.</summary>
    public static string Word(this PluginKind kind) => _all[(int)kind].Word;

    /// <summary>The name of Kafka's interface: in its messages, and the ending that a simple name may leave out.</summary>
    public static string JavaName(this PluginKind kind) => _all[(int)kind].JavaName;
}
