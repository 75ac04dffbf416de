using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect;
using RestStream.Connect.Plugins;
using RestStream.TestKit.Processes;

namespace RestStream.Tests.Plugins;

/// <summary>The connectors of this repository, as they lie beside the program that was built.</summary>
public class BundledPluginTests
{
    private static readonly string _plugins = Path.Combine(Path.GetDirectoryName(ServerProcess.BuiltProgram)!, "plugins");
    private static readonly JsonSerializerOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Projects =>
        [.. Directory.GetFiles(Path.Combine(Locations.RepositoryRoot, "connectors"), "RestStream.Connectors.*.csproj", SearchOption.AllDirectories).Select(file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_manifest_of_a_connector_project_says_what_is_in_its_assembly(string project) =>
        Snapshot.Matches($"connectors/{project}/plugin.json", ManifestOf(project));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_plugin_folder_has_what_the_connector_needs_and_no_copy_of_the_connector_API(string project)
    {
        var files = Directory.GetFiles(Path.Combine(_plugins, project)).Select(Path.GetFileName).ToList();

        Assert.Contains(project + ".dll", files);
        Assert.Contains(project + ".deps.json", files);
        Assert.Contains("plugin.json", files);
        Assert.DoesNotContain("RestStream.Connect.Api.dll", files);
    }

    [Fact]
    public void Every_bundled_plugin_is_listed_and_can_be_made()
    {
        var catalog = PluginCatalog.Open([_plugins], NullLogger.Instance);

        var connectors = catalog.List().Where(plugin => plugin.Kind is PluginKind.Source or PluginKind.Sink).ToList();

        Assert.Empty(catalog.Problems);
        Assert.NotEmpty(connectors);
        Assert.All(connectors, plugin => Assert.NotNull(catalog.Create<Connector>(plugin).Config));
    }

    [Fact]
    public void A_connector_finds_a_dependency_that_it_needs_late_however_often_memory_was_collected()
    {
        var connector = MakeDirectorySource();

        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.NotNull(AssemblyLoadContext.GetLoadContext(connector.GetType().Assembly)!.LoadFromAssemblyName(new AssemblyName("CsvHelper")));

        // Apart, so that nothing but the connector is held.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static Connector MakeDirectorySource()
        {
            var catalog = PluginCatalog.Open([_plugins], NullLogger.Instance);
            return catalog.Create<Connector>(catalog.List().Single(plugin => plugin.Class.EndsWith("DirectorySourceConnector", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void The_host_does_not_reference_the_connectors_it_brings()
    {
        var references = XDocument.Load(Path.Combine(Locations.RepositoryRoot, "src/RestStream/RestStream.csproj")).Descendants("ProjectReference")
            .Where(reference => reference.Attribute("Include")!.Value.Contains("connectors/", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.Equal("false", reference.Attribute("ReferenceOutputAssembly")?.Value));
    }

    private static string ManifestOf(string project)
    {
        var file = Path.Combine(_plugins, project, project + ".dll");
        var classes = new PluginLoadContext(file).LoadFile(file).GetTypes().Where(type => !type.IsAbstract && PluginKinds.Of(type) is not null)
            .Select(type => (Type: type, Kind: PluginKinds.Of(type)!.Value, Plugin: type.GetCustomAttribute<PluginAttribute>()))
            .OrderBy(c => c.Kind).ThenBy(c => c.Type.FullName, StringComparer.Ordinal).ToList();

        // Clients switch features on by the version of Kafka's own connectors.
        var ofKafka = classes.TrueForAll(c => c.Plugin?.Name.StartsWith("org.apache.kafka.", StringComparison.Ordinal) == true);
        var text = new StringBuilder();
        text.Append($$"""
            {
              "name": "{{project}}",
              "version": "{{(ofKafka ? BuiltInPlugins.KafkaVersion : BuiltInPlugins.ProductVersion)}}",
              "assembly": "{{project}}.dll",
              "minApi": "{{typeof(Connector).Assembly.GetName().Version!.ToString(3)}}",
              "classes": [

            """);
        text.AppendJoin(",\n", classes.Select(c => "    " + JsonSerializer.Serialize(
            new { @class = c.Plugin?.Name ?? c.Type.FullName, kind = c.Kind.Word(), type = c.Type.FullName, aliases = c.Plugin?.Aliases ?? [] }, _json)));
        return text.Append("\n  ]\n}\n").ToString();
    }
}
