using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using RestStream.Broker;
using RestStream.Broker.Groups;
using RestStream.Connect;

namespace RestStream.Settings;

/// <summary>
/// Compares what is configured below <c>RestStream</c> with the settings that exist. The options binder would skip an unknown key and
/// throw a stack trace at a bad value; here each becomes one line with the setting, the value and what is allowed.
/// </summary>
internal static class SettingsCheck
{
    private static readonly (string Section, Type Options)[] s_sections =
    [
        (ServerOptions.Section, typeof(ServerOptions)),
        (LimitOptions.Section, typeof(LimitOptions)),
        (CompatOptions.Section, typeof(CompatOptions)),
        (BrokerOptions.Section, typeof(BrokerOptions)),
        (GroupOptions.Section, typeof(GroupOptions)),
        (GroupMemberOptions.Section, typeof(GroupMemberOptions)),
        (ConnectOptions.Section, typeof(ConnectOptions)),
        (ConnectOptions.Section, typeof(ConnectListenerOptions)),
    ];

    /// <summary>Every setting there is, section by section.</summary>
    public static IReadOnlyList<Setting> All { get; } =
        [.. s_sections.SelectMany(s => SettingsOf(s.Section, s.Options, Activator.CreateInstance(s.Options)!))];

    /// <exception cref="SettingsException">With one line per finding.</exception>
    public static void ThrowIfWrong(IConfiguration configuration)
    {
        var errors = Errors(configuration);
        if (errors.Count > 0)
            throw new SettingsException(string.Join('\n', errors));
    }

    public static IReadOnlyList<string> Errors(IConfiguration configuration)
    {
        var errors = new List<string>();
        Check(configuration.GetSection(ServerOptions.Section), errors);
        if (errors.Count > 0)
            return errors;

        // Every value by itself is right: now rules over several of them.
        foreach (var (section, type) in s_sections)
        {
            var options = Activator.CreateInstance(type)!;
            configuration.GetSection(section).Bind(options);
            if (options is IValidatableObject rules)
                errors.AddRange(rules.Validate(new ValidationContext(options)).Select(r => $"{section}:{r.ErrorMessage}"));
        }

        errors.AddRange(ConnectSettings.Errors(configuration));
        return errors;
    }

    /// <summary>A list that is written as a JSON array, or as one text with commas.</summary>
    public static string[] List(IConfiguration configuration, string path)
    {
        var section = configuration.GetSection(path);
        var one = section.Value?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        return [.. one.Concat(section.GetChildren().Select(c => c.Value).OfType<string>())];
    }

    private static void Check(IConfigurationSection section, List<string> errors)
    {
        foreach (var child in section.GetChildren())
        {
            if (All.FirstOrDefault(s => Same(s.Path, child.Path)) is { } setting)
                errors.AddRange(setting.Errors(child));
            else if (All.Any(s => s.Path.StartsWith(child.Path + ":", StringComparison.OrdinalIgnoreCase)))
                Check(child, errors);
            else
                errors.Add($"{child.Path} is not a setting.{Nearest(child.Path)}");
        }
    }

    private static string Nearest(string path)
    {
        var (nearest, distance) = All.Select(s => (s.Path, Distance(s.Path, path))).MinBy(s => s.Item2);
        return distance <= Math.Max(3, path.Length / 4) ? $" Did you mean {nearest}?" : " docs/settings.md lists them all.";
    }

    private static IEnumerable<Setting> SettingsOf(string section, Type type, object defaults)
    {
        foreach (var property in type.GetProperties().Where(p => p.CanRead))
        {
            var value = property.GetValue(defaults);
            var path = $"{section}:{property.Name}";
            if (Setting.IsPlain(property.PropertyType))
                yield return new Setting(path, property, value);
            else if (value is not null)
                foreach (var inner in SettingsOf(path, property.PropertyType, value))
                    yield return inner;
        }
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    /// <summary>Levenshtein distance, without regard to case.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1;
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + cost));
            }
        }

        return row[^1];
    }
}

/// <summary>One setting: its full path, the property behind it, and its default.</summary>
internal sealed record Setting(string Path, PropertyInfo Property, object? Default)
{
    /// <summary>What values are allowed, for people: <c>1 to 1000000</c>.</summary>
    public string Allowed => (Property.GetCustomAttribute<RangeAttribute>(), Type) switch
    {
        ({ Maximum: >= (double)long.MaxValue } range, _) => $"{range.Minimum} or more",
        ({ } range, _) => string.Create(CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}"),
        _ when Property.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed => string.Join(", ", allowed.Values),
        (null, { } t) when t == typeof(bool) => "true or false",
        (null, { IsEnum: true } t) => string.Join(", ", Enum.GetNames(t)),
        (null, { IsArray: true }) => "a list",
        (null, { } t) when IsTable(t) => "names and values",
        (null, { } t) when t == typeof(string) => "a text",
        (null, { } t) when t == typeof(TimeSpan) => "a time span",
        _ => "a number",
    };

    private Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>A value that one configuration key holds (or a list of such), as opposed to a group of settings.</summary>
    public static bool IsPlain(Type type) =>
        type == typeof(string[]) || IsTable(type) || TypeDescriptor.GetConverter(Nullable.GetUnderlyingType(type) ?? type).CanConvertFrom(typeof(string));

    public IEnumerable<string> Errors(IConfigurationSection configured)
    {
        if (Property.PropertyType.IsArray || IsTable(Property.PropertyType))
            yield break;
        object? value;
        try
        {
            value = TypeDescriptor.GetConverter(Type).ConvertFromInvariantString(configured.Value ?? "");
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            value = null;
        }

        if (value is null || Property.GetCustomAttributes<ValidationAttribute>().Any(a => !a.IsValid(value)))
            yield return $"{Path} is '{configured.Value}', but must be {Allowed}{Example}.";
    }

    private static bool IsTable(Type type) => typeof(IDictionary<string, string>).IsAssignableFrom(type);

    private string Example => Type == typeof(TimeSpan) ? " (hours:minutes:seconds)" : "";
}
