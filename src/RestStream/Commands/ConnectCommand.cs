using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using RestStream.Connect;
using RestStream.Connect.ConfigTests;
using RestStream.Connect.Plugins;

namespace RestStream.Commands;

/// <summary><c>reststream connect test</c>: tests of a connector configuration, without a server.</summary>
internal static class ConnectCommand
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create() => new("connect", "Things for people who write and configure connectors") { CreateTest() };

    private static Command CreateTest()
    {
        var file = new Argument<string>("file") { Description = "A JSON file with config, and tests of input and expected records" };
        var output = CommandLine.OutputOption();
        var path = new Option<string[]>("--plugin-path") { Description = "Folders of plugins, beside the folder 'plugins' of the program" };
        var command = new Command("test", "Send records through the converters and transforms of a configuration; exit code 0 = all come out as expected, 1 = they do not, 2 = cannot run") { file, output, path };
        command.SetAction(parsed =>
        {
            var plugins = PluginCatalog.Open([Path.Combine(AppContext.BaseDirectory, "plugins"), .. parsed.GetValue(path) ?? []], NullLogger.Instance);
            var name = parsed.GetRequiredValue(file);
            try
            {
                var results = ConfigTestRun.Run(plugins, ConfigTestFile.Read(name));
                if (parsed.GetValue(output) == "json")
                    parsed.InvocationConfiguration.Output.WriteLine(JsonSerializer.Serialize(results, _json));
                else
                    WriteText(results, parsed.InvocationConfiguration);
                return results.All(result => result.Differences.Count == 0) ? CommandLine.Fine : CommandLine.Findings;
            }
            catch (Exception e) when (e is ConnectException or InvalidDataException)
            {
                parsed.InvocationConfiguration.Error.WriteLine(e.Message);
                return CommandLine.BadArguments;
            }
        });
        return command;
    }

    private static void WriteText(IReadOnlyList<ConfigTestResult> results, InvocationConfiguration console)
    {
        foreach (var result in results)
        {
            console.Output.WriteLine($"{(result.Differences.Count == 0 ? "ok  " : "FAIL")}  {result.Name}");
            foreach (var difference in result.Differences)
            {
                console.Output.WriteLine($"      {difference.Path}");
                console.Output.WriteLine($"        expected: {difference.Expected ?? "(nothing)"}");
                console.Output.WriteLine($"        got:      {difference.Got ?? "(nothing)"}");
            }
        }

        console.Error.WriteLine($"{results.Count(result => result.Differences.Count == 0)} passed, {results.Count(result => result.Differences.Count > 0)} failed.");
    }
}
