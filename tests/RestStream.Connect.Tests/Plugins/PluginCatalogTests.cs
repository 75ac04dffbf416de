using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect.Plugins;

namespace RestStream.Connect.Tests.Plugins;

public sealed class PluginCatalogTests : IDisposable
{
    private readonly TempFolder _folder = new("plugins");

    public void Dispose() => _folder.Dispose();

    private PluginCatalog Open() => PluginCatalog.Open([_folder.Path], NullLogger.Instance);

    [Fact]
    public void Listing_loads_nothing_and_creating_does()
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.AcmeSinkConnector", "1.2", PluginBuilder.Sink("AcmeSink"));
        File.WriteAllText(_folder["acme/Plugin.dll"], "no assembly at all");

        var catalog = Open();

        var acme = Assert.Single(catalog.List(), plugin => plugin.Kind == PluginKind.Sink);
        Assert.Equal(("com.acme.AcmeSinkConnector", "1.2"), (acme.Class, acme.Version));
        Assert.Empty(catalog.Problems);
        Assert.Contains("cannot be loaded", Assert.Throws<ConnectException>(() => catalog.Create<SinkConnector>(acme)).Message);
    }

    [Theory]
    [InlineData("com.acme.AcmeSinkConnector")]
    [InlineData("AcmeSinkConnector")]
    [InlineData("AcmeSink")]
    public void A_plugin_is_found_by_class_simple_name_and_that_without_Connector(string name)
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.AcmeSinkConnector", "1.2", PluginBuilder.Sink("Sink"));
        var catalog = Open();

        var found = catalog.Find(name, null, PluginKind.Source, PluginKind.Sink);

        Assert.Equal("com.acme.AcmeSinkConnector", found.Class);
        Assert.Equal("Sink", catalog.Create<Connector>(found).GetType().FullName);
    }

    [Fact]
    public void An_alias_is_a_name_too()
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.AcmeSinkConnector", "1.2", PluginBuilder.Sink("Sink"));
        File.WriteAllText(_folder["acme/plugin.json"], File.ReadAllText(_folder["acme/plugin.json"]).Replace("\"kind\"", "\"aliases\":[\"io.confluent.AcmeSink\"],\"kind\"", StringComparison.Ordinal));

        Assert.Equal("com.acme.AcmeSinkConnector", Open().Find("io.confluent.AcmeSink", null).Class);
    }

    [Fact]
    public void A_name_that_nobody_has_is_refused_in_Kafkas_words_with_those_that_there_are()
    {
        PluginBuilder.WriteSink(_folder["a"], "com.acme.A", "1", PluginBuilder.Sink("A"));
        PluginBuilder.WriteSink(_folder["b"], "com.acme.B", "1", PluginBuilder.Sink("B"));
        var catalog = Open();

        var connector = Assert.Throws<PluginNotFoundException>(() => catalog.Find("Nope", null, PluginKind.Source, PluginKind.Sink));
        var converter = Assert.Throws<PluginNotFoundException>(() => catalog.Find("Nope", null, PluginKind.Converter));
        var wrongKind = Assert.Throws<PluginNotFoundException>(() => catalog.Find("com.acme.A", null, PluginKind.Transformation));

        Assert.Equal("Failed to find any class that implements Connector and which name matches Nope, available connectors are: com.acme.A, com.acme.B", connector.Message);
        Assert.Equal("Class Nope could not be found.", converter.Message);
        Assert.Equal("Class com.acme.A does not implement the Transformation interface", wrongKind.Message);
    }

    [Fact]
    public void A_simple_name_of_two_classes_is_refused()
    {
        PluginBuilder.WriteSink(_folder["a"], "com.one.Sink", "1", PluginBuilder.Sink("A"));
        PluginBuilder.WriteSink(_folder["b"], "com.two.Sink", "1", PluginBuilder.Sink("B"));

        var refused = Assert.Throws<PluginNotFoundException>(() => Open().Find("Sink", null, PluginKind.Source, PluginKind.Sink));

        Assert.Equal("More than one connector matches alias Sink. Please use full package and class name instead. Classes found: com.one.Sink, com.two.Sink", refused.Message);
    }

    [Fact]
    public void Two_versions_stand_side_by_side_each_with_its_own_version_of_a_dependency()
    {
        foreach (var version in (string[])["1.0", "2.0"])
        {
            var folder = _folder[$"acme/{version}"];
            var dependency = PluginBuilder.Compile(folder, "Dependency", $"public static class Dependency {{ public static string Version => \"{version}\"; }}");
            PluginBuilder.Compile(folder, "Acme", PluginBuilder.Sink("Acme", version: "Dependency.Version"), dependency);
            PluginBuilder.Manifest(folder, version, "Acme", ("com.acme.Acme", "sink", "Acme"));
        }

        var catalog = Open();
        var old = catalog.Create<SinkConnector>(catalog.Find("com.acme.Acme", "[1.0,2.0)"));
        var newest = catalog.Create<SinkConnector>(catalog.Find("com.acme.Acme", null));

        Assert.Equal("1.0", old.Config.Keys.Single().Name);
        Assert.Equal("2.0", newest.Config.Keys.Single().Name);
        Assert.NotSame(old.GetType().Assembly, newest.GetType().Assembly);
    }

    [Fact]
    public void A_version_that_is_not_there_is_refused_in_Kafkas_words()
    {
        PluginBuilder.WriteSink(_folder["acme/1"], "com.acme.Acme", "1.0", PluginBuilder.Sink("A"));
        PluginBuilder.WriteSink(_folder["acme/2"], "com.acme.Acme", "1.10", PluginBuilder.Sink("A"));
        var catalog = Open();

        Assert.Equal("1.10", catalog.Find("Acme", null).Version);
        Assert.Equal("1.0", catalog.Find("Acme", "1.0").Version);
        Assert.Equal(
            "Plugin com.acme.Acme not found that matches the version range [9.9,9.9], available versions: [1.0, 1.10]",
            Assert.Throws<PluginNotFoundException>(() => catalog.Find("Acme", "9.9")).Message);
    }

    [Theory]
    [InlineData("{ \"name\": \"x\"", "is no manifest")]
    [InlineData("null", "is null")]
    [InlineData("""{"name":"x","version":"1","classes":[]}""", "\"assembly\" is missing")]
    [InlineData("""{"name":"x","version":"1","assembly":"Gone.dll","classes":[]}""", "'Gone.dll' is not in the folder")]
    [InlineData("""{"name":"x","version":"1","assembly":"../good/Plugin.dll","classes":[{"kind":"sink","type":"A"}]}""", "must name a file of the folder itself")]
    [InlineData("""{"name":"x","version":"1","assembly":"Plugin.dll","classes":[]}""", "names no class")]
    [InlineData("""{"name":"x","version":"1","assembly":"Plugin.dll","classes":[{"kind":"process","type":"A"}]}""", "there is no kind 'process'")]
    [InlineData("""{"name":"x","version":"1","assembly":"Plugin.dll","minApi":"99.0","classes":[{"kind":"sink","type":"A"}]}""", "needs the connector API 99.0")]
    [InlineData("""{"name":"x","version":"1","assembly":"Plugin.dll","classes":[{"kind":"sink","type":"A"},{"kind":"sink","type":"A"}]}""", "is there twice")]
    public void A_broken_manifest_is_a_problem_of_its_folder_alone(string manifest, string problem)
    {
        PluginBuilder.WriteSink(_folder["good"], "com.acme.Good", "1", PluginBuilder.Sink("A"));
        PluginBuilder.WriteSink(_folder["broken"], "com.acme.Broken", "1", PluginBuilder.Sink("A"));
        File.WriteAllText(_folder["broken/plugin.json"], manifest);

        var catalog = Open();

        Assert.Equal("com.acme.Good", Assert.Single(catalog.List(), plugin => plugin.Kind == PluginKind.Sink).Class);
        var told = Assert.Single(catalog.Problems);
        Assert.Equal(_folder["broken"], told.Folder);
        Assert.Contains(problem, told.Message);
    }

    [Fact]
    public void A_folder_without_manifest_is_a_problem_and_a_hidden_one_is_none()
    {
        Directory.CreateDirectory(_folder["empty/1.0"]);
        Directory.CreateDirectory(_folder[".git"]);

        Assert.Equal(_folder["empty"], Assert.Single(Open().Problems).Folder);
    }

    [Fact]
    public void A_class_that_another_folder_has_in_that_version_is_passed_over_and_told()
    {
        PluginBuilder.WriteSink(_folder["a"], "com.acme.A", "1", PluginBuilder.Sink("A"));
        PluginBuilder.WriteSink(_folder["b"], "com.acme.A", "1", PluginBuilder.Sink("A"));

        var catalog = Open();

        Assert.Single(catalog.List(), plugin => plugin.Class == "com.acme.A");
        Assert.Equal(_folder["b"], Assert.Single(catalog.Problems).Folder);
    }

    [Fact]
    public void A_constructor_that_throws_and_a_dependency_that_is_missing_are_told()
    {
        PluginBuilder.WriteSink(_folder["throws"], "com.acme.Throws", "1", PluginBuilder.Sink("Throws", "throw new InvalidOperationException(\"no luck\");"));
        var dependency = PluginBuilder.Compile(_folder["elsewhere"], "Dependency", "public class Dependency { }");
        PluginBuilder.Compile(_folder["lacks"], "Lacks", PluginBuilder.Sink("Lacks", "new Dependency().ToString();"), dependency);
        PluginBuilder.Manifest(_folder["lacks"], "1", "Lacks", ("com.acme.Lacks", "sink", "Lacks"));
        Directory.Delete(_folder["elsewhere"], recursive: true);
        var catalog = Open();

        Assert.EndsWith("its constructor failed: no luck", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("Throws", null))).Message);
        Assert.Contains("'Dependency, ", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("Lacks", null))).Message);
    }

    [Fact]
    public void What_only_the_workers_program_has_is_not_there_for_a_plugin()
    {
        PluginBuilder.WriteSink(_folder["leans"], "com.acme.Leans", "1", PluginBuilder.Sink("Leans", "GC.KeepAlive(typeof(Microsoft.CodeAnalysis.SyntaxTree).Name);"));
        var catalog = Open();

        var refused = Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("Leans", null)));

        Assert.Contains("Microsoft.CodeAnalysis", refused.Message);
        Assert.Contains("is not in the plugin folder", refused.Message);
    }

    [Fact]
    public void A_copy_of_the_connector_API_in_the_folder_is_not_used()
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.Acme", "1", PluginBuilder.Sink("Acme"));
        File.Copy(typeof(Connector).Assembly.Location, _folder["acme/RestStream.Connect.Api.dll"]);
        var catalog = Open();

        Assert.IsAssignableFrom<SinkConnector>(catalog.Create<Connector>(catalog.Find("Acme", null)));
    }

    [Fact]
    public void A_manifest_that_names_a_class_of_another_kind_or_no_plugin_is_refused_when_it_is_made()
    {
        PluginBuilder.Compile(_folder["acme"], "Acme", PluginBuilder.Sink("Acme") + "public class Other { }");
        PluginBuilder.Manifest(_folder["acme"], "1", "Acme", ("A", "source", "Acme"), ("B", "sink", "Other"), ("C", "sink", "System.Diagnostics.Process"), ("D", "sink", "Gone"));
        var catalog = Open();

        Assert.Contains("is no source for this worker", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("A", null))).Message);
        Assert.Contains("is no sink for this worker", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("B", null))).Message);
        Assert.Contains("cannot be loaded", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("C", null))).Message);
        Assert.Contains("cannot be loaded", Assert.Throws<ConnectException>(() => catalog.Create<Connector>(catalog.Find("D", null))).Message);
    }

    [Theory]
    [InlineData("System.Diagnostics.Process")]
    [InlineData("System.Diagnostics.Process, System.Diagnostics.Process")]
    [InlineData("Acme, Plugin")]
    [InlineData("../good/Plugin.dll")]
    [InlineData("/etc/passwd")]
    [InlineData("RestStream.Connect.Plugins.PluginCatalog")]
    [InlineData("System.Object")]
    [InlineData("Acme[]")]
    [InlineData("`1")]
    [InlineData("\0")]
    [InlineData("Connector")]
    [InlineData("")]
    public void A_name_of_a_configuration_never_becomes_a_type_or_a_path(string name)
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.Plugin", "1", PluginBuilder.Sink("Acme"));
        var catalog = Open();

        Assert.Throws<PluginNotFoundException>(() => catalog.Find(name, null, PluginKind.Source, PluginKind.Sink));
        Assert.Throws<PluginNotFoundException>(() => catalog.Find(name, null));
        Assert.Throws<PluginNotFoundException>(() => catalog.Find("com.acme.Plugin", "../" + name));
    }

    [Fact]
    public void A_rescan_tells_what_came_and_what_runs_goes_on()
    {
        PluginBuilder.WriteSink(_folder["acme/1.0"], "com.acme.Acme", "1.0", PluginBuilder.Sink("Acme", version: "\"one\""));
        var catalog = Open();
        var running = catalog.Create<Connector>(catalog.Find("Acme", null));
        Assert.Empty(catalog.Rescan());

        PluginBuilder.WriteSink(_folder["acme/2.0"], "com.acme.Acme", "2.0", PluginBuilder.Sink("Acme", version: "\"two\""));

        Assert.Equal("2.0", Assert.Single(catalog.Rescan()).Version);
        Assert.Equal("one", running.Config.Keys.Single().Name);
        Assert.Equal("two", catalog.Create<Connector>(catalog.Find("Acme", null)).Config.Keys.Single().Name);
        Assert.Same(running.GetType(), catalog.Create<Connector>(catalog.Find("Acme", "1.0")).GetType());
    }

    [Fact]
    public void A_folder_that_was_copied_over_is_loaded_anew_after_a_rescan_and_the_old_code_goes_on()
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.Acme", "1.0", PluginBuilder.Sink("Acme", version: "\"before\""));
        var catalog = Open();
        var running = catalog.Create<Connector>(catalog.Find("Acme", null));

        // In place, as cp does it: the old file is cut and written over.
        PluginBuilder.WriteSink(_folder["new"], "com.acme.Acme", "1.0", PluginBuilder.Sink("Acme", version: "\"afterwards\""));
        File.WriteAllBytes(_folder["acme/Plugin.dll"], File.ReadAllBytes(_folder["new/Plugin.dll"]));
        Directory.Delete(_folder["new"], recursive: true);
        var came = catalog.Rescan();

        Assert.Equal("com.acme.Acme", Assert.Single(came).Class);
        Assert.Equal("afterwards", catalog.Create<Connector>(catalog.Find("Acme", null)).Config.Keys.Single().Name);
        Assert.Equal("before", running.Config.Keys.Single().Name);
        Assert.Equal([], running.TaskConfigs(1));
    }

    [Fact]
    public void A_folder_that_went_is_no_longer_listed()
    {
        PluginBuilder.WriteSink(_folder["acme"], "com.acme.Acme", "1.0", PluginBuilder.Sink("Acme"));
        var catalog = Open();
        var acme = catalog.Find("Acme", null);
        var running = catalog.Create<Connector>(acme);

        Directory.Delete(_folder["acme"], recursive: true);
        catalog.Rescan();

        Assert.Throws<PluginNotFoundException>(() => catalog.Find("Acme", null));
        Assert.Throws<PluginNotFoundException>(() => catalog.Create<Connector>(acme));
        Assert.Equal([], running.TaskConfigs(1));
    }

    [Fact]
    public async Task Many_threads_make_the_first_instances_of_a_plugin_at_once()
    {
        var dependency = PluginBuilder.Compile(_folder["acme"], "Dependency", "public class Dependency { }");
        PluginBuilder.Compile(_folder["acme"], "Acme", PluginBuilder.Sink("Acme", "new Dependency().ToString();"), dependency);
        PluginBuilder.Manifest(_folder["acme"], "1", "Acme", ("com.acme.Acme", "sink", "Acme"));
        var catalog = Open();
        var acme = catalog.Find("Acme", null);

        var made = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => catalog.Create<Connector>(acme))));

        Assert.Single(made.Select(connector => connector.GetType()).Distinct());
    }

    [Fact]
    public void A_plugin_path_that_does_not_exist_holds_no_plugins()
    {
        var catalog = PluginCatalog.Open([_folder["nowhere"]], NullLogger.Instance);

        Assert.DoesNotContain(catalog.List(), plugin => plugin.Kind is PluginKind.Source or PluginKind.Sink);
        Assert.Empty(catalog.Problems);
    }

    [Fact]
    public void What_is_built_in_has_Kafkas_version_under_Kafkas_name_and_can_be_made()
    {
        var catalog = PluginCatalog.Open([], NullLogger.Instance);

        foreach (var plugin in catalog.List())
        {
            Assert.Equal(plugin.Class.StartsWith("org.apache.kafka.", StringComparison.Ordinal) ? "4.3.1" : BuiltInPlugins.ProductVersion, plugin.Version);
            Assert.NotNull(catalog.Create<object>(plugin));
            Assert.Equal(plugin, catalog.Find(plugin.Class, plugin.Version, plugin.Kind));
        }
    }
}
