using System.Net.Http.Headers;
using RestStream.Connect;
using RestStream.Connect.Config;

namespace RestStream.Connectors.Http.Requests;

/// <summary>Conditions that the settings of sink and source share.</summary>
internal static class HttpConfigs
{
    /// <summary>A list of statuses.</summary>
    public static ConfigValidator Statuses { get; } = ConfigValidator.Of(
        value =>
        {
            try
            {
                _ = new StatusRanges((IReadOnlyList<string>)value!);
                return null;
            }
            catch (FormatException e)
            {
                return e.Message;
            }
        },
        "HTTP statuses and ranges: 200-299,304");

    /// <summary>An absolute URL of http or https, without a user's name in it. Templates are allowed behind the host.</summary>
    public static ConfigValidator Url { get; } = ConfigValidator.Of(value => value is string text ? WrongTemplate(text) ?? WrongUrl(text) : null, "URL of http or https");

    /// <summary>Headers as <c>Name: value</c>.</summary>
    public static ConfigValidator Headers { get; } = ConfigValidator.Of(
        value => ((IReadOnlyList<string>?)value ?? []).FirstOrDefault(h => !TryParseHeader(h, out _, out _)) is { } wrong ? $"'{wrong}' is no header. Write Name: value." : null, "headers: Name: value");

    /// <summary>A media type, or nothing.</summary>
    public static ConfigValidator ContentType { get; } = ConfigValidator.Of(
        value => value is string { Length: > 0 } text && !MediaTypeHeaderValue.TryParse(text, out _) ? $"'{text}' is no media type. Write application/json." : null, "media type: application/json");

    /// <summary>A template, as <see cref="Template"/> reads it.</summary>
    public static ConfigValidator Templates { get; } = ConfigValidator.Of(value => value is string text ? WrongTemplate(text) : null, "text with ${placeholders}");

    /// <summary>Whether the worker's network policy lets this address be reached, as far as that can be told before a name is resolved.</summary>
    public static void CheckAddress(ConfigValidation validation, string name)
    {
        if (validation.Config.FindString(name) is not { } url)
            return;
        try
        {
            var placeholder = url.IndexOf("${", StringComparison.Ordinal);
            validation.Network.ParseUrl(placeholder < 0 ? url : url[..placeholder]);
        }
        catch (FatalException e)
        {
            validation.Error(name, e.Message);
        }
    }

    public static bool TryParseHeader(string text, out string name, out string value)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        (name, value) = colon <= 0 ? ("", "") : (text[..colon].Trim(), text[(colon + 1)..].Trim());
        return name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)) && !value.AsSpan().ContainsAny('\r', '\n', '\0');
    }

    private static string? WrongTemplate(string text)
    {
        try
        {
            _ = Template.Parse(text);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static string? WrongUrl(string text)
    {
        // What a template puts in may only stand behind the host: data must not choose whom we talk to.
        var placeholder = text.IndexOf("${", StringComparison.Ordinal);
        var fixedPart = placeholder < 0 ? text : text[..placeholder];
        if (!Uri.TryCreate(fixedPart, UriKind.Absolute, out var url) || url.Host.Length == 0)
            return "It is no absolute URL.";
        if (url.Scheme is not ("http" or "https"))
            return $"Only http and https are spoken, not {url.Scheme}.";
        if (url.UserInfo.Length > 0)
            return "Put the user's name and password into the settings for authorization, not into the URL.";
        if (placeholder >= 0 && !fixedPart.AsSpan(url.Scheme.Length + 3).Contains('/'))
            return "A placeholder may stand only behind the host and a slash.";
        return null;
    }
}
