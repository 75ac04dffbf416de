using System.Diagnostics;
using RestStream.Tests.Connect;

namespace RestStream.Tests.Plugins;

/// <summary>The way of an author who has only the packages: connectors/template, somewhere else.</summary>
public sealed class OutsidePluginTests : IDisposable
{
    private readonly TempFolder _folder = new("outside");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_connector_made_from_the_template_keeps_the_contract_loads_by_a_rescan_and_runs()
    {
        await using var connect = await ConnectServer.StartAsync("--RestStream:Connect:PluginPath", _folder["plugins"]);
        await MakeFromTemplateAsync("Weather");
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        foreach (var package in (string[])["RestStream.Connect.Api", "RestStream.Connect.Testing"])
            await DotnetAsync("pack", Path.Combine(Locations.RepositoryRoot, "src", package), "--no-build", "-c", configuration, "-o", _folder["packages"]);

        await DotnetAsync("test", _folder["Weather/Weather.Connect.Tests"]);
        CopyFolder(_folder["Weather/Weather.Connect/bin/Debug/net10.0"], _folder["plugins/Weather"]);
        var before = await connect.PostAsync("connectors", new { name = "weather", config = Config() });
        var rescan = await connect.PostAsync("connector-plugins/rescan");
        Assert.Equal(201, (await connect.PutAsync("topics/weather")).Status);
        await connect.CreateAsync("weather", Config());
        await File.WriteAllTextAsync(connect.FilePath("weather.txt"), "rain\nsun\n");
        await connect.UntilRecordsAsync("weather", 2);

        Assert.Equal(400, before.Status);
        Assert.Contains("Weather.Connect.WeatherSourceConnector", rescan.Text);
        Assert.Equal(["rain", "sun"], (await connect.RecordsAsync("weather")).Select(record => record.GetProperty("value").GetString()));
        Assert.False(File.Exists(_folder["plugins/Weather/RestStream.Connect.Api.dll"]));

        static Dictionary<string, string> Config() => new() { ["connector.class"] = "WeatherSource", ["file"] = "weather.txt", ["topic"] = "weather" };
    }

    /// <summary>By <c>dotnet new</c>, as CONTRIBUTING.md says; with a home of its own, so that the template is installed for nobody else.</summary>
    private async Task MakeFromTemplateAsync(string name)
    {
        await RunAsync("new", "install", Path.Combine(Locations.RepositoryRoot, "connectors", "template"));
        await RunAsync("new", "reststream-connector", "--name", name, "--output", _folder[name], "--packages", _folder["packages"]);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    /// <summary>With a package folder of its own, so that packages of this version from earlier builds are not taken; what others made comes from the user's.</summary>
    private Task DotnetAsync(params string[] arguments)
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return RunAsync([.. arguments, $"-p:RestoreFallbackFolders={packages}"]);
    }

    private async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        start.Environment["NUGET_PACKAGES"] = _folder["nuget"];
        if (arguments[0] == "new")
            start.Environment["DOTNET_CLI_HOME"] = _folder["home"];
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{await output}{await error}");
    }
}
