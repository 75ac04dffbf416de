using RestStream.Connect.Data;

namespace RestStream.Connect.Transforms;

/// <summary>
/// The schema that a transform makes of another, made once. Holds the few schemas that a topic's records have at a time; a stream of ever new ones costs their making, not memory.
/// </summary>
internal sealed class SchemaCache(Func<Schema, Schema> make)
{
    /// <summary>Kafka's number.</summary>
    private const int Capacity = 16;

    private readonly Dictionary<Schema, Schema> _made = [];
    private Schema? _lastSource;
    private Schema? _lastMade;

    public Schema this[Schema source]
    {
        get
        {
            // Records that follow each other nearly always have the very same schema.
            if (ReferenceEquals(source, _lastSource))
                return _lastMade!;
            if (!_made.TryGetValue(source, out var made))
            {
                made = make(source);
                if (_made.Count == Capacity)
                    _made.Clear();
                _made.Add(source, made);
            }
            (_lastSource, _lastMade) = (source, made);
            return made;
        }
    }
}
