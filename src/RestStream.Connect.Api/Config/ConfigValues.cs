namespace RestStream.Connect.Config;

/// <summary>A configuration that was read by a <see cref="ConfigDef"/>. A name that it does not define is a mistake of the code that asks.</summary>
public sealed class ConfigValues
{
    private readonly IReadOnlyDictionary<string, object?> _parsed;

    /// <summary>Made by <see cref="ConfigDef.Parse"/>.</summary>
    internal ConfigValues(IReadOnlyDictionary<string, object?> parsed, IReadOnlyDictionary<string, string?> originals)
    {
        _parsed = parsed;
        Originals = originals.Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!);
    }

    /// <summary>Everything that was configured, as text: settings of others and keys under a prefix too.</summary>
    public IReadOnlyDictionary<string, string> Originals { get; }

    /// <summary>The value, parsed; null when it is null by default.</summary>
    public object? this[string name] => _parsed.TryGetValue(name, out var value) ? value : throw new ConfigException($"Unknown configuration '{name}'");

    /// <summary>A text that is there.</summary>
    /// <exception cref="ConfigException">It is null.</exception>
    public string GetString(string name) => (string?)this[name] ?? throw new ConfigException(name, null, "Value must be non-null");

    /// <summary>A text, or null.</summary>
    public string? FindString(string name) => (string?)this[name];

    /// <summary>A number.</summary>
    public int GetInt(string name) => (int)this[name]!;

    /// <summary>A number.</summary>
    public short GetShort(string name) => (short)this[name]!;

    /// <summary>A number.</summary>
    public long GetLong(string name) => (long)this[name]!;

    /// <summary>A number.</summary>
    public double GetDouble(string name) => (double)this[name]!;

    /// <summary>True or false.</summary>
    public bool GetBoolean(string name) => (bool)this[name]!;

    /// <summary>A list; empty when null.</summary>
    public IReadOnlyList<string> GetList(string name) => (IReadOnlyList<string>?)this[name] ?? [];

    /// <summary>A secret in clear, or null. Never log it.</summary>
    public string? FindSecret(string name) => ((ConfigSecret?)this[name])?.Value;

    /// <summary>A number of milliseconds (int or long) as a time.</summary>
    public TimeSpan GetMilliseconds(string name) => TimeSpan.FromMilliseconds(Convert.ToInt64(this[name], System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>What was configured under a prefix, without it.</summary>
    public IReadOnlyDictionary<string, string> WithPrefix(string prefix) =>
        Originals.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal) && e.Key.Length > prefix.Length).ToDictionary(e => e.Key[prefix.Length..], e => e.Value);
}
