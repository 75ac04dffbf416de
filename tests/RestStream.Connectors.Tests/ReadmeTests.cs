using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

using RestStream.Connect;
using RestStream.Connect.Config;
using RestStream.Connect.Data;
using RestStream.Connectors.Datagen;
using RestStream.Connectors.Files;
using RestStream.Connectors.Folders;
using RestStream.Connectors.Http.Sink;
using RestStream.Connectors.Http.Source;
using RestStream.TestKit;

namespace RestStream.Connectors.Tests;

/// <summary>The tables of settings in the READMEs are those of the code (<c>UPDATE_SNAPSHOTS=1 dotnet test</c> writes them), and the configurations in them are accepted.</summary>
public sealed partial class ReadmeTests
{
    public static TheoryData<string, string> Connectors => new()
    {
        { "RestStream.Connectors.File", nameof(FileStreamSourceConnector) },
        { "RestStream.Connectors.File", nameof(FileStreamSinkConnector) },
        { "RestStream.Connectors.Directory", nameof(DirectorySourceConnector) },
        { "RestStream.Connectors.Datagen", nameof(DatagenConnector) },
        { "RestStream.Connectors.Http", nameof(HttpSinkConnector) },
        { "RestStream.Connectors.Http", nameof(HttpSourceConnector) },
    };

    [Theory]
    [MemberData(nameof(Connectors))]
    public void The_table_of_settings_is_the_one_of_the_code(string project, string connector)
    {
        var path = Path.Combine(Locations.RepositoryRoot, "connectors", project, "README.md");
        var text = File.ReadAllText(path);
        var (begin, end) = ($"<!-- settings of {connector} -->\n", "<!-- end -->");
        var from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        Assert.True(from >= begin.Length, $"{path} has no line {begin}");
        var to = text.IndexOf(end, from, StringComparison.Ordinal);
        var table = Table(Make(connector).Config);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(path, text[..from] + table + text[to..]);
            return;
        }

        Assert.Equal(table, text[from..to]);
    }

    [Theory]
    [InlineData("RestStream.Connectors.File")]
    [InlineData("RestStream.Connectors.Directory")]
    [InlineData("RestStream.Connectors.Datagen")]
    [InlineData("RestStream.Connectors.Http")]
    public async Task The_configurations_in_it_are_accepted(string project)
    {
        var readme = File.ReadAllText(Path.Combine(Locations.RepositoryRoot, "connectors", project, "README.md"));
        using var folder = new TempFolder("readme");
        foreach (var name in (string[])["in", "done", "bad"])
            Directory.CreateDirectory(folder[name]);

        var configs = CurlBody().Matches(readme).Select(m => JsonSerializer.Deserialize<Dictionary<string, string?>>(m.Groups[1].Value)!).ToList();

        Assert.NotEmpty(configs);
        foreach (var config in configs)
        {
            var connector = Make(config["connector.class"]! + "Connector");
            var validation = new ConfigValidation(connector.Config.Parse(config), new FileRoots([folder.Path]), new OutboundPolicy([]));
            await connector.ValidateAsync(validation, default);
            Assert.Empty(validation.Errors);
            Assert.Empty(config.Keys.Except(connector.Config.Keys.Select(k => k.Name)).Except(["connector.class", "topics", "value.converter", "value.converter.schemas.enable", "tasks.max"]));
        }
    }

    private static Connector Make(string name) => name switch
    {
        nameof(FileStreamSourceConnector) => new FileStreamSourceConnector(),
        nameof(FileStreamSinkConnector) => new FileStreamSinkConnector(),
        nameof(DirectorySourceConnector) => new DirectorySourceConnector(),
        nameof(DatagenConnector) => new DatagenConnector(),
        nameof(HttpSinkConnector) => new HttpSinkConnector(),
        nameof(HttpSourceConnector) => new HttpSourceConnector(),
        _ => throw new ArgumentException(name),
    };

    private static string Table(ConfigDef definition)
    {
        var table = new StringBuilder("| key | type | default | |\n|---|---|---|---|\n");
        foreach (var key in definition.Keys.Where(k => !k.Name.StartsWith("task.", StringComparison.Ordinal)))
        {
            var standard = !key.HasDefault ? "*needed*" : key.Default switch
            {
                null => "",
                IEnumerable<string> list => $"`{string.Join(',', list)}`",
                var value => $"`{Values.ToText(value)}`",
            };
            table.Append('|').AppendJoin('|', $" `{key.Name}` ", $" {key.Type.ToString().ToLowerInvariant()} ", $" {standard} ", $" {key.Documentation.Replace("|", "\\|", StringComparison.Ordinal).Replace("<name>", "&lt;name&gt;", StringComparison.Ordinal)} ").Append("|\n");
        }

        return table.ToString();
    }

    [GeneratedRegex(@"-d '(\{.*?\})'", RegexOptions.Singleline)]
    private static partial Regex CurlBody();
}
