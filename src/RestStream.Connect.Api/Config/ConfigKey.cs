namespace RestStream.Connect.Config;

/// <summary>The type of a setting, by Kafka's names.</summary>
public enum ConfigType
{
    /// <summary>true or false (<see cref="bool"/>).</summary>
    Boolean,

    /// <summary>Text; spaces around it are dropped (<see cref="string"/>).</summary>
    String,

    /// <summary>32-bit number (<see cref="int"/>).</summary>
    Int,

    /// <summary>16-bit number (<see cref="short"/>).</summary>
    Short,

    /// <summary>64-bit number (<see cref="long"/>).</summary>
    Long,

    /// <summary>Floating point number (<see cref="double"/>).</summary>
    Double,

    /// <summary>Text with commas between its elements (<c>IReadOnlyList&lt;string&gt;</c>).</summary>
    List,

    /// <summary>The name of a plugin class (<see cref="string"/>).</summary>
    Class,

    /// <summary>A secret: shown as <c>[hidden]</c> everywhere (<see cref="ConfigSecret"/>).</summary>
    Password,
}

/// <summary>How much a setting matters.</summary>
public enum Importance
{
    /// <summary>Everybody sets it.</summary>
    High,

    /// <summary>Some set it.</summary>
    Medium,

    /// <summary>Hardly anybody sets it.</summary>
    Low,
}

/// <summary>How wide its field in a form is.</summary>
public enum Width
{
    /// <summary>Not said.</summary>
    None,

    /// <summary>A few characters.</summary>
    Short,

    /// <summary>A name.</summary>
    Medium,

    /// <summary>A line.</summary>
    Long,
}

/// <summary>One setting of a connector, transform, predicate or converter.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Type">What it is.</param>
public sealed record ConfigKey(string Name, ConfigType Type)
{
    /// <summary>Whether there is a value when none is given.</summary>
    public bool HasDefault { get; init; }

    /// <summary>That value, of the CLR type of <see cref="Type"/>; null is a default too.</summary>
    public object? Default { get; init; }

    /// <summary>How much it matters.</summary>
    public Importance Importance { get; init; } = Importance.High;

    /// <summary>A sentence or two for who sets it: what it does, unit, what the default means.</summary>
    public string Documentation { get; init; } = "";

    /// <summary>The group under which forms show it; null for none.</summary>
    public string? Group { get; init; }

    /// <summary>Its place in the group; -1 without a group.</summary>
    public int OrderInGroup { get; init; } = -1;

    /// <summary>How wide its field is.</summary>
    public Width Width { get; init; } = Width.None;

    /// <summary>Its name in a form; null: the key.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Settings whose value or visibility depends on this one.</summary>
    public IReadOnlyList<string> Dependents { get; init; } = [];

    /// <summary>Further conditions; null for none.</summary>
    public ConfigValidator? Validator { get; init; }

    /// <summary>What may be chosen; null when there is nothing to choose from.</summary>
    public ConfigRecommender? Recommender { get; init; }

    /// <summary>Not shown to users (Kafka's internalConfig).</summary>
    public bool Internal { get; init; }
}

/// <summary>Choices that depend on the other settings.</summary>
public abstract class ConfigRecommender
{
    /// <summary>What may be chosen.</summary>
    public abstract IReadOnlyList<object?> ValidValues(string name, IReadOnlyDictionary<string, object?> parsed);

    /// <summary>Whether the setting counts at all, given the others.</summary>
    public virtual bool IsVisible(string name, IReadOnlyDictionary<string, object?> parsed) => true;
}

/// <summary>A secret in a configuration. Prints as <c>[hidden]</c>.</summary>
/// <param name="value">The secret.</param>
public sealed class ConfigSecret(string value) : IEquatable<ConfigSecret>
{
    /// <summary>What stands for a secret in every answer; sent back, it keeps the value that is stored.</summary>
    public const string Mask = "[hidden]";

    /// <summary>The secret. Never log it.</summary>
    public string Value { get; } = value;

    /// <inheritdoc/>
    public bool Equals(ConfigSecret? other) => other is not null && other.Value == Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ConfigSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    /// <summary><c>[hidden]</c>.</summary>
    public override string ToString() => Mask;
}

/// <summary>A value does not fit its setting; the message is the one that validation shows.</summary>
public sealed class ConfigException : ConnectException
{
    /// <summary>With a message of its own.</summary>
    public ConfigException(string message)
        : base(message)
    {
    }

    /// <summary>Kafka's frame: <c>Invalid value V for configuration K: reason</c>.</summary>
    public ConfigException(string name, object? value, string? reason = null)
        : base($"Invalid value {RestStream.Connect.Data.Values.ToText(value)} for configuration {name}{(reason is null ? "" : $": {reason}")}")
    {
    }
}
