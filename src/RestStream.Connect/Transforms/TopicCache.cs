namespace RestStream.Connect.Transforms;

/// <summary>
/// What follows from a topic's name, worked out once. Records have few topics, regular expressions take long. When names are without end (a router before made them of values), it starts anew.
/// </summary>
internal sealed class TopicCache<T>(Func<string, T> make)
{
    /// <summary>More than the topics of a connector, and less than a megabyte.</summary>
    private const int Capacity = 1_000;

    private readonly Dictionary<string, T> _made = [];

    public T this[string topic]
    {
        get
        {
            if (_made.TryGetValue(topic, out var made))
                return made;
            made = make(topic);
            if (_made.Count == Capacity)
                _made.Clear();
            _made.Add(topic, made);
            return made;
        }
    }
}
