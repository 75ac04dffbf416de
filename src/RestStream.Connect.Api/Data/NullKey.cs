namespace RestStream.Connect.Data;

/// <summary>Stands for the key null of a map: maps of Kafka may have it, dictionaries of .NET cannot. Converters read and write it as null.</summary>
public sealed class NullKey
{
    private NullKey()
    {
    }

    /// <summary>The only one.</summary>
    public static NullKey Instance { get; } = new();

    /// <summary>The key of a map entry as a value: null for this one.</summary>
    /// <param name="key">As it stands in the map.</param>
    public static object? ToValue(object key) => key is NullKey ? null : key;

    /// <summary>The text of null.</summary>
    public override string ToString() => "null";
}
