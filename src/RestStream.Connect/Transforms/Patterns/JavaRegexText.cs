using RestStream.Connect.Config;

namespace RestStream.Connect.Transforms.Patterns;

/// <summary>A text that is a regular expression of Java's dialect.</summary>
internal sealed class JavaRegexText : ConfigValidator
{
    public override void EnsureValid(string name, object? value)
    {
        try
        {
            JavaRegex.Parse(value as string ?? throw new FormatException("there is none"));
        }
        catch (FormatException e)
        {
            throw new ConfigException(name, value, $"Invalid regex: {e.Message}");
        }
    }

    public override string ToString() => "valid regex";
}
