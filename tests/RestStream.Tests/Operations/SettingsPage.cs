using System.Globalization;
using System.Text;
using System.Xml.Linq;
using RestStream.Settings;

namespace RestStream.Tests.Operations;

/// <summary>Makes docs/settings.md out of the options classes and their doc comments, so that the page cannot lag behind.</summary>
internal static class SettingsPage
{
    public static string Text()
    {
        var text = new StringBuilder("""
            # Settings

            Made from the options classes by a test (`UPDATE_SNAPSHOTS=1 dotnet test tests/RestStream.Tests --filter SettingsTests`). Do not edit by hand.

            A setting is given in `appsettings.json`, on the command line (`--RestStream:Limits:MaxStreams 100`) or by the environment
            (`RestStream__Limits__MaxStreams=100`); the command line wins, then the environment. A wrong or unknown setting stops the start
            with one line and exit code 2. Time spans are written `hours:minutes:seconds`. Listeners, TLS and logging are ASP.NET Core's own
            settings (`--urls`, `Kestrel:Endpoints`, `Logging`).

            | setting | default | allowed | meaning |
            |---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var setting in SettingsCheck.All)
            text.Append(CultureInfo.InvariantCulture, $"| `{setting.Path}` | {Default(setting)} | {setting.Allowed} | {Meaning(setting)} |\n");
        return text.ToString();
    }

    private static string Default(Setting setting) => setting.Default switch
    {
        null or "" or string[] or IDictionary<string, string> => "",
        bool flag => flag ? "`true`" : "`false`",
        IFormattable value => $"`{value.ToString(null, CultureInfo.InvariantCulture)}`",
        var value => $"`{value}`",
    };

    private static string Meaning(Setting setting)
    {
        var type = setting.Property.DeclaringType!;
        var comments = XDocument.Load(Path.ChangeExtension(type.Assembly.Location, ".xml"));
        var summary = comments.Descendants("member").Single(m => (string?)m.Attribute("name") == $"P:{type.FullName}.{setting.Property.Name}").Element("summary")!;
        var text = string.Concat(summary.Nodes().Select(n => n switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } see => $"`{((string?)see.Attribute("cref"))?.Split('.')[^1]}`",
            _ => n is XText words ? words.Value : "",
        }));
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Replace("|", "\\|");
    }
}
