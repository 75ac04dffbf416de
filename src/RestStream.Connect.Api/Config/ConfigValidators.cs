using System.Globalization;
using RestStream.Connect.Data;

namespace RestStream.Connect.Config;

/// <content>Kafka's conditions (ConfigDef.Range, ValidString, ValidList, ..).</content>
public abstract partial class ConfigValidator
{
    private sealed class Condition(Func<object?, string?> wrong, string words) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (wrong(value) is { } reason)
                throw new ConfigException(name, value, reason);
        }

        public override string ToString() => words;
    }

    /// <summary>Bounds are kept as they were given: an integer is printed as one, and longs beyond 2^53 exactly.</summary>
    private sealed class NumberRange(object? min, object? max) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is null)
                throw new ConfigException(name, null, "Value must be non-null");
            var number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
            if (min is not null && number < Convert.ToDouble(min, CultureInfo.InvariantCulture))
                throw new ConfigException(name, value, $"Value must be at least {Values.ToText(min)}");
            if (max is not null && number > Convert.ToDouble(max, CultureInfo.InvariantCulture))
                throw new ConfigException(name, value, $"Value must be no more than {Values.ToText(max)}");
        }

        public override string ToString() => (min, max) switch
        {
            (null, null) => "[...]",
            (null, _) => $"[...,{Values.ToText(max)}]",
            (_, null) => $"[{Values.ToText(min)},...]",
            _ => $"[{Values.ToText(min)},...,{Values.ToText(max)}]",
        };
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

    private sealed class OneOfIgnoringCase(string[] words) : ConfigValidator
    {
        private readonly string[] _words = [.. words.Select(word => word.ToUpperInvariant())];

        public override void EnsureValid(string name, object? value)
        {
            if (value is not string word || !_words.Contains(word.ToUpperInvariant()))
                throw new ConfigException(name, value, "String must be one of (case insensitive): " + string.Join(", ", _words));
        }

        public override string ToString() => "(case insensitive) [" + string.Join(", ", _words) + "]";
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

    private sealed class NonEmptyPrintableText : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            // Null passes: a value that is missing has been reported as missing.
            if (value is not string text)
                return;
            if (text.Length == 0)
                throw new ConfigException(name, value, "String may not be empty");
            if (text.Any(char.IsControl))
                throw new ConfigException(name, value, "String may not contain control sequences but had the following ASCII chars: " + string.Join(", ", text.Where(char.IsControl).Select(c => (int)c)));
        }

        public override string ToString() => "non-empty string without ISO control characters";
    }

    private sealed class NotNull : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is null)
                throw new ConfigException(name, null, "entry must be non null");
        }

        public override string ToString() => "non-null string";
    }

    private sealed class NotEmptyList : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            if (value is not IReadOnlyList<string> { Count: > 0 })
                throw new ConfigException(name, value, "Empty list");
        }

        public override string ToString() => "non-empty list";
    }

    private sealed class ListOfWords(bool allowEmpty, bool allowNull, string[] words) : ConfigValidator
    {
        private readonly OneOf _words = new(words);

        internal override bool RefusesDuplicates => true;

        public override void EnsureValid(string name, object? value)
        {
            if (value is not IReadOnlyList<string> list)
            {
                if (allowNull)
                    return;
                throw new ConfigException($"Configuration '{name}' values must not be null.");
            }

            if (list.Count == 0 && !allowEmpty)
                throw new ConfigException($"Configuration '{name}' must not be empty. Valid values include: {(words.Length == 0 ? "any non-empty value" : _words)}");
            if (list.Distinct().Count() != list.Count)
                throw new ConfigException($"Configuration '{name}' values must not be duplicated.");
            foreach (var element in list)
            {
                if (element.Length == 0)
                    throw new ConfigException($"Configuration '{name}' values must not be empty.");
                if (words.Length > 0)
                    _words.EnsureValid(name, element);
            }
        }

        public override string ToString() => words.Length == 0 ? "" : _words.ToString();
    }

    private sealed class Composite(ConfigValidator[] conditions) : ConfigValidator
    {
        public override void EnsureValid(string name, object? value)
        {
            foreach (var condition in conditions)
                condition.EnsureValid(name, value);
        }

        public override string ToString() => string.Join(", ", conditions.Select(condition => condition.ToString()));
    }
}
