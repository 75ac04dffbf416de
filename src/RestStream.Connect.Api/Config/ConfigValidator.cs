namespace RestStream.Connect.Config;

/// <summary>A condition on the value of a setting. The ones that Kafka has are here, with its texts; others derive from this. A value is null when there is none, or when it could not be read.</summary>
public abstract partial class ConfigValidator
{
    /// <summary>Throws when the parsed value is refused.</summary>
    /// <exception cref="ConfigException">It is; the message says why.</exception>
    public abstract void EnsureValid(string name, object? value);

    /// <summary>The condition in words, for documentation: <c>[1,...]</c>, <c>non-empty string</c>.</summary>
    public abstract override string ToString();

    /// <summary>Whether it is a list whose elements must differ.</summary>
    internal virtual bool RefusesDuplicates => false;

    /// <summary>A number not below this.</summary>
    public static ConfigValidator AtLeast(long min) => new NumberRange(min, null);

    /// <summary>A number not below this.</summary>
    public static ConfigValidator AtLeast(double min) => new NumberRange(min, null);

    /// <summary>A number from and to these.</summary>
    public static ConfigValidator Between(long min, long max) => new NumberRange(min, max);

    /// <summary>A number from and to these.</summary>
    public static ConfigValidator Between(double min, double max) => new NumberRange(min, max);

    /// <summary>One of these words; no value at all is refused too.</summary>
    public static ConfigValidator In(params string[] words) => new OneOf(words);

    /// <summary>One of these words, in upper or lower case.</summary>
    public static ConfigValidator InIgnoringCase(params string[] words) => new OneOfIgnoringCase(words);

    /// <summary>Text with at least one character, or null.</summary>
    public static ConfigValidator NonEmpty() => new NonEmptyText();

    /// <summary>Text with at least one character and no control characters, or null: what may stand in a log line or a path.</summary>
    public static ConfigValidator NonEmptyWithoutControlCharacters() => new NonEmptyPrintableText();

    /// <summary>A value that is there.</summary>
    public static ConfigValidator NonNull() => new NotNull();

    /// <summary>A list with at least one element.</summary>
    public static ConfigValidator NonEmptyList() => new NotEmptyList();

    /// <summary>A list of different texts that are not empty.</summary>
    /// <param name="allowEmpty">Whether it may have no element.</param>
    /// <param name="allowNull">Whether it may be missing.</param>
    /// <param name="words">What elements may be; none: anything.</param>
    public static ConfigValidator ListOf(bool allowEmpty, bool allowNull, params string[] words) => new ListOfWords(allowEmpty, allowNull, words);

    /// <summary>All of these, in this order; the first that refuses speaks.</summary>
    public static ConfigValidator All(params ConfigValidator[] conditions) => new Composite(conditions);

    /// <summary>A condition of its own: answers what is wrong, or null.</summary>
    public static ConfigValidator Of(Func<object?, string?> wrong, string words) => new Condition(wrong, words);
}
