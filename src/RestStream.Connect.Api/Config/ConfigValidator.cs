namespace RestStream.Connect.Config;

/// <summary>A condition on the value of a setting. The ones that Kafka has are here; others derive from this.</summary>
public abstract class ConfigValidator
{
    /// <summary>Throws when the parsed value is refused.</summary>
    /// <exception cref="ConfigException">It is; the message says why.</exception>
    public abstract void EnsureValid(string name, object? value);

    /// <summary>The condition in words, for documentation: <c>[1,...]</c>, <c>non-empty string</c>.</summary>
    public abstract override string ToString();

    /// <summary>A number not below this.</summary>
    public static ConfigValidator AtLeast(double min) => new NumberRange(min, null);

    /// <summary>A number from and to these.</summary>
    public static ConfigValidator Between(double min, double max) => new NumberRange(min, max);

    /// <summary>One of these words.</summary>
    public static ConfigValidator In(params string[] words) => new OneOf(words);

    /// <summary>Text with at least one character.</summary>
    public static ConfigValidator NonEmpty() => new NonEmptyText();

    /// <summary>A condition of its own: answers what is wrong, or null.</summary>
    public static ConfigValidator Of(Func<object?, string?> wrong, string words) => new Condition(wrong, words);

    private sealed class Condition(Func<object?, string?> wrong, string words) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (wrong(value) is { } reason)
                throw new ConfigException(name, value, reason);
        }

        public override string ToString() => words;
    }

    private sealed class NumberRange(double? min, double? max) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is null)
                throw new ConfigException(name, null, "Value must be non-null");
            var number = Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture);
            if (number < min)
                throw new ConfigException(name, value, $"Value must be at least {min}");
            if (number > max)
                throw new ConfigException(name, value, $"Value must be no more than {max}");
        }

        public override string ToString() => $"[{(min is null ? "..." : min)},{(max is null ? "..." : max)}]";
    }

    private sealed class OneOf(string[] words) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is not string word || !words.Contains(word))
                throw new ConfigException(name, value, "String must be one of: " + string.Join(", ", words));
        }

        public override string ToString() => "[" + string.Join(", ", words) + "]";
    }

    private sealed class NonEmptyText : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is string { Length: 0 })
                throw new ConfigException(name, value, "String must be non-empty");
        }

        public override string ToString() => "non-empty string";
    }
}
