using System.Collections;
using System.Text;
using RestStream.Connect.Data;

namespace RestStream.Connectors.Http.Requests;

/// <summary>
/// Text with placeholders: <c>${topic}</c>, <c>${value.address.city}</c>. What a path names is up to the caller; members of maps and structs follow behind dots. What is not there is an empty text.
/// </summary>
internal sealed class Template
{
    private readonly List<(string Literal, string[]? Path)> _parts;

    private Template(List<(string, string[]?)> parts) => _parts = parts;

    /// <summary>Whether there is anything to fill in.</summary>
    public bool IsConstant => _parts.TrueForAll(p => p.Path is null);

    /// <summary>The first steps of all placeholders.</summary>
    public IEnumerable<string> Roots => _parts.Where(p => p.Path is not null).Select(p => p.Path![0]);

    /// <summary>All placeholders, step by step.</summary>
    public IEnumerable<IReadOnlyList<string>> Paths => _parts.Where(p => p.Path is not null).Select(p => p.Path!);

    /// <exception cref="FormatException">A placeholder does not end or is empty.</exception>
    public static Template Parse(string text)
    {
        var parts = new List<(string, string[]?)>();
        var position = 0;
        for (int start; (start = text.IndexOf("${", position, StringComparison.Ordinal)) >= 0;)
        {
            var end = text.IndexOf('}', start);
            if (end < 0)
                throw new FormatException($"The placeholder at character {start} does not end. Write ${{topic}}.");
            if (start > position)
                parts.Add((text[position..start], null));
            var path = text[(start + 2)..end].Trim().Split('.');
            if (path.Any(step => step.Length == 0))
                throw new FormatException($"The placeholder at character {start} names nothing. Write ${{topic}}.");
            parts.Add(("", path));
            position = end + 1;
        }

        if (position < text.Length || parts.Count == 0)
            parts.Add((text[position..], null));
        return new Template(parts);
    }

    /// <summary>Fills it in.</summary>
    /// <param name="root">What the first step of a path stands for.</param>
    /// <param name="escape">Applied to each text that is put in.</param>
    /// <param name="escapeJson">Whether it is applied to maps, lists and structs too, which are put in as JSON.</param>
    public string Fill(Func<string, object?> root, Func<string, string> escape, bool escapeJson = true)
    {
        if (_parts is [(var only, null)])
            return only;
        var text = new StringBuilder();
        foreach (var (literal, path) in _parts)
            text.Append(path is null ? literal : Text(Walk(root(path[0]), path.AsSpan(1)), escape, escapeJson));
        return text.ToString();
    }

    /// <summary>Whether there is nothing to put in for one of the placeholders.</summary>
    /// <param name="root">As of <see cref="Fill"/>.</param>
    public bool HasGap(Func<string, object?> root) => _parts.Exists(p => p.Path is { } path && Text(Walk(root(path[0]), path.AsSpan(1)), static text => text, escapeJson: false).Length == 0);

    /// <summary>What stands before the first of these characters, those inside of placeholders not counted.</summary>
    public Template Before(params ReadOnlySpan<char> characters)
    {
        var parts = new List<(string, string[]?)>();
        foreach (var (literal, path) in _parts)
        {
            var end = path is null ? literal.AsSpan().IndexOfAny(characters) : -1;
            parts.Add((end < 0 ? literal : literal[..end], path));
            if (end >= 0)
                break;
        }

        return new Template(parts);
    }

    /// <summary>A value inside a JSON text: escaped as between quotes.</summary>
    public static string EscapeJson(string text) => System.Text.Json.JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    private static string Text(object? value, Func<string, string> escape, bool escapeJson) => value switch
    {
        null => "",
        IDictionary or Struct or (IList and not byte[]) => escapeJson ? escape(JsonValue.ToText(value)) : JsonValue.ToText(value),
        byte[] bytes => escape(Convert.ToBase64String(bytes)),
        _ => escape(Values.ToText(value)),
    };

    private static object? Walk(object? value, ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            value = value switch
            {
                Struct s => s.Schema.Field(step) is { } field ? s[field] : null,
                IDictionary map => map.Contains(step) ? map[step] : null,
                _ => null,
            };
        }

        return value;
    }
}
