using System.Globalization;

namespace RestStream.Broker.Topics;

/// <summary>How a topic config's value is written; Kafka's ConfigDef types.</summary>
public enum TopicConfigType
{
    Boolean,
    Int,
    Long,
    Double,
    String,
    List,
}

/// <summary>
/// One topic config: Kafka's name, type and default, what values it takes, and whether this broker acts on it
/// (<paramref name="Effective"/> false: accepted and kept, so that topics can come from and go to Kafka, without effect here).
/// </summary>
/// <param name="Name">The topic's key, <c>retention.ms</c>.</param>
/// <param name="Type">How the value is written.</param>
/// <param name="Default">The value when neither the topic nor the broker sets one.</param>
/// <param name="Allowed">The values it takes, in words, for messages and documentation.</param>
/// <param name="ServerName">The broker-wide setting in Kafka's server.properties that is its default, or null.</param>
/// <param name="Effective">False when the value changes nothing here.</param>
/// <param name="Description">One sentence.</param>
public sealed record TopicConfigDefinition(
    string Name, TopicConfigType Type, string Default, string Allowed, string? ServerName, bool Effective, string Description)
{
    internal double Min { get; init; } = double.NegativeInfinity;
    internal double Max { get; init; } = double.PositiveInfinity;

    /// <summary>One value outside of <see cref="Min"/> and <see cref="Max"/> that is allowed too.</summary>
    internal long? Also { get; init; }
    internal IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Null when the value is one this config takes, else what it should have been.</summary>
    internal string? FindProblem(string value)
    {
        var text = value.Trim();
        var ok = Type switch
        {
            TopicConfigType.Boolean => text.Equals("true", StringComparison.OrdinalIgnoreCase) || text.Equals("false", StringComparison.OrdinalIgnoreCase),
            TopicConfigType.Int => TryInt(text, out var number) && InRange(number),
            TopicConfigType.Long => TryLong(text, out var number) && InRange(number),
            TopicConfigType.Double => TryDouble(text, out var number) && number >= Min && number <= Max,
            TopicConfigType.String => Values.Count == 0 || Values.Contains(text, StringComparer.Ordinal),
            _ => Values.Count == 0 || Split(text).All(part => Values.Contains(part, StringComparer.Ordinal)),
        };
        return ok ? null : $"Config '{Name}' must be {Allowed}.";
    }

    internal static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    internal static bool TryInt(string text, out int number) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    internal static bool TryLong(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    internal static bool TryDouble(string text, out double number) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);

    private bool InRange(long number) => (number >= Min && number <= Max) || number == Also;
}
