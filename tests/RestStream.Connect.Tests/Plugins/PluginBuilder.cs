using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace RestStream.Connect.Tests.Plugins;

/// <summary>Makes plugin folders as an author's build would: compiled code, a manifest, dependencies.</summary>
internal static class PluginBuilder
{
    private const string Usings = "using System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks; using RestStream.Connect; using RestStream.Connect.Config; using RestStream.Connect.Plugins;\n";

    private static readonly MetadataReference[] _references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    /// <summary>The code of a sink connector; <paramref name="constructor"/> is what its constructor does, <paramref name="version"/> what its first setting is called.</summary>
    public static string Sink(string type, string constructor = "", string version = "\"v\"") =>
        $$"""
        public sealed class {{type}} : SinkConnector
        {
            public {{type}}() { {{constructor}} }
            public override ConfigDef Config { get; } = new ConfigDef().Optional({{version}}, ConfigType.String, null, "");
            public override Type TaskType => typeof(object);
            public override IReadOnlyList<IReadOnlyDictionary<string, string>> TaskConfigs(int maxTasks) => [];
        }
        """;

    /// <summary>Compiles <paramref name="code"/> to <c>folder/assembly.dll</c>.</summary>
    public static string Compile(string folder, string assembly, string code, params string[] dependencies)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, assembly + ".dll");
        // Collection expressions are newer than the pinned compiler.
        var tree = CSharpSyntaxTree.ParseText(Usings + code.Replace("=> [];", "=> Array.Empty<IReadOnlyDictionary<string, string>>();", StringComparison.Ordinal));
        var compilation = CSharpCompilation.Create(assembly, [tree], [.. _references, .. dependencies.Select(d => MetadataReference.CreateFromFile(d))], new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var temporary = path + ".tmp";
        var result = compilation.Emit(temporary);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        File.Move(temporary, path, overwrite: true);
        return path;
    }

    public static void Manifest(string folder, string version, string assembly, params (string Class, string Kind, string Type)[] classes)
    {
        var json = new { name = Path.GetFileName(folder), version, assembly = assembly + ".dll", minApi = "0.1.0", classes = classes.Select(c => new { @class = c.Class, kind = c.Kind, type = c.Type }) };
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "plugin.json"), JsonSerializer.Serialize(json));
    }

    /// <summary>A folder with one sink connector.</summary>
    public static void WriteSink(string folder, string @class, string version, string code)
    {
        Compile(folder, "Plugin", code);
        Manifest(folder, version, "Plugin", (@class, "sink", code.Split("class ")[1].Split(' ')[0]));
    }
}
